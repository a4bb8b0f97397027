from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.gis.geos import MultiPolygon, Point, Polygon

from bureau.accounts.models import User, VerifiedIdentity
from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.errors import DomainError
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.claiming import another_lot, claim, lot_under
from vouchers import actions, queries
from vouchers.errors.claiming import (
    AlreadyClaimed,
    CampaignClosed,
    NoSuchLot,
    NotEligible,
    NotInTheQueue,
    NotOpenYet,
    NotYourTurn,
    PageIsOld,
    RoundOver,
    SoldOut,
)
from vouchers.models import (
    Campaign,
    Lot,
    Round,
    StockShard,
    Terms,
    Tier,
    Transfer,
    Voucher,
)

pytestmark = pytest.mark.django_db

PLACE = Point(116.587, 35.415, srid=4326)


def told(refusal: pytest.ExceptionInfo[Any]) -> list[str]:
    found: list[str] = refusal.value.values["reasons"]
    return found


def codes(person: User, lot: Lot, **given: Any) -> list[str]:
    """What the page says beforehand."""
    reasons = queries.why_not(person, lot.round, clock.now(), lot=lot, **given)
    assert all(str(reason.words) for reason in reasons)
    return [reason.code for reason in reasons]


# --- What a claim does ----------------------------------------------------------------


def test_a_claim_gives_a_voucher_moves_the_money_and_notes_who() -> None:
    lot, person = make.lot(amount=3), city.verified()
    voucher = claim(lot, person)
    assert voucher.state == Voucher.State.LIVE
    assert (voucher.person, voucher.lot, voucher.tier) == (person, lot, lot.tier)
    assert (voucher.face_fen, voucher.threshold_fen) == (200_00, 500_00)
    assert (voucher.number_of_person, voucher.number_in_tier) == (1, 1)
    assert queries.stock_of(lot.round)[0].remaining == 2
    money = queries.balances_of(voucher.campaign)
    assert money.live == {lot.tier_id: 200_00}
    assert Transfer.objects.get(voucher=voucher).by == person
    noted = Entry.objects.get(event="vouchers.voucher.claimed")
    assert (noted.subject_id, noted.actor) == (voucher.pk, person)
    assert noted.subject_type == voucher._meta.label_lower
    assert noted.actor_name == str(person)
    assert broken_promises(of="vouchers") == []


def test_every_column_is_what_a_voucher_made_the_long_way_has() -> None:
    lot = make.lot()
    claimed, made = claim(lot), make.voucher(lot)
    own = {"id", "code", "person_id", "claimed_at", "usable_from", "expires_at"}
    for field in Voucher._meta.concrete_fields:
        if field.attname not in own:
            assert getattr(claimed, field.attname) == getattr(made, field.attname)


def test_claims_take_from_any_shard_until_all_are_gone() -> None:
    lot = make.lot(amount=20)
    for _n in range(20):
        claim(lot)
    with pytest.raises(SoldOut):
        claim(lot)
    lot.refresh_from_db()
    last = Voucher.objects.latest("claimed_at").claimed_at
    assert lot.sold_out_at == last
    assert not StockShard.objects.exclude(remaining=0).exists()
    assert broken_promises(of="vouchers") == []


def test_of_a_person_with_one_digit_all_shards_are_found() -> None:
    """The hint is the person's number; the rest is looked through."""
    lot = lot_under(amount=16, per_person=16)
    person = city.verified()
    for n in range(1, 17):
        assert claim(lot, person).number_in_tier == n
    with pytest.raises(AlreadyClaimed):
        claim(lot, person)


def test_the_same_tap_twice_is_one_voucher() -> None:
    lot, person = lot_under(), city.verified()
    first = claim(lot, person, nth=1)
    assert claim(lot, person, nth=1) == first
    assert claim(lot, person, nth=2) != first
    assert Voucher.objects.count() == 2


def test_a_tap_in_an_old_window_is_told_so() -> None:
    lot, person = lot_under(), city.verified()
    other = another_lot(lot)
    claim(lot, person, nth=1)
    with pytest.raises(PageIsOld):
        claim(other, person, nth=1)


def test_a_repeated_tap_is_answered_although_the_limit_is_reached() -> None:
    lot, person = lot_under(per_person=1), city.verified()
    first = claim(lot, person, nth=1)
    assert claim(lot, person, nth=1) == first


def test_a_voucher_keeps_the_rules_under_which_it_was_claimed() -> None:
    lot = lot_under(valid_days=10)
    before = claim(lot)
    Terms.objects.create(
        campaign=lot.tier.campaign,
        version=2,
        published_at=clock.now(),
        reason="Longer",
        valid_days=20,
    )
    after = claim(lot)
    assert (before.terms.version, after.terms.version) == (1, 2)
    assert after.expires_at - before.expires_at == timedelta(days=10)


# --- When -----------------------------------------------------------------------------


def rush(**given: Any) -> Lot:
    opens_at = clock.now() + timedelta(minutes=5)
    given = {"opens_at": opens_at, "lobby_minutes": 15, **given}
    tier = make.tier()
    return make.lot(tier, round=make.round_of(tier.campaign, **given))


def test_a_second_early_is_too_early() -> None:
    lot, person = rush(), city.verified()
    ticket = actions.join_queue(round=lot.round, by=person)
    early = lot.round.opens_at - timedelta(seconds=1)
    with pytest.raises(NotOpenYet):
        actions.claim_voucher(lot=lot, by=person, ticket=ticket, at=early)
    assert actions.claim_voucher(
        lot=lot, by=person, ticket=ticket, at=lot.round.opens_at
    ).pk


def test_before_the_turn_a_claim_waits() -> None:
    lot, person = rush(spread_seconds=60), city.verified()
    ticket = actions.join_queue(round=lot.round, by=person)
    ticket.place = ticket.PLACES // 2
    turn = lot.round.opens_at + timedelta(seconds=30)
    with pytest.raises(NotYourTurn):
        actions.claim_voucher(
            lot=lot, by=person, ticket=ticket, at=turn - timedelta(microseconds=1)
        )
    assert actions.claim_voucher(lot=lot, by=person, ticket=ticket, at=turn).pk


def test_without_a_ticket_nobody_claims() -> None:
    with pytest.raises(NotInTheQueue):
        actions.claim_voucher(lot=make.lot(), by=city.verified())


def test_a_ticket_of_somebody_else_serves_nobody() -> None:
    lot, person, other = make.lot(), city.verified(), city.verified()
    ticket = actions.join_queue(round=lot.round, by=person)
    with pytest.raises(NotInTheQueue):
        actions.claim_voucher(lot=lot, by=other, ticket=ticket)


def test_at_the_end_of_a_round_it_is_over() -> None:
    lot, person = make.lot(), city.verified()
    ticket = actions.join_queue(round=lot.round, by=person)
    with pytest.raises(RoundOver):
        actions.claim_voucher(lot=lot, by=person, ticket=ticket, at=lot.round.closes_at)


def test_a_closed_campaign_gives_nothing() -> None:
    lot, person = make.lot(), city.verified()
    ticket = actions.join_queue(round=lot.round, by=person)
    Campaign.objects.update(state=Campaign.State.CLOSED, closed_at=clock.now())
    with pytest.raises(CampaignClosed):
        actions.claim_voucher(lot=lot, by=person, ticket=ticket)


def test_what_is_not_offered_cannot_be_claimed() -> None:
    with pytest.raises(NoSuchLot):
        actions.claim_voucher(lot=Lot(pk=0), by=city.verified())


def test_with_the_scheduler_away_the_first_claim_lays_the_stock_out() -> None:
    tier = make.tier()
    lot = Lot.objects.create(round=make.round_of(tier.campaign), tier=tier, amount=2)
    assert claim(lot).pk
    assert claim(lot).pk
    with pytest.raises(SoldOut):
        claim(lot)
    assert broken_promises(of="vouchers") == []


# --- How long it serves ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "claimed", "usable", "expires"),
    [
        ({"valid_hours": 48}, "12-30 10:00", "12-30 10:00", "01-01 10:00"),
        ({"valid_days": 0}, "12-31 23:59", "12-31 23:59", "01-01 00:00"),
        ({"valid_days": 7}, "12-30 00:00", "12-30 00:00", "01-07 00:00"),
        ({"valid_days": 1}, "12-31 00:00", "12-31 00:00", "01-02 00:00"),
        (
            {"valid_days": 5, "from_next_day": True},
            "12-31 23:59",
            "01-01 00:00",
            "01-06 00:00",
        ),
        (
            {"valid_days": 9, "valid_until": datetime(2025, 12, 31, 16, tzinfo=UTC)},
            "12-30 10:00",
            "12-30 10:00",
            "01-01 00:00",
        ),
    ],
)
def test_it_serves_from_and_until(
    terms: dict[str, Any], claimed: str, usable: str, expires: str
) -> None:
    def moment(text: str) -> datetime:
        year = 2026 if text.startswith("01") else 2025
        return datetime.strptime(f"{year}-{text}", "%Y-%m-%d %H:%M").replace(
            tzinfo=clock.CHINA
        )

    with time_machine.travel(moment(claimed), tick=False):
        lot = lot_under(**({"valid_days": None} | terms))
        voucher = claim(lot)
    assert voucher.usable_from == moment(usable)
    assert voucher.expires_at == moment(expires)


def test_rules_that_leave_no_time_to_use_it_give_nothing() -> None:
    lot = lot_under(valid_hours=1, valid_days=None, from_next_day=True)
    with (
        time_machine.travel(datetime(2026, 1, 1, 2, tzinfo=UTC), tick=False),
        pytest.raises(DomainError),
    ):
        claim(lot)


# --- Who ------------------------------------------------------------------------------


def test_without_a_real_name_nobody_claims() -> None:
    lot, person = make.lot(), city.citizen()
    assert codes(person, lot) == ["real_name"]
    with pytest.raises(NotEligible) as refusal:
        claim(lot, person)
    assert told(refusal) == ["real_name"]


@pytest.mark.parametrize(
    ("born", "today", "reasons"),
    [
        (date(2008, 3, 1), date(2026, 2, 28), ["too_young"]),
        (date(2008, 3, 1), date(2026, 3, 1), []),
        (date(2008, 2, 29), date(2026, 2, 28), ["too_young"]),
        (date(2008, 2, 29), date(2026, 3, 1), []),
        (date(1965, 3, 1), date(2026, 2, 28), []),
        (date(1965, 3, 1), date(2026, 3, 1), ["too_old"]),
    ],
)
def test_age_counts_on_the_day(born: date, today: date, reasons: list[str]) -> None:
    with time_machine.travel(clock.at(today, 720), tick=False):
        lot, person = lot_under(least_age=18, most_age=60), city.verified()
        VerifiedIdentity.objects.filter(user=person).update(birth_on=born)
        identity = VerifiedIdentity.objects.get(user=person)
        assert (18 <= identity.age_on(today) <= 60) is (not reasons)
        assert codes(person, lot) == reasons


def test_ids_of_other_cities_are_refused_where_the_rules_ask() -> None:
    person = city.verified()
    assert codes(person, lot_under(id_prefixes=["3708", "3709"])) == []
    assert codes(person, lot_under(id_prefixes=["3701"])) == ["id_prefix"]


def in_two_districts() -> tuple[Any, Any]:
    inside = city.district()
    far = MultiPolygon(Polygon.from_bbox((120.0, 30.0, 121.0, 31.0)), srid=4326)
    return inside, city.district(boundary=far)


def test_the_phone_has_to_be_in_the_city_where_the_rules_ask() -> None:
    inside, _far = in_two_districts()
    lot, person = lot_under(needs_place=True), city.verified()
    assert codes(person, lot) == ["place_unknown"]
    assert codes(person, lot, district=inside) == []
    ticket = actions.join_queue(round=lot.round, by=person)
    with pytest.raises(NotEligible) as refusal:
        actions.claim_voucher(lot=lot, by=person, ticket=ticket)
    assert told(refusal) == ["place_unknown"]
    with pytest.raises(NotEligible) as refusal:
        actions.join_queue(round=lot.round, by=person, place=Point(0, 0, srid=4326))
    # Asking again where the phone is would not help.
    assert told(refusal) == ["place_elsewhere"]
    ticket = actions.join_queue(round=lot.round, by=person, place=PLACE)
    assert ticket.district == inside
    assert actions.claim_voucher(lot=lot, by=person, ticket=ticket).pk


def test_only_the_districts_that_the_rules_name() -> None:
    inside, far = in_two_districts()
    campaign = make.campaign(state="draft")
    terms = make.terms_of(campaign)
    terms.districts.add(far)
    terms.published_at = clock.now()
    terms.save()
    campaign.state, campaign.published_at = "published", clock.now()
    campaign.save()
    lot, person = make.lot(make.tier(campaign)), city.verified()
    assert codes(person, lot, district=inside) == ["place_elsewhere"]
    assert codes(person, lot, district=far) == []
    with pytest.raises(NotEligible) as refusal:
        actions.join_queue(round=lot.round, by=person, place=PLACE)
    assert told(refusal) == ["place_elsewhere"]


def test_no_place_is_kept_where_the_rules_do_not_ask() -> None:
    city.district()
    lot = make.lot()
    ticket = actions.join_queue(round=lot.round, by=city.verified(), place=PLACE)
    assert ticket.district is None


# --- How many -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"most_a_day": 2}, "day"),
        ({"most_a_week": 2}, "week"),
        ({"most_a_round": 2}, "round"),
        ({"most_in_all": 2}, "campaign"),
        ({"most_fen": 599_99}, "fen"),
    ],
)
def test_a_limit_holds_and_is_named(terms: dict[str, int], reason: str) -> None:
    lot, person = lot_under(**terms), city.verified()
    claim(lot, person)
    assert codes(person, lot) == []
    claim(lot, person)
    assert codes(person, lot) == [reason]
    with pytest.raises(AlreadyClaimed) as refusal:
        claim(lot, person)
    assert told(refusal) == [reason]


def test_each_tier_has_its_own_limit() -> None:
    lot, person = lot_under(per_person=1), city.verified()
    other = another_lot(lot)
    claim(lot, person)
    assert codes(person, lot) == ["tier"]
    assert codes(person, other) == []
    # Something can still be had in this round.
    assert queries.why_not(person, lot.round, clock.now()) == []


def test_one_tier_for_each_person() -> None:
    lot, person = lot_under(one_tier_each=True), city.verified()
    other = another_lot(lot)
    claim(lot, person)
    assert codes(person, lot) == []
    assert codes(person, other) == ["other_tier"]


def test_a_day_and_a_week_end_at_midnight_in_china() -> None:
    sunday = datetime(2026, 11, 22, 15, 59, tzinfo=UTC)  # 23:59
    with time_machine.travel(sunday, tick=False):
        lot = lot_under(most_a_day=1, most_a_week=1)
        person = city.verified()
        Round.objects.update(closes_at=sunday + timedelta(days=30))
        lot.round.refresh_from_db()
        claim(lot, person)
        assert codes(person, lot) == ["day", "week"]
    with time_machine.travel(sunday + timedelta(minutes=1), tick=False):
        assert codes(person, lot) == []
        claim(lot, person)
    with time_machine.travel(sunday + timedelta(days=1, minutes=1), tick=False):
        assert codes(person, lot) == ["week"]


@pytest.mark.parametrize("counts", [True, False])
def test_expired_ones_count_where_the_rules_say_so(*, counts: bool) -> None:
    lot = lot_under(per_person=1, expired_counts=counts, valid_days=1)
    person = city.verified()
    first = claim(lot, person)
    actions.expire_vouchers(at=first.expires_at)
    assert codes(person, lot) == (["tier"] if counts else [])
    if not counts:
        again = claim(lot, person)
        assert (again.number_of_person, again.number_in_tier) == (2, 1)
    assert broken_promises(of="vouchers") == []


def test_of_another_campaign_nothing_counts() -> None:
    person = city.verified()
    claim(lot_under(most_in_all=1), person)
    assert codes(person, lot_under(most_in_all=1)) == []


def test_the_tiers_table_is_locked_by_nobody_who_claims() -> None:
    lot = make.lot()
    before = Tier.objects.get(pk=lot.tier_id).released
    claim(lot)
    assert Tier.objects.get(pk=lot.tier_id).released == before
