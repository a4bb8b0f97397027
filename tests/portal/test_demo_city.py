from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import Count, Sum
from django.utils import translation
from pytest_django import Settings

from bureau.accounts import demo
from bureau.accounts.models import Dependant, Eligibility, User, VerifiedIdentity
from bureau.accounts.queries import eligible_groups
from bureau.audit.actions import prove
from bureau.audit.models import Entry
from bureau.audit.queries import proof_of
from bureau.common import clock
from bureau.common.demo import DemoCity
from bureau.payments.models import Refund
from bureau.regions.models import District
from bureau.regions.queries import districts_of
from venues.models import Admission, Bookable, Booking, Occupancy, PriceRule, Venue
from vouchers.demo.campaigns import next_rush
from vouchers.models import (
    Campaign,
    DrawnVoucher,
    Flag,
    Merchant,
    Redemption,
    Settlement,
    SettlementLine,
    Shop,
    Transfer,
    Voucher,
)

pytestmark = pytest.mark.django_db


def run(command: str) -> str:
    out = StringIO()
    call_command(command, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("command", ["demo_city", "demo_people"])
def test_outside_a_demonstration_nothing_is_made_and_the_reason_is_told(
    command: str, settings: Settings
) -> None:
    settings.DEMO = False

    with pytest.raises(CommandError, match="BUREAU_DEMO=1"):
        run(command)
    assert not User.objects.exists()


def test_the_table_of_people_says_how_to_sign_in(settings: Settings) -> None:
    settings.DEMO = True

    lines = run("demo_people").splitlines()

    for person in demo.PEOPLE:
        (line,) = [line for line in lines if line.startswith(f"{person.login} ")]
        assert person.first_page in line
        assert (demo.PASSWORD in line) is not person.is_citizen


# One test, because filling a city takes seconds.
def test_the_city_is_filled_once_with_every_role_and_keeps_every_promise(
    settings: Settings,
) -> None:
    settings.DEMO = True

    # The time stands still, so that however long it takes the next rush is to come.
    with time_machine.travel(clock.now(), tick=False):
        assert "ready" in run("demo_city")

        _every_place_stands_in_its_district()
        _every_role_can_sign_in()
        _a_fortnight_is_booked_as_people_do()
        _vouchers_were_claimed_used_and_paid()
        proof = proof_of(prove())
        assert proof.holds, proof.broken

        before = _counts()
        assert "already" in run("demo_city")
        assert _counts() == before


def _every_place_stands_in_its_district() -> None:
    venues = Venue.objects.public()
    assert District.objects.count() == 11
    assert venues.count() == 13
    assert Venue.objects.filter(kind="business").count() == 54
    assert set(venues.values_list("district__code", flat=True)) == set(
        District.objects.values_list("code", flat=True)
    )
    for venue in Venue.objects.select_related("district"):
        assert venue.district.boundary.covers(venue.location), venue.name
        assert venue.name_en
    assert Bookable.objects.count() >= 60
    courts = Counter(Bookable.objects.values_list("venue", flat=True))
    assert max(courts.values()) >= 30
    assert PriceRule.objects.filter(price_fen=0).exists()
    assert PriceRule.objects.filter(valid_until__isnull=False).exists()


def _every_role_can_sign_in() -> None:
    today = clock.today()
    for person in demo.PEOPLE:
        user = person.user()
        assert user.check_password(person.password) is not person.is_citizen
    groups = {
        person.login: eligible_groups(person.user(), on=today)
        for person in (demo.SENIOR, demo.STUDENT, demo.APPLICANT)
    }
    assert list(groups.values()) == [{"senior"}, {"student"}, frozenset()]
    assert Dependant.objects.of(demo.GUARDIAN.user()).count() == 2
    assert Eligibility.objects.waiting().count() == 1
    assert districts_of(demo.CITY_STAFF.user()) is None
    assert len(districts_of(demo.RENCHENG_STAFF.user()) or ()) == 1
    assert demo.RENCHENG_STAFF.user().has_perm("venues.change_pricerule")
    assert Venue.objects.worked_at_by(demo.GATE_TAIBAI.user()).count() == 1
    assert Venue.objects.worked_at_by(demo.GATE_CANAL.user()).count() == 2
    for identity in VerifiedIdentity.objects.all():
        assert identity.masked_id_number.startswith("9999")  # nobody's number


def _a_fortnight_is_booked_as_people_do() -> None:
    now, today = clock.now(), clock.today()
    states = Counter(Booking.objects.values_list("state", flat=True))
    assert states["confirmed"] > 1000
    assert states["cancelled"] > 50
    assert states["expired"] > 10
    assert Refund.objects.filter(state="done").count() > 30
    days = {clock.local_day(b.starts_at) for b in Booking.objects.all()}
    assert {today - timedelta(days=7), today + timedelta(days=7)} <= days
    by_hour = Counter(
        occupancy.during.lower.astimezone(clock.CHINA).hour
        for occupancy in Occupancy.objects.filter(kind="booking")
    )
    assert by_hour[19] > 1.5 * by_hour[10]
    assert Admission.objects.count() > 500
    assert not Admission.objects.filter(admitted_at__gt=now).exists()
    assert not Entry.objects.filter(occurred_at__gt=clock.now()).exists()


def _vouchers_were_claimed_used_and_paid() -> None:
    campaign = Campaign.objects.get(slug="sports-vouchers")
    assert campaign.appropriated_fen == campaign.promised_fen == 1_000_000_00
    offers = [(tier.face_fen, tier.threshold_fen) for tier in campaign.tiers.all()]
    yuan = [(face // 100, bill // 100) for face, bill in sorted(offers)]
    assert yuan == [(10, 10), (20, 20), (200, 500), (400, 1000)]
    merchants = Counter(Merchant.objects.values_list("state", flat=True))
    assert merchants == {"approved": 45, "suspended": 1, "applied": 1, "refused": 1}
    for shop in Shop.objects.select_related("district"):
        assert shop.district.boundary.covers(shop.location), shop.name
    _states_of_vouchers_are_all_there(campaign)
    settled = Counter(Settlement.objects.values_list("campaign", "state"))
    assert settled[campaign.pk, "paid"] > 30
    assert settled[campaign.pk, "prepared"] > 30
    _settlements_were_made_in_their_weeks(campaign)
    shops = Shop.objects.values_list("name", flat=True)
    assert len(set(shops)) == len(shops)
    assert Flag.objects.filter(state="open").exists()
    (over,) = Campaign.objects.filter(state="closed")
    assert over.closing_report.approved_by != over.closing_report.prepared_by
    rush = next_rush()
    assert rush is not None
    assert timedelta(minutes=3) < rush.opens_at - clock.now() < timedelta(minutes=7)
    assert rush.get_absolute_url() in run("demo_people")


def _settlements_were_made_in_their_weeks(campaign: Campaign) -> None:
    """Paid long ago, one of them taken back in part, and one kept back by the radar."""
    rows = campaign.settlements.all()
    week_ago = clock.now() - timedelta(days=7)
    paid = rows.filter(state="paid")
    assert paid.exists()
    assert not paid.exclude(paid_at__lt=week_ago).exists()
    back = rows.filter(state="approved", lines__kind="claw_back")
    assert [row.merchant.contact for row in back] == [demo.MERCHANT_MANAGER.user()]
    assert any(row.facts["held"] for row in rows.filter(state="prepared"))
    assert rows.filter(state="rejected").count() == 1


def _states_of_vouchers_are_all_there(campaign: Campaign) -> None:
    vouchers = Voucher.objects.filter(campaign=campaign)
    states = Counter(vouchers.values_list("state", flat=True))
    assert states["redeemed"] > 2500
    assert min(states["live"], states["expired"]) > 200
    assert states["lost"] > 0
    used = Counter(Redemption.objects.values_list("state", flat=True))
    assert min(used["undone"], used["refunded"]) > 10
    assert Voucher.objects.usable_at(clock.now()).filter(
        person=demo.STUDENT.user(), face_fen=200_00
    )
    drawn = campaign.rounds.exclude(handed_out_at=None).get()
    assert drawn.draw is not None
    assert drawn.draw.state == "drawn"
    assert DrawnVoucher.objects.filter(lot__round=drawn).count() == 160


def _counts() -> list[int]:
    models = (
        User, Venue, Booking, Occupancy, PriceRule, Entry, Refund, Voucher, Transfer,
        Redemption, Settlement,
    )  # fmt: skip
    return [model.objects.count() for model in models]


def test_the_people_of_the_demonstration_are_listed_in_the_persons_language(
    settings: Settings,
) -> None:
    settings.DEMO = True

    with translation.override("zh-hans"):
        head, *_rest, last = run("demo_people").splitlines()

    assert head.split() == ["登录账号", "登录方式", "身份", "首页"]
    assert last.startswith("市民登录：/accounts/login/")


MOMENT = datetime(2026, 11, 20, 10, 0, tzinfo=clock.CHINA)
WHAT_VOUCHERS_NEED = ("bureau.accounts.demo", "bureau.regions.demo", "vouchers.demo")


def test_two_fillings_at_one_moment_give_the_same_vouchers_and_settlements() -> None:
    before = _sequences()
    found = []
    for _twice in range(2):
        with time_machine.travel(MOMENT, tick=False), transaction.atomic():
            city = DemoCity(now=clock.now(), say=lambda _text: None)
            with translation.override("zh-hans"):
                for part in WHAT_VOUCHERS_NEED:
                    city.begin(part)
                    import_module(part).fill(city)
            found.append(_figures())
            transaction.set_rollback(True)
        _set_back(before)

    assert found[0] == found[1]
    assert len(found[0]["settlements"]) > 50
    assert [state for state, _fen in found[0]["taken back"]] == ["approved"]


def _figures() -> dict[str, Any]:
    used = Redemption.objects.order_by("state").values_list("state")
    back = SettlementLine.objects.filter(kind="claw_back")
    return {
        "vouchers": Counter(
            Voucher.objects.values_list("campaign__slug", "face_fen", "state")
        ),
        "redemptions": list(
            used.annotate(Count("pk"), Sum("bill_fen"), Sum("discount_fen"))
        ),
        "settlements": list(
            Settlement.objects.order_by("pk").values_list("state", "amount_fen")
        ),
        "taken back": list(back.values_list("settlement__state", "amount_fen")),
        "flags": Counter(Flag.objects.values_list("state", "score")),
    }


def _sequences() -> list[tuple[str, int | None]]:
    """A roll-back does not set them back, and keys are a part of what is drawn."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT format('%I.%I', schemaname, sequencename), last_value"
            " FROM pg_sequences ORDER BY 1"
        )
        return list(cursor.fetchall())


def _set_back(sequences: list[tuple[str, int | None]]) -> None:
    with connection.cursor() as cursor:
        for name, reached in sequences:
            given: list[str | int | bool] = [name, reached or 1, reached is not None]
            cursor.execute("SELECT setval(%s, %s, %s)", given)
