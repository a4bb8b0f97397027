"""Staff check businesses, changes and shops; suspend, put into campaigns, import."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from openpyxl import Workbook  # type: ignore[import-untyped]
from pytest_django import Settings

from bureau.accounts.models import Role
from bureau.common import clock, sealed, sms
from bureau.photos.models import Photo
from bureau.regions.models import Posting
from tests import make as city
from tests.venues.test_admin import client_of, staff
from tests.vouchers import business, make
from vouchers import actions
from vouchers.actions.merchant_imports import import_merchants, read_rows, template
from vouchers.errors.merchants import FileUnreadable
from vouchers.models import Member, Merchant, MerchantChange, Participation, Shop

pytestmark = pytest.mark.django_db
ADMIN = "/admin/vouchers"
State = Merchant.State


@pytest.fixture(autouse=True)
def no_second_factor(settings: Settings) -> None:
    settings.STAFF_MFA_REQUIRED = False


@pytest.fixture
def office() -> Client:
    return client_of(staff(Role.CITY_STAFF))


def text(client: Client, path: str, *, status: int = 200) -> str:
    answer = client.get(f"{ADMIN}{path}")
    assert answer.status_code == status, path
    return answer.content.decode()


def state_of(merchant: Merchant) -> str:
    merchant.refresh_from_db()
    return merchant.state


# --- Deciding -------------------------------------------------------------------------


def test_what_waits_is_first_in_the_list(office: Client) -> None:
    make.merchant(name="A settled one")
    waits = business.applied(facts=business.facts(name="Z waits"))
    page = text(office, "/merchant/")
    assert page.index("Z waits") < page.index("A settled one")
    assert "to be checked" in page
    for work, found in (("check", True), ("permit", False), ("over", False)):
        assert ("Z waits" in text(office, f"/merchant/?work={work}")) is found
    assert waits.name in text(office, "/merchant/?state__exact=applied")


def test_staff_see_the_papers_the_verdict_and_the_twins(office: Client) -> None:
    first = business.approved()
    merchant = business.applied()
    page = text(office, f"/merchant/{merchant.pk}/change/")
    assert "The check digit is right." in page
    assert "This very file was sent before" in page
    assert first.name in page
    assert merchant.masked_account in page
    assert business.ACCOUNT not in page
    assert merchant.shops.get().name in page


def test_a_business_is_approved_as_it_was_seen(office: Client) -> None:
    merchant = business.applied()
    path = f"{ADMIN}/merchant/{merchant.pk}/approve/"
    seen = merchant.applied_at.isoformat()
    assert seen in text(office, f"/merchant/{merchant.pk}/approve/")
    actions.correct_merchant(
        merchant=merchant, facts=business.facts(), by=merchant.contact
    )
    late = office.post(path, {"seen_at": seen})
    assert late.status_code == 422
    assert "look at it again" in late.text
    assert state_of(merchant) == State.APPLIED
    done = office.post(path, {"seen_at": merchant.applied_at.isoformat()})
    assert done.status_code == 302
    assert state_of(merchant) == State.APPROVED
    second_tab = office.post(path, {"seen_at": merchant.applied_at.isoformat()})
    assert "decided meanwhile" in second_tab.text


def test_a_business_is_refused_suspended_and_reinstated_with_reasons(
    office: Client,
) -> None:
    merchant = business.applied()
    seen = {"seen_at": merchant.applied_at.isoformat()}
    path = f"{ADMIN}/merchant/{merchant.pk}"
    assert office.post(f"{path}/refuse/", seen).status_code == 422
    office.post(f"{path}/refuse/", {**seen, "reason": "Dark photo"})
    assert state_of(merchant) == State.REFUSED

    other = business.approved()
    path = f"{ADMIN}/merchant/{other.pk}"
    for step, state in (("suspend", "suspended"), ("reinstate", "approved")):
        text(office, f"/merchant/{other.pk}/{step}/")
        assert office.post(f"{path}/{step}/", {"x": "x"}).status_code == 422
        office.post(f"{path}/{step}/", {"reason": "Because"})
        assert state_of(other) == state
    assert "Because" in text(office, f"/merchant/{other.pk}/history/")


def test_staff_of_a_district_decide_about_its_businesses_only() -> None:
    merchant = business.applied()
    person = staff(Role.BUREAU_STAFF)
    client = client_of(person)
    assert merchant.name not in text(client, "/merchant/")
    text(client, f"/merchant/{merchant.pk}/approve/", status=404)
    text(client, f"/shop/{merchant.shops.get().pk}/look/", status=404)
    text(client, "/merchant/import/", status=403)
    Posting.objects.create(user=person, district=merchant.shops.get().district)
    assert merchant.name in text(client, "/merchant/")
    text(client, f"/merchant/{merchant.pk}/approve/")


def test_who_only_reads_does_not_decide() -> None:
    merchant = business.applied()
    client = client_of(staff(Role.INSPECTOR))
    text(client, f"/merchant/{merchant.pk}/approve/", status=403)
    text(client, "/merchant/", status=403)


def test_nobody_without_the_permission_sees_a_licence(client: Client) -> None:
    merchant = business.applied()
    address = Photo.objects.about(merchant).get().get_absolute_url()
    assert client.get(address).status_code == 404
    client.force_login(city.verified())
    assert client.get(address).status_code == 404
    client.force_login(merchant.contact)
    assert client.get(address).status_code == 200
    assert client_of(staff(Role.CITY_STAFF)).get(address).status_code == 200


# --- Changes and shops ----------------------------------------------------------------


def asked(merchant: Merchant) -> MerchantChange:
    facts = business.facts(
        name=merchant.name,
        credit_code=merchant.credit_code,
        account_number="9558820200001234567",
    )
    return actions.ask_for_change(merchant=merchant, facts=facts, by=merchant.contact)


def test_a_change_is_read_beside_what_is_in_force(office: Client) -> None:
    merchant = business.approved()
    change = asked(merchant)
    assert "a change to be checked" in text(office, "/merchant/")
    page = text(office, f"/merchantchange/{change.pk}/change/")
    assert merchant.masked_account in page
    assert change.masked_account in page
    text(office, f"/merchantchange/{change.pk}/refuse/")
    text(office, f"/merchantchange/{change.pk}/approve/")
    office.post(f"{ADMIN}/merchantchange/{change.pk}/approve/", {"x": "x"})
    merchant.refresh_from_db()
    assert sealed.unseal(merchant.sealed_account).startswith("9558")
    late = office.post(
        f"{ADMIN}/merchantchange/{change.pk}/refuse/", {"reason": "Late"}
    )
    assert late.status_code == 422
    text(office, "/merchantchange/")


def test_a_new_shop_is_looked_at_on_the_map(office: Client) -> None:
    merchant = business.approved()
    shop = actions.add_shop(
        merchant=merchant, facts=business.shop_facts(), by=merchant.contact
    )
    assert "a shop to be checked" in text(office, "/merchant/")
    assert shop.name in text(office, "/shop/?waits_since__isempty=0")
    page = text(office, f"/shop/{shop.pk}/look/")
    assert "BureauPin" in page
    assert shop.waits_since
    seen = {"seen_at": shop.waits_since.isoformat()}
    office.post(f"{ADMIN}/shop/{shop.pk}/look/", seen)
    assert Shop.objects.taking_vouchers().filter(pk=shop.pk).exists()
    again = office.post(f"{ADMIN}/shop/{shop.pk}/look/", seen)
    assert again.status_code == 422
    text(office, f"/shop/{shop.pk}/change/")


# --- Campaigns ------------------------------------------------------------------------


def test_businesses_are_put_into_a_campaign_alone_or_together(office: Client) -> None:
    campaign = make.campaign()
    firms = [make.merchant() for _ in range(3)]
    one, *others = firms
    path = f"{ADMIN}/merchant/{one.pk}/join-campaign/"
    assert campaign.name in text(office, f"/merchant/{one.pk}/join-campaign/")
    office.post(path, {"campaign": campaign.pk, "cap": "1000.50", "is_large": "on"})
    part = Participation.objects.get()
    assert (part.merchant, part.cap_fen) == (one, 1000_50)
    one.refresh_from_db()
    assert one.is_large
    text(office, "/merchant/put-into-campaign/")
    office.post(
        f"{ADMIN}/merchant/put-into-campaign/",
        {"campaign": campaign.pk, "cap": "", "merchants": [one.pk for one in others]},
    )
    assert Participation.objects.count() == 3
    text(office, f"/participation/{part.pk}/change/")
    office.post(f"{ADMIN}/participation/{part.pk}/end/", {"reason": "Done"})
    part.refresh_from_db()
    assert part.until
    assert one.name in text(office, "/participation/")


def test_where_one_of_many_cannot_take_part_none_does(office: Client) -> None:
    campaign = make.campaign()
    firms = [make.merchant() for _ in range(3)]
    Participation.objects.create(
        campaign=campaign, merchant=firms[1], since=clock.now(), redeemed_fen=500_00
    )
    given = {
        "campaign": campaign.pk,
        "cap": "100",
        "merchants": [one.pk for one in firms],
    }
    answer = office.post(f"{ADMIN}/merchant/put-into-campaign/", given)
    assert answer.status_code == 422
    assert f"{firms[1].name}: More than this" in answer.text
    assert Participation.objects.get().cap_fen is None


def test_tables_of_people_and_devices_can_be_read(office: Client) -> None:
    merchant = business.approved()
    device = actions.know_device(
        member=business.manager_of(merchant), key="k" * 20, name="Chrome"
    )
    assert "Chrome" in text(office, "/device/")
    text(office, f"/device/{device.pk}/change/")


# --- Import ---------------------------------------------------------------------------


def line(**given: Any) -> list[Any]:
    cells = {
        "name": "健身有限公司",
        "code": "91370800MA0000901X",
        "sports": "badminton、tennis",
        "permit": None,
        "until": None,
        "bank": "工商银行",
        "account_name": "健身有限公司",
        "account": "1608020109200123456",
        "phone": "13700000021",
        "person": "张",
        "shop": "一店",
        "address": "任城区",
        "shop_phone": "0537-1",
        "lat": 35.415,
        "lon": 116.587,
        "datum": "wgs84",
    }
    return list((cells | given).values())


def sheet(*lines: list[Any]) -> bytes:
    book = Workbook()
    page = book.active
    page.append(["heading"] * 16)
    for cells in lines:
        page.append(cells)
    made = BytesIO()
    book.save(made)
    return made.getvalue()


@pytest.fixture
def code() -> str:
    city.district()
    return make.credit_code()


def test_a_business_with_two_shops_is_entered_once(code: str) -> None:
    by = staff(Role.CITY_STAFF)
    rows = read_rows(sheet(line(code=code), line(code=code, shop="二店")))
    looked = import_merchants(rows=rows, dry_run=True, by=by)
    assert [one.what for one in looked] == ["new", "shop"]
    assert not Merchant.objects.exists()
    import_merchants(rows=rows, dry_run=False, by=by)
    merchant = Merchant.objects.get()
    assert merchant.state == State.APPROVED
    assert merchant.shops.taking_vouchers().count() == 2
    member = Member.objects.get()
    assert (member.role, member.invited_phone) == ("manager", "13700000021")
    again = import_merchants(rows=rows, dry_run=False, by=by)
    assert [one.what for one in again] == ["same", "same"]
    assert (Merchant.objects.count(), Member.objects.count()) == (1, 1)


def test_a_file_is_entered_without_redis_too_and_its_invitations_go_out_later(
    code: str, settings: Settings
) -> None:
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "redis://127.0.0.1:1/0",
        }
    }
    rows = read_rows(sheet(line(code=code), line(code=make.credit_code(), shop="x")))
    import_merchants(rows=rows, dry_run=False, by=staff(Role.CITY_STAFF))
    assert Merchant.objects.count() == Member.objects.count() == 2
    assert not Member.objects.exclude(invite_sent_at=None).exists()
    sms.outbox.clear()
    actions.resend_invitations(at=clock.now() + timedelta(hours=1))
    assert len(sms.outbox) == 2


def test_a_number_that_works_there_already_is_told_in_its_row(code: str) -> None:
    merchant = make.merchant(credit_code=code, name=line(code=code)[0])
    make.member(merchant, person=city.citizen(phone="13700000021"), role="clerk")
    rows = read_rows(sheet(line(code=code)))
    (said,) = import_merchants(rows=rows, dry_run=False, by=staff(Role.CITY_STAFF))
    assert said.what == "wrong"
    assert not merchant.shops.filter(name=line(code=code)[10]).exists()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"code": "91370800MA0000001X"}, "unified social credit code"),
        ({"name": ""}, "missing"),
        ({"sports": "chess"}, "no sport"),
        ({"sports": "swimming"}, "permit"),
        ({"sports": "swimming", "permit": "1", "until": "soon"}, "2026-11-23"),
        ({"phone": "12"}, "mobile number"),
        ({"lat": 91}, "map"),
        ({"lat": "x"}, "map"),
        ({"lon": 100}, "outside the city"),
        ({"datum": "mars"}, "map"),
        ({"account": "12"}, "8 to 30 digits"),
        ({"account": None}, "8 to 30 digits"),
        ({"address": "x" * 201}, "too long"),
        ({"shop": None}, "missing"),
    ],
)
def test_a_wrong_row_is_told_and_nothing_is_entered(
    code: str, wrong: dict[str, Any], words: str
) -> None:
    good = line(code=make.credit_code())
    rows = read_rows(sheet(good, line(**({"code": code, "shop": "x"} | wrong))))
    outcomes = import_merchants(rows=rows, dry_run=False, by=staff(Role.CITY_STAFF))
    assert [one.what for one in outcomes] == ["new", "wrong"]
    assert (outcomes[1].row, words in outcomes[1].words) == (3, True)
    assert not Merchant.objects.exists()


def test_another_name_under_a_known_code_is_wrong(code: str) -> None:
    make.merchant(credit_code=code, name="Known")
    rows = read_rows(sheet(line(code=code)))
    (said,) = import_merchants(rows=rows, dry_run=True, by=staff(Role.CITY_STAFF))
    assert (said.what, "Known" in said.words) == ("wrong", True)


def test_numbers_and_days_that_a_spreadsheet_changed_are_read(code: str) -> None:
    until = datetime(2040, 1, 31)  # noqa: DTZ001 - a spreadsheet knows no offsets
    row = line(
        code=code,
        sports="Swimming",
        permit=2026001.0,
        until=until,
        account=12345678901.0,
        phone=13700000021,
    )
    (said,) = import_merchants(
        rows=read_rows(sheet(row)), dry_run=False, by=staff(Role.CITY_STAFF)
    )
    assert said.what == "new"
    merchant = Merchant.objects.get()
    assert sealed.unseal(merchant.sealed_account) == "12345678901"
    assert merchant.permit_number == "2026001"
    assert merchant.permit_until == until.date()


@pytest.mark.parametrize(
    "content", [b"", b"PK", b"not a zip", b"PK\x03\x04" + b"0" * 99]
)
def test_what_is_no_spreadsheet_is_refused(content: bytes) -> None:
    with pytest.raises(FileUnreadable):
        read_rows(content)
    with pytest.raises(FileUnreadable):
        read_rows(template())  # headings alone


def test_a_file_is_looked_at_and_then_entered(office: Client, code: str) -> None:
    path = f"{ADMIN}/merchant/import/"
    empty = office.get(f"{path}?template=1")
    assert empty.content[:2] == b"PK"
    assert "1 MB" in office.post(path, {"kept": ""}).text
    upload = SimpleUploadedFile("firms.xlsx", sheet(line(code=code)))
    looked = office.post(path, {"file": upload})
    assert "New businesses: 1" in looked.text
    assert not Merchant.objects.exists()
    kept = looked.context["content"]
    assert office.post(path, {"kept": kept, "enter": "1"}).status_code == 302
    assert Merchant.objects.get().credit_code == code
    wrong = SimpleUploadedFile("firms.xlsx", sheet(line(code="1")))
    assert "Wrong:" in office.post(path, {"file": wrong}).text
