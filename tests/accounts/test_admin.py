from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client

from bureau.accounts import actions
from bureau.accounts.models import Eligibility, Role, Token, User, VerifiedIdentity
from tests import make
from tests.accounts.actions.test_eligibility import ask

pytestmark = pytest.mark.django_db


def staff(role: Role, **given: Any) -> User:
    call_command("sync_roles", verbosity=0)
    made = make.user(is_staff=True, **given)
    made.groups.add(Group.objects.get(name=role.value))
    return made


@pytest.fixture
def city(browser: Client) -> Client:
    browser.force_login(staff(Role.CITY_STAFF))
    return browser


@pytest.fixture
def district(network: str) -> Client:
    client = Client(REMOTE_ADDR=network)
    client.force_login(staff(Role.BUREAU_STAFF))
    return client


@pytest.mark.parametrize(
    "table",
    ["user", "verifiedidentity", "dependant", "eligibility", "consent", "token"],
)
def test_tables_open(city: Client, verified: VerifiedIdentity, table: str) -> None:
    ask(verified.user)
    Token.objects.create(verified.user, device="Phone")

    page = city.get(f"/admin/accounts/{table}/")

    assert page.status_code == HTTPStatus.OK
    assert str(verified.user.phone) not in page.content.decode()


def test_people_are_found_by_the_whole_number_only(
    city: Client, verified: VerifiedIdentity
) -> None:
    phone = verified.user.phone
    assert phone is not None

    def found(term: str) -> bool:
        page = city.get("/admin/accounts/user/", {"q": term})
        return "张**" in page.content.decode()

    assert found(phone)
    assert found(f"+86 {phone}")
    assert not found(phone[:8])


def test_a_citizens_account_is_looked_at_and_not_changed(
    city: Client, citizen: User
) -> None:
    address = f"/admin/accounts/user/{citizen.pk}/change/"

    page = city.get(address)
    assert page.status_code == HTTPStatus.OK
    assert str(citizen.phone) not in page.content.decode()
    assert city.post(address, {"username": "x"}).status_code == HTTPStatus.FORBIDDEN


def test_staff_do_not_promote_themselves(city: Client) -> None:
    me = User.objects.get(groups__name="city_staff")

    city.post(
        f"/admin/accounts/user/{me.pk}/change/",
        {
            "username": me.username,
            "is_active": "on",
            "is_staff": "on",
            "is_superuser": "on",
            "last_name": "李",
            "first_name": "",
            "email": "",
        },
    )

    me.refresh_from_db()
    assert me.last_name == "李"
    assert not me.is_superuser
    assert me.role_text == "city_staff"


def test_a_superuser_adds_staff(browser: Client, told: list[str]) -> None:
    browser.force_login(make.user(is_staff=True, is_superuser=True))

    browser.post(
        "/admin/accounts/user/add/",
        {
            "username": "new-clerk",
            "last_name": "王",
            "first_name": "明",
            "usable_password": "true",
            "password1": "Lang genug 2026",
            "password2": "Lang genug 2026",
        },
    )

    made = User.objects.get(username="new-clerk")
    assert made.is_staff
    assert str(made) == "王明"
    assert told == ["accounts.user.added"]


def test_the_queue_approves(
    district: Client, verified: VerifiedIdentity, told: list[str]
) -> None:
    row = ask(verified.user)
    address = f"/admin/accounts/eligibility/{row.pk}/approve/"
    row_page = district.get(f"/admin/accounts/eligibility/{row.pk}/change/")
    assert address in row_page.content.decode()
    assert district.get(address, follow=True).status_code == HTTPStatus.OK

    page = district.post(address, {"expires_on": str(row.expires_on)})

    assert page["Location"].endswith("?state__exact=pending")
    row.refresh_from_db()
    assert row.state == Eligibility.State.APPROVED
    assert told[-1] == "accounts.eligibility.approved"


def test_the_queue_refuses_with_a_reason(
    district: Client, verified: VerifiedIdentity
) -> None:
    row = ask(verified.user)
    address = f"/admin/accounts/eligibility/{row.pk}/refuse/"

    assert district.post(address, {"reason": ""}).status_code == HTTPStatus.BAD_REQUEST
    district.post(address, {"reason": "Not readable"})

    row.refresh_from_db()
    assert (row.state, row.reason) == ("refused", "Not readable")


def test_what_is_decided_is_told_to_the_second_clerk(
    district: Client, verified: VerifiedIdentity
) -> None:
    row = ask(verified.user)
    actions.refuse_eligibility(eligibility=row, reason="No", by=make.user())

    page = district.post(
        f"/admin/accounts/eligibility/{row.pk}/approve/",
        {"expires_on": str(row.expires_on)},
        follow=True,
    )

    assert "just decided" in page.content.decode()
    # Whose it was, and what it says of them, is no business of theirs any more.
    assert str(verified.user) not in page.content.decode()
    counted = district.post("/admin/accounts/eligibility/987654321/approve/", {})
    assert counted.status_code == HTTPStatus.FOUND


def test_unmasking_asks_why(
    city: Client, verified: VerifiedIdentity, told: list[str]
) -> None:
    address = f"/admin/accounts/verifiedidentity/{verified.pk}/reveal/"
    assert "张三丰" not in city.get(address).content.decode()
    assert city.post(address, {"reason": " "}).status_code == HTTPStatus.BAD_REQUEST

    page = city.post(address, {"reason": "Asked by phone"})

    assert "张三丰" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    assert told[-1] == "accounts.identity.revealed"


def test_district_staff_do_not_unmask(
    district: Client, verified: VerifiedIdentity
) -> None:
    address = f"/admin/accounts/verifiedidentity/{verified.pk}/reveal/"

    page = district.post(address, {"reason": "Curious"})

    assert page.status_code == HTTPStatus.FORBIDDEN


def test_staff_sign_a_lost_phone_out(city: Client, citizen: User) -> None:
    row, _ = Token.objects.create(citizen, device="Lost")

    city.post(
        "/admin/accounts/token/",
        {"action": "sign_out", "_selected_action": [row.pk]},
    )

    assert not Token.objects.exists()


def test_roles_are_synced_twice_alike() -> None:
    call_command("sync_roles", verbosity=0)
    first = {g.name: g.permissions.count() for g in Group.objects.all()}
    call_command("sync_roles", verbosity=0)

    assert first == {g.name: g.permissions.count() for g in Group.objects.all()}
    assert set(first) == {role.value for role in Role}
    city = Group.objects.get(name="city_staff").permissions
    assert city.filter(codename="reveal_verifiedidentity").exists()
    audit = city.filter(content_type__app_label="audit")
    assert not audit.filter(codename="change_entry").exists()
    assert not city.filter(codename="delete_user").exists()
