"""The staff pages of the radar and of the figures."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook  # type: ignore[import-untyped]

from bureau.accounts.models import Role, User
from bureau.common import clock
from bureau.regions.models import District, Posting
from tests.make import user as make_user
from tests.vouchers import make
from tests.vouchers.test_figures import world
from vouchers import actions
from vouchers.models import Campaign, DistrictCap, Flag, Redemption
from vouchers.queries.alerts import alerts_of
from vouchers.queries.evidence import open_flags

pytestmark = pytest.mark.django_db
FLAGS = "admin:vouchers_flag_changelist"
DASHBOARD = "admin:vouchers_hourfigure_dashboard"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def staff(role: Role = Role.BUREAU_STAFF, *, of: District | None = None) -> Client:
    call_command("sync_roles", verbosity=0)
    user = make_user(is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    if of:
        Posting.objects.create(user=user, district=of)
    return signed_in(user)


def decision(client: Client, url: str, reason: str) -> dict[str, str]:
    """What the page sends of which this is the reason."""
    seen = client.get(url).context["form"]["seen"].value()
    return {"reason": reason, "seen": seen}


@pytest.fixture
def city() -> Client:
    return staff(Role.CITY_STAFF)


@pytest.fixture
def used() -> Redemption:
    return make.redemption(bill_fen=500_00)


@pytest.fixture
def flag(used: Redemption) -> Flag:
    made = Flag.objects.create(
        campaign=used.voucher.campaign,
        merchant=used.merchant,
        rule="hugging",
        day=clock.today(),
        score=1.1,
        evidence={
            "judged": 12,
            "marked": 9,
            "marked_today": 3,
            "share": 0.75,
            "market": 0.15,
            "z": 5.8,
            "days": 14,
        },
        raised_at=clock.now(),
    )
    made.redemptions.add(used)
    return made


def page_of(flag: Flag) -> str:
    return reverse("admin:vouchers_flag_change", args=[flag.pk])


# --- The radar ------------------------------------------------------------------------


def test_the_evidence_stands_beside_the_market(city: Client, flag: Flag) -> None:
    page = city.get(page_of(flag)).content.decode()

    assert "A flag accuses nobody." in page
    assert "9 of 12" in page
    assert "What else may explain it:" in page
    assert "this merchant" in page
    assert "75 %" in page
    assert "15 %" in page
    assert str(flag.redemptions.get()) in page
    assert page.count('<svg class="drawing"') == 3  # nobody else has any bills
    assert "style=" not in page[page.index("A flag accuses") : page.index("The redemp")]


def test_each_redemption_that_is_held_counts_once_and_equal_ones_each(
    flag: Flag, used: Redemption
) -> None:
    other = make.redemption(bill_fen=500_00)
    assert other.discount_fen == used.discount_fen
    flag.redemptions.add(other)
    night = Flag.objects.create(
        campaign=flag.campaign,
        merchant=flag.merchant,
        rule="off_hours",
        day=flag.day,
        score=1,
        evidence=flag.evidence,
        raised_at=flag.raised_at,
    )
    night.redemptions.add(used)
    assert open_flags(Flag.objects.all()).held_fen == 2 * used.discount_fen


def test_staff_find_it_in_order_with_a_reason(city: Client, flag: Flag) -> None:
    url = reverse("admin:vouchers_flag_clear", args=[flag.pk])
    assert "can be settled again" in city.get(url).content.decode()

    assert city.post(url, {"reason": ""}).status_code == 422
    assert city.post(url, decision(city, url, "A course for 500.")).status_code == 302

    flag.refresh_from_db()
    assert (flag.state, flag.reason) == ("cleared", "A course for 500.")
    again = city.post(url, decision(city, url, "Again."))
    assert "decided this already" in again.content.decode()


def test_staff_confirm_it(city: Client, flag: Flag) -> None:
    url = reverse("admin:vouchers_flag_confirm", args=[flag.pk])
    assert "stays unpaid" in city.get(url).content.decode()
    city.post(url, decision(city, url, "No such bills."))
    flag.refresh_from_db()
    assert flag.state == "confirmed"


def test_what_the_radar_found_after_the_page_was_opened_is_not_decided_with_it(
    city: Client, flag: Flag
) -> None:
    url = reverse("admin:vouchers_flag_clear", args=[flag.pk])
    sent = {**decision(city, url, "A course."), "with_others": "on"}
    more = make.redemption(bill_fen=500_00)
    flag.redemptions.add(more)
    answer = city.post(url, sent)
    assert answer.status_code == 422
    assert "found more since" in answer.text
    flag.redemptions.remove(more)
    Flag.objects.create(
        campaign=flag.campaign,
        merchant=flag.merchant,
        rule="far",
        day=flag.day,
        score=1.0,
        evidence=flag.evidence,
        raised_at=clock.now(),
    ).redemptions.add(more)
    assert city.post(url, sent).status_code == 422
    assert not Flag.objects.exclude(state="open").exists()


def test_a_case_is_decided_as_a_whole(city: Client, flag: Flag) -> None:
    facts = {"merchant": flag.merchant, "raised_at": clock.now(), "score": 1.0}
    facts |= {"evidence": flag.evidence, "day": flag.day}
    beside = Flag.objects.create(campaign=flag.campaign, rule="far", **facts)
    elsewhere = Flag.objects.create(campaign=make.campaign(), rule="far", **facts)
    url = reverse("admin:vouchers_flag_confirm", args=[flag.pk])
    assert "There is 1 more." in city.get(url).content.decode()

    city.post(url, {**decision(city, url, "Seen on site."), "with_others": "on"})

    states = dict(Flag.objects.values_list("pk", "state"))
    assert states == {
        flag.pk: "confirmed",
        beside.pk: "confirmed",
        elsewhere.pk: "open",
    }


def test_looking_changes_nothing(city: Client, flag: Flag) -> None:
    for name in ("clear", "confirm"):
        city.get(reverse(f"admin:vouchers_flag_{name}", args=[flag.pk]))
    flag.refresh_from_db()
    assert flag.state == "open"


def test_a_district_sees_flags_of_its_shops_only(flag: Flag, used: Redemption) -> None:
    mine = staff(of=used.shop.district)
    other = staff(of=make.shop().district)

    assert mine.get(page_of(flag)).status_code == 200
    assert flag.merchant.name in mine.get(reverse(FLAGS)).content.decode()
    assert other.get(page_of(flag)).status_code == 404
    assert flag.merchant.name not in other.get(reverse(FLAGS)).content.decode()
    url = reverse("admin:vouchers_flag_clear", args=[flag.pk])
    assert other.post(url, {"reason": "Mine now."}).status_code == 404
    flag.refresh_from_db()
    assert flag.state == "open"


def test_who_may_only_look_cannot_decide(flag: Flag) -> None:
    reader = staff(Role.MERCHANT_CLERK)
    url = reverse("admin:vouchers_flag_clear", args=[flag.pk])
    assert reader.post(url, {"reason": "I say so."}).status_code == 403
    flag.refresh_from_db()
    assert flag.state == "open"


def test_staff_look_at_a_day_now(city: Client, used: Redemption) -> None:
    url = reverse("admin:vouchers_flag_scan")
    campaign = used.voucher.campaign.pk
    today, tomorrow = clock.today(), clock.today() + timedelta(days=1)

    assert "Looking twice changes nothing" in city.get(url).content.decode()
    done = city.post(url, {"campaign": campaign, "day": today.isoformat()}, follow=True)
    assert "0 new flags." in done.content.decode()
    late = city.post(url, {"campaign": campaign, "day": tomorrow.isoformat()})
    assert late.status_code == 422
    one = staff(of=used.shop.district)
    assert one.get(url).status_code == 403


def test_a_filter_by_sign(city: Client, flag: Flag) -> None:
    here = city.get(reverse(FLAGS), {"sign": "hugging"}).content.decode()
    there = city.get(reverse(FLAGS), {"sign": "far"}).content.decode()
    assert page_of(flag) in here
    assert page_of(flag) not in there


# --- The dashboard --------------------------------------------------------------------


@pytest.fixture
def campaign() -> Campaign:
    made, *_lots = world()
    actions.count_hours(campaign=made, at=clock.now())
    return made


def test_the_dashboard_shows_the_newest_campaign(
    city: Client, campaign: Campaign
) -> None:
    page = city.get(reverse(DASHBOARD)).content.decode()

    assert "of 2000 issued" in page
    assert page.count('<svg class="drawing"') >= 6
    assert page.count("<table") >= page.count('<svg class="drawing"')


def test_filters_narrow_what_is_counted(city: Client, campaign: Campaign) -> None:
    url = reverse(DASHBOARD)
    one, other = campaign.participations.order_by("pk")

    def bills(**given: str | int) -> str:
        page = city.get(url, {"campaign": campaign.pk, **given}).content.decode()
        return page[page.index("Bills</dt>") :][:200]

    whole = bills()
    assert bills(merchant=one.merchant_id) != whole
    assert bills(merchant=one.merchant_id) != bills(merchant=other.merchant_id)
    assert "¥0" in bills(sport="tennis")
    assert "¥0" in bills(last="2020-01-01")
    assert bills(first="2020-01-01", last="2999-01-01") == whole


@pytest.mark.parametrize(
    "given",
    [
        {"first": "2026-02-01", "last": "2026-01-01"},
        {"first": "yesterday"},
        {"sport": "go"},
        {"merchant": "x"},
        {"campaign": "0"},
    ],
)
def test_what_makes_no_sense_is_said(
    city: Client, campaign: Campaign, given: dict[str, str]
) -> None:
    assert city.get(reverse(DASHBOARD), given).status_code == 422


def test_a_district_counts_its_own_shops(campaign: Campaign) -> None:
    shop = Redemption.objects.done().order_by("pk")[0].shop
    elsewhere = make.shop()
    mine = staff(of=shop.district).get(reverse(DASHBOARD)).content.decode()
    none = staff(of=elsewhere.district).get(reverse(DASHBOARD)).content.decode()

    assert shop.merchant.name in mine
    assert shop.merchant.name not in none
    theirs = {"district": shop.district_id}
    client = staff(of=elsewhere.district)
    assert client.get(reverse(DASHBOARD), theirs).status_code == 422


def test_the_workbook_says_what_the_page_says(city: Client, campaign: Campaign) -> None:
    answer = city.get(reverse(DASHBOARD), {"format": "xlsx"})

    book = load_workbook(BytesIO(answer.content))
    tiers = list(book["By tier"].iter_rows(values_only=True))
    assert len(tiers) == 3
    merchants = list(book["By merchant"].iter_rows(values_only=True))
    assert sum(row[1] for row in merchants[1:]) == 5
    again = city.get(reverse(DASHBOARD), {"format": "xlsx"})
    assert again.content == answer.content


def test_without_a_campaign_there_is_a_page(city: Client) -> None:
    page = city.get(reverse(DASHBOARD))
    assert "No campaign has been published yet." in page.content.decode()


def test_who_may_not_see_figures_sees_no_dashboard() -> None:
    assert staff(Role.PATROL).get(reverse(DASHBOARD)).status_code == 403


def test_the_first_page_of_the_staff_leads_there(city: Client, flag: Flag) -> None:
    page = city.get("/admin/").content.decode()
    assert reverse(DASHBOARD) in page
    assert "Open flags" in page
    assert "¥200 held" in page


# --- Alerts ---------------------------------------------------------------------------


def test_stock_that_runs_out_is_an_alert() -> None:
    lot = make.lot(amount=100)
    now = clock.now()
    assert alerts_of(lot.tier.campaign, at=now) == []
    lot.shards.exclude(shard=0).update(remaining=0)
    lot.shards.filter(shard=0).update(remaining=4)
    (alert,) = alerts_of(lot.tier.campaign, at=now)
    assert (alert.kind, "4 of 100" in alert.words) == ("stock", True)


@pytest.mark.parametrize(("cap", "is_near"), [(222_22, True), (222_23, False)])
def test_a_cap_that_is_nearly_reached_is_an_alert(cap: int, *, is_near: bool) -> None:
    used = make.redemption()  # 200 yuan; 90 % of 222.22 are just below that
    campaign = used.voucher.campaign
    campaign.participations.update(cap_fen=cap)
    DistrictCap.objects.create(
        campaign=campaign, district=used.shop.district, cap_fen=cap, redeemed_fen=200_00
    )
    kinds = [alert.kind for alert in alerts_of(campaign, at=clock.now())]
    assert kinds == (["merchant_cap", "district_cap"] if is_near else [])


def test_the_cap_of_the_rules_counts_where_a_merchant_has_none() -> None:
    campaign = make.campaign(terms={"merchant_cap_fen": 210_00})
    make.redemption(make.voucher(make.lot(make.tier(campaign))))
    assert [one.kind for one in alerts_of(campaign, at=clock.now())] == ["merchant_cap"]


def test_figures_that_stand_still_are_an_alert(campaign: Campaign) -> None:
    late = clock.now() + timedelta(minutes=11)
    assert [one.kind for one in alerts_of(campaign, at=late)] == ["late"]


def test_a_flag_that_is_decided_has_no_button_to_decide_it_again(
    city: Client, flag: Flag
) -> None:
    page = f"/admin/vouchers/flag/{flag.pk}/"
    assert f"{page}clear/" in city.get(f"{page}change/").text
    Flag.objects.filter(pk=flag.pk).update(
        state=Flag.State.CLEARED,
        decided_at=clock.now(),
        decided_by=make_user(),
        reason="looked at",
    )
    assert f"{page}clear/" not in city.get(f"{page}change/").text
