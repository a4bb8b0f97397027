"""Staff of a district see people, and vouchers, only where there is a reason."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from bureau.accounts.models import Eligibility, Role, User
from bureau.common import clock
from bureau.regions.models import District, Posting
from tests import make
from tests.vouchers import make as rows
from tests.vouchers.settling import Week, week
from vouchers.models import RefusedScan, Shop, Voucher

pytestmark = pytest.mark.django_db


def staff(role: Role, *, of: District | None = None) -> User:
    call_command("sync_roles", verbosity=0)
    person = make.user(is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    if of:
        Posting.objects.create(user=person, district=of)
    return User.objects.get(pk=person.pk)


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def w() -> Week:
    return week()


@pytest.fixture
def shop(w: Week) -> Shop:
    w.redeem()
    return Shop.objects.get()


@pytest.fixture
def office(shop: Shop) -> Client:
    return client_of(staff(Role.BUREAU_STAFF, of=shop.district))


def vouchers_seen_by(client: Client) -> set[Voucher]:
    page = client.get(reverse("admin:vouchers_voucher_changelist"))
    return set(page.context["cl"].queryset)


def test_the_vouchers_of_a_district_are_those_used_in_its_shops(
    w: Week, shop: Shop, office: Client
) -> None:
    (used,) = Voucher.objects.all()
    kept = rows.voucher(w.lot)

    assert vouchers_seen_by(office) == {used}
    elsewhere = staff(Role.BUREAU_STAFF, of=make.district())
    assert vouchers_seen_by(client_of(elsewhere)) == set()
    assert vouchers_seen_by(client_of(staff(Role.CITY_STAFF))) == {used, kept}
    assert vouchers_seen_by(client_of(staff(Role.AUDITOR))) == {used, kept}
    page = reverse("admin:vouchers_voucher_change", args=[kept.pk])
    assert office.get(page).status_code == 404


def test_a_voucher_that_a_shop_of_the_district_refused_is_one_of_its_own(
    w: Week, shop: Shop, office: Client
) -> None:
    refused, others = rows.voucher(w.lot), rows.voucher(w.lot)
    clerk = rows.member(shop.merchant)
    for voucher in (refused, None):
        RefusedScan.objects.create(
            shop=shop, clerk=clerk, at=clock.now(), code="voucher_lost", voucher=voucher
        )

    seen = vouchers_seen_by(office)
    assert refused in seen
    assert others not in seen


@pytest.mark.parametrize(
    "table", ["accounts_verifiedidentity", "accounts_dependant", "draws_drawentry"]
)
def test_who_people_are_is_nothing_for_a_district(office: Client, table: str) -> None:
    address = reverse(f"admin:{table}_changelist")
    assert office.get(address).status_code == 403
    assert client_of(staff(Role.CITY_STAFF)).get(address).status_code == 200


def test_a_district_looks_up_colleagues_and_no_citizens(
    office: Client, citizen: User
) -> None:
    colleague = make.user(is_staff=True)

    page = office.get(reverse("admin:accounts_user_changelist"))

    assert colleague in page.context["cl"].queryset
    assert citizen not in page.context["cl"].queryset
    own = office.get(reverse("admin:accounts_user_change", args=[citizen.pk]))
    assert own.status_code == 302  # Django's way to say that there is none


def test_the_name_on_a_row_of_the_district_is_no_link_to_a_page_that_is_shut(
    office: Client, w: Week
) -> None:
    (used,) = Voucher.objects.all()
    eligible = Eligibility.objects.create(
        user=used.person,
        kind="student",
        expires_on=clock.today(),
        asked_at=clock.now(),
    )
    page = office.get(
        reverse("admin:accounts_eligibility_change", args=[eligible.pk])
    ).text
    assert f"/admin/accounts/user/{used.person_id}/" not in page


def test_a_certificate_is_seen_while_it_waits_and_then_by_who_decided(
    citizen: User, w: Week, shop: Shop
) -> None:
    decider = staff(Role.BUREAU_STAFF, of=shop.district)
    other = staff(Role.BUREAU_STAFF, of=shop.district)
    asked = Eligibility.objects.create(
        user=citizen, kind="student", expires_on=clock.today(), asked_at=clock.now()
    )

    def is_seen_by(person: User) -> bool:
        address = reverse("admin:accounts_eligibility_changelist")
        return asked in client_of(person).get(address).context["cl"].queryset

    assert is_seen_by(decider)
    assert is_seen_by(other)
    Eligibility.objects.filter(pk=asked.pk).update(
        state="approved", decided_at=clock.now(), decided_by=decider
    )
    assert is_seen_by(decider)
    assert not is_seen_by(other)
    assert is_seen_by(staff(Role.CITY_STAFF))
