"""Making a campaign: money first, then promises; what is published never shrinks."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock
from bureau.draws.actions import BeaconName
from bureau.draws.errors import BadBeacons
from bureau.draws.models import Draw
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from vouchers import actions
from vouchers.actions import RoundPlan, Texts, TierPlan
from vouchers.errors.campaigns import (
    AppropriationEmpty,
    AppropriationTwice,
    BadIdPrefix,
    CampaignContradicts,
    CampaignOver,
    CapShrinks,
    HoursPastMidnight,
    NotADraft,
    NothingChanged,
    NotPublished,
    PromisesTooMuch,
    PublishedRoundStays,
    PublishedTierStays,
    ReasonNeeded,
    RoundBackwards,
    RoundDrawBackwards,
    RoundLobbyTooLong,
    RoundRestBackwards,
    RoundTooLate,
    RoundTwice,
    RulesBackwards,
    RulesChangedMeanwhile,
    RulesEndNever,
    SlugNotFit,
    SlugTaken,
    ThresholdBelowFace,
    TierGivesNothing,
    TierShrinks,
    TierTwice,
    UnknownTier,
    WarningsUnread,
)
from vouchers.models import Account, Campaign, Terms, Tier
from vouchers.queries import balances_of, contradictions_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 9, tzinfo=clock.CHINA)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RULES: dict[str, Any] = {"valid_days": 7}
SMALL = TierPlan(face_fen=20_00, threshold_fen=50_00, count=1000, per_person=2)
LARGE = TierPlan(face_fen=200_00, threshold_fen=500_00, count=100)


@pytest.fixture
def by(db: None) -> User:
    return city.user(is_staff=True)


def at(days: int, hour: int = 10) -> datetime:
    return NOW.replace(hour=hour) + days * DAY


def funded(by: User, yuan: int = 100_000, slug: str = "spring") -> Campaign:
    made = actions.draft_campaign(slug=slug, texts=Texts("春季券"), by=by, at=NOW)
    actions.enter_appropriation(
        campaign=made, document="1", amount_fen=yuan * 100, by=by, at=NOW
    )
    made.refresh_from_db()
    return made


def rush(number: int = 1, **given: Any) -> RoundPlan:
    opens_at = given.pop("opens_at", at(7 * number))
    given.setdefault("closes_at", opens_at + 10 * HOUR)
    return RoundPlan(number=number, opens_at=opens_at, **given)


def drawn(number: int = 1, **given: Any) -> RoundPlan:
    plan = rush(number, way="draw", **given)
    return replace(plan, draws_at=plan.draws_at or plan.closes_at + 2 * HOUR)


def prepared(by: User, *plans: RoundPlan) -> tuple[Campaign, Tier]:
    """One tier, given away in these rounds (one rush by default), with rules."""
    campaign = funded(by)
    (tier,) = actions.set_tiers(campaign=campaign, tiers=[LARGE], by=by, at=NOW)
    rounds = [plan.with_lots({tier.pk: 40}) for plan in plans or (rush(),)]
    actions.set_rounds(campaign=campaign, rounds=rounds, by=by, at=NOW)
    actions.set_terms(campaign=campaign, terms=Terms(**RULES), by=by, at=NOW)
    campaign.refresh_from_db()
    return campaign, tier


def keys(campaign: Campaign, **given: Any) -> list[str]:
    return [one.key for one in contradictions_of(campaign, at=NOW, **given)]


def published(by: User, *plans: RoundPlan, **given: Any) -> tuple[Campaign, Tier]:
    campaign, tier = prepared(by, *plans)
    campaign = actions.publish_campaign(
        campaign=campaign, confirmed=keys(campaign), by=by, at=NOW, **given
    )
    return campaign, tier


def plans_of(campaign: Campaign) -> list[RoundPlan]:
    return [RoundPlan.of(row) for row in campaign.rounds.order_by("number")]


# --- Drafts and money -------------------------------------------------------------


def test_a_draft_has_rules_and_accounts_and_is_recorded(by: User) -> None:
    made = actions.draft_campaign(slug="spring", texts=Texts("券"), by=by, at=NOW)
    assert made.state == Campaign.State.DRAFT
    assert made.terms.get().published_at is None
    assert Account.objects.filter(campaign=made).count() == 4
    assert Entry.objects.filter(event="vouchers.campaign.drafted").count() == 1
    with pytest.raises(SlugTaken):
        actions.draft_campaign(slug="spring", texts=Texts("券"), by=by, at=NOW)
    assert broken_promises(of="vouchers") == []


@pytest.mark.parametrize("slug", ["mine", "Spring", "a", "-a", "a--b", "a" * 41, "券"])
def test_a_short_name_is_plain(by: User, slug: str) -> None:
    with pytest.raises(SlugNotFit):
        actions.draft_campaign(slug=slug, texts=Texts("券"), by=by)


def test_money_goes_into_the_pool(by: User) -> None:
    campaign = funded(by, yuan=1000)
    actions.enter_appropriation(
        campaign=campaign, document="2", amount_fen=5, by=by, at=NOW
    )
    campaign.refresh_from_db()
    assert campaign.appropriated_fen == balances_of(campaign).pool == 1000_05
    assert broken_promises(of="vouchers") == []


@pytest.mark.parametrize("document", ["1", " 1 "])
def test_a_document_is_entered_once(by: User, document: str) -> None:
    campaign = funded(by)
    with pytest.raises(AppropriationTwice):
        actions.enter_appropriation(
            campaign=campaign, document=document, amount_fen=1, by=by
        )


@pytest.mark.parametrize(("document", "fen"), [("", 5), ("  ", 5), ("2", 0), ("2", -1)])
def test_money_has_a_document_and_an_amount(by: User, document: str, fen: int) -> None:
    campaign = funded(by)
    with pytest.raises(AppropriationEmpty):
        actions.enter_appropriation(
            campaign=campaign, document=document, amount_fen=fen, by=by
        )


def test_words_can_be_mended_at_any_time(by: User) -> None:
    campaign, _tier = published(by)
    actions.describe_campaign(campaign=campaign, texts=Texts("夏季券", "Summer"), by=by)
    campaign.refresh_from_db()
    assert campaign.name_en == "Summer"
    entry = Entry.objects.get(event="vouchers.campaign.described")
    assert entry.detail["name"] == ["春季券", "夏季券"]


# --- Tiers ------------------------------------------------------------------------


def test_tiers_are_set_matched_and_dropped(by: User) -> None:
    campaign = funded(by)
    small, large = actions.set_tiers(campaign=campaign, tiers=[SMALL, LARGE], by=by)
    again = actions.set_tiers(
        campaign=campaign, tiers=[replace(LARGE, count=150)], by=by
    )
    assert [row.pk for row in again] == [large.pk]
    assert not Tier.objects.filter(pk=small.pk).exists()
    campaign.refresh_from_db()
    assert campaign.promised_fen == 200_00 * 150
    assert broken_promises(of="vouchers") == []


@pytest.mark.parametrize(
    ("tiers", "refusal"),
    [
        ([replace(LARGE, count=0)], TierGivesNothing),
        ([replace(LARGE, face_fen=0)], TierGivesNothing),
        ([replace(LARGE, per_person=0)], TierGivesNothing),
        ([replace(LARGE, threshold_fen=199_99)], ThresholdBelowFace),
        ([LARGE, replace(LARGE, count=5)], TierTwice),
        ([replace(LARGE, tier_id=987654)], UnknownTier),
        ([replace(LARGE, count=501)], PromisesTooMuch),
    ],
)
def test_tiers_that_cannot_be(
    by: User, tiers: list[TierPlan], refusal: type[Exception]
) -> None:
    campaign = funded(by)
    with pytest.raises(refusal):
        actions.set_tiers(campaign=campaign, tiers=tiers, by=by)
    assert not Tier.objects.exists()


def test_a_promise_may_use_the_last_fen(by: User) -> None:
    campaign = funded(by)
    actions.set_tiers(campaign=campaign, tiers=[replace(LARGE, count=500)], by=by)
    campaign.refresh_from_db()
    assert campaign.promised_fen == campaign.appropriated_fen


def test_the_promise_says_both_sums(by: User) -> None:
    campaign = funded(by, yuan=1_000_000)
    with pytest.raises(PromisesTooMuch) as refused:
        actions.set_tiers(campaign=campaign, tiers=[replace(LARGE, count=6000)], by=by)
    words = "The tiers promise 1,200,000 yuan; 1,000,000 are appropriated."
    assert str(refused.value) == words


def test_a_tier_of_another_campaign_is_not_taken(by: User) -> None:
    (theirs,) = actions.set_tiers(
        campaign=funded(by, slug="other"), tiers=[LARGE], by=by
    )
    with pytest.raises(UnknownTier):
        actions.set_tiers(
            campaign=funded(by), tiers=[replace(LARGE, tier_id=theirs.pk)], by=by
        )


def test_a_published_tier_grows_and_does_not_shrink(by: User) -> None:
    campaign, tier = published(by)
    mine = TierPlan.of(tier)
    for other in (
        replace(mine, face_fen=100_00),
        replace(mine, threshold_fen=600_00),
        replace(mine, sports=("skiing",)),
        replace(mine, per_person=0),
    ):
        with pytest.raises((PublishedTierStays, TierGivesNothing)):
            actions.set_tiers(campaign=campaign, tiers=[other], by=by, at=NOW)
    with pytest.raises(PublishedTierStays):
        actions.set_tiers(campaign=campaign, tiers=[SMALL], by=by, at=NOW)
    with pytest.raises(TierShrinks):  # 40 are announced
        actions.set_tiers(
            campaign=campaign, tiers=[replace(mine, count=39)], by=by, at=NOW
        )
    for count in (40, 200):
        more = [replace(mine, count=count, per_person=2), SMALL]
        actions.set_tiers(campaign=campaign, tiers=more, by=by, at=NOW)
    new = campaign.tiers.get(face_fen=20_00)
    assert Account.objects.filter(tier=new, kind="live").count() == 1
    assert broken_promises(of="vouchers") == []


def test_a_tier_keeps_what_it_released(by: User) -> None:
    voucher = make.voucher()  # of a hundred that are laid out
    plan = TierPlan.of(Tier.objects.get(pk=voucher.tier_id))
    with pytest.raises(TierShrinks):
        actions.set_tiers(
            campaign=voucher.campaign, tiers=[replace(plan, count=99)], by=by
        )


# --- Rounds -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plans", "refusal"),
    [
        ([rush(), rush()], RoundTwice),
        ([rush(closes_at=at(7))], RoundBackwards),
        ([rush(draws_at=at(9))], RoundDrawBackwards),
        ([rush(way="draw")], RoundDrawBackwards),
        ([rush(way="draw", draws_at=at(7, 20))], RoundDrawBackwards),
        ([replace(drawn(), rush_opens_at=at(9))], RoundRestBackwards),
        ([replace(drawn(), way="hybrid")], RoundRestBackwards),
        (
            [
                replace(
                    drawn(),
                    way="hybrid",
                    rush_opens_at=at(7, 22),
                    rush_closes_at=at(9),
                )
            ],
            RoundRestBackwards,
        ),
        ([rush(lobby_minutes=241)], RoundLobbyTooLong),
        ([rush(spread_seconds=601)], RoundLobbyTooLong),
        ([rush(lots={987654: 1})], UnknownTier),
    ],
)
def test_rounds_that_cannot_be(
    by: User, plans: list[RoundPlan], refusal: type[Exception]
) -> None:
    campaign = funded(by)
    with pytest.raises(refusal):
        actions.set_rounds(campaign=campaign, rounds=plans, by=by)
    assert not campaign.rounds.exists()


def test_rounds_of_a_draft_are_replaced(by: User) -> None:
    campaign, tier = prepared(by, rush(1), drawn(2))
    kept = campaign.rounds.get(number=1)
    plans = [rush(1).with_lots({tier.pk: 7}), rush(3).with_lots({tier.pk: 0})]
    actions.set_rounds(campaign=campaign, rounds=plans, by=by)
    assert list(
        campaign.rounds.order_by("number").values_list("number", flat=True)
    ) == [
        1,
        3,
    ]
    assert campaign.rounds.get(number=1).pk == kept.pk
    assert [lot.amount for lot in kept.lots.all()] == [7]
    assert not campaign.rounds.get(number=3).lots.exists()


def test_what_was_announced_stays(by: User) -> None:
    campaign, tier = published(by, rush(1), drawn(2))
    one, two = plans_of(campaign)
    for changed in (
        [two],
        [replace(one, opens_at=one.opens_at - HOUR), two],
        [replace(one, way="draw", draws_at=at(12)), two],
        [replace(one, spread_seconds=1), two],
        [one.with_lots({tier.pk: 39}), two],
        [one.with_lots({}), two],
        [one, two.with_lots({tier.pk: 41})],  # the rules of its draw are public
    ):
        with pytest.raises(PublishedRoundStays):
            actions.set_rounds(campaign=campaign, rounds=changed, by=by, at=NOW)
    assert plans_of(campaign) == [one, two]


def test_a_rush_gets_more_until_it_is_laid_out(by: User) -> None:
    campaign, tier = published(by)
    (plan,) = plans_of(campaign)
    more = plan.with_lots({tier.pk: 60})
    actions.set_rounds(campaign=campaign, rounds=[more], by=by, at=NOW)
    assert plans_of(campaign) == [more]
    campaign.rounds.update(laid_out_at=NOW)
    with pytest.raises(PublishedRoundStays):
        actions.set_rounds(
            campaign=campaign, rounds=[plan.with_lots({tier.pk: 61})], by=by, at=NOW
        )


def test_added_rounds_lie_ahead_and_are_announced(by: User) -> None:
    campaign, tier = published(by)
    plans = plans_of(campaign)
    late = rush(2, opens_at=NOW, closes_at=NOW + HOUR).with_lots({tier.pk: 1})
    with pytest.raises(RoundTooLate):
        actions.set_rounds(campaign=campaign, rounds=[*plans, late], by=by, at=NOW)
    extra = drawn(2).with_lots({tier.pk: 10})
    actions.set_rounds(campaign=campaign, rounds=[*plans, extra], by=by, at=NOW)
    draw = campaign.rounds.get(number=2).draw
    assert draw is not None
    assert draw.pools.get().quota == 10
    too_many = rush(3).with_lots({tier.pk: 101})
    with pytest.raises(CampaignContradicts):
        actions.set_rounds(
            campaign=campaign, rounds=[*plans_of(campaign), too_many], by=by, at=NOW
        )
    assert broken_promises(of="vouchers") == []


# --- Publishing -------------------------------------------------------------------


def test_publishing_freezes_opens_accounts_and_announces(by: User) -> None:
    campaign, tier = published(
        by,
        drawn(1),
        rush(2),
        beacons={1: [BeaconName("fc-kl8", "2026060"), BeaconName("fc-3d", "2026060")]},
    )
    assert campaign.published_at == NOW
    terms = campaign.terms.get()
    assert (terms.published_at, terms.published_by) == (NOW, by)
    assert Account.objects.filter(tier=tier, kind="live").exists()
    draw = campaign.rounds.get(number=1).draw
    assert draw is not None
    assert draw.says["beacons"] == ["fc-kl8:2026060", "fc-3d:2026060"]
    (pool,) = draw.says["pools"]
    assert (pool["prefix"], pool["quota"]) == (tier.pool_prefix, 40)
    assert "200" in pool["name"]
    assert "500" in pool["name"]
    assert draw.entries_close_at == draw.freezes_at == at(7, 20)
    assert campaign.rounds.get(number=2).draw is None
    assert broken_promises(of="vouchers") == []
    with pytest.raises(NotADraft):
        actions.publish_campaign(campaign=campaign, by=by, at=NOW)


def test_a_wrong_source_publishes_nothing(by: User) -> None:
    campaign, _tier = prepared(by, drawn())
    with pytest.raises(BadBeacons):
        actions.publish_campaign(
            campaign=campaign,
            confirmed=keys(campaign),
            beacons={1: [BeaconName("fc-kl8", "next week")]},
            by=by,
            at=NOW,
        )
    campaign.refresh_from_db()
    assert campaign.state == Campaign.State.DRAFT
    assert campaign.terms.get().published_at is None
    assert not Draw.objects.exists()


def test_contradictions_and_unread_warnings_stop_it(by: User) -> None:
    campaign, _tier = prepared(by)
    unread = keys(campaign)
    assert "no_merchant" in unread
    with pytest.raises(WarningsUnread, match="No merchant takes part"):
        actions.publish_campaign(
            campaign=campaign,
            confirmed=[key for key in unread if key != "no_merchant"],
            by=by,
            at=NOW,
        )
    actions.set_terms(campaign=campaign, terms=Terms(), by=by)
    with pytest.raises(CampaignContradicts, match="how long a voucher is good"):
        actions.publish_campaign(campaign=campaign, confirmed=unread, by=by, at=NOW)


# --- Rules ------------------------------------------------------------------------


def test_a_change_is_a_new_version_for_later_claims(by: User) -> None:
    voucher = make.voucher()
    campaign = voucher.campaign
    before = make.terms_of(campaign)
    confirmed = keys(campaign)
    changed = actions.change_terms(
        campaign=campaign,
        terms=Terms(valid_days=3, most_a_day=1),
        reason="  Too  many ",
        since=before.version,
        confirmed=confirmed,
        by=by,
    )
    voucher.refresh_from_db()
    assert voucher.terms_id == before.pk
    assert (changed.version, changed.reason) == (2, "Too many")
    assert changed.published_by == by
    assert campaign.terms.published().newest() == changed
    entry = Entry.objects.get(event="vouchers.campaign.rules_changed")
    assert entry.detail["valid_days"] == [30, 3]
    assert broken_promises(of="vouchers") == []
    with pytest.raises(RulesChangedMeanwhile):
        actions.change_terms(
            campaign=campaign,
            terms=Terms(valid_days=4),
            reason="x",
            since=before.version,
            confirmed=confirmed,
            by=by,
        )


def test_changes_that_are_refused(by: User) -> None:
    campaign, _tier = published(by)

    def change(reason: str = "why", confirmed: Any = None, **rules: Any) -> Terms:
        return actions.change_terms(
            campaign=campaign,
            terms=Terms(**rules),
            reason=reason,
            confirmed=keys(campaign) if confirmed is None else confirmed,
            by=by,
            at=NOW,
        )

    for reason in ("", "   "):
        with pytest.raises(ReasonNeeded):
            change(reason=reason, valid_days=5)
    with pytest.raises(NothingChanged):
        change(**RULES)
    with pytest.raises(RulesEndNever):
        change()
    with pytest.raises(RulesBackwards):
        change(valid_days=5, redeems_from=600, redeems_until=600)
    with pytest.raises(CampaignContradicts):
        change(valid_days=5, most_a_day=0)
    with pytest.raises(WarningsUnread):
        change(valid_days=5, confirmed=[])
    assert campaign.terms.count() == 1
    with pytest.raises(NotADraft):
        actions.set_terms(campaign=campaign, terms=Terms(valid_days=5), by=by)
    with pytest.raises(NotPublished):
        actions.change_terms(
            campaign=funded(by, slug="other"),
            terms=Terms(valid_days=5),
            reason="why",
            by=by,
        )


@pytest.mark.parametrize(
    ("rules", "refusal"),
    [
        ({"id_prefixes": ["37o8"]}, BadIdPrefix),
        ({"id_prefixes": ["٣٧٠٨"]}, BadIdPrefix),
        ({"id_prefixes": [""]}, BadIdPrefix),
        ({"least_age": 60, "most_age": 59}, RulesBackwards),
        ({"redeems_from": 700, "redeems_until": 600}, RulesBackwards),
        ({"redeems_until": 1441}, HoursPastMidnight),
    ],
)
def test_rules_that_cannot_be(
    by: User, rules: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        actions.set_terms(campaign=funded(by), terms=Terms(**rules), by=by)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE vouchers_terms SET most_a_day = 9",
        "DELETE FROM vouchers_terms_districts",
        "UPDATE vouchers_terms_districts SET terms_id = terms_id",
    ],
)
def test_the_database_keeps_published_rules(change: str) -> None:
    make.campaign(terms={"districts": [city.district()], "needs_place": True})
    with pytest.raises(IntegrityError, match="never changed"), connection.cursor() as c:
        c.execute(change)


def test_districts_join_no_published_rules() -> None:
    terms = make.terms_of(make.campaign())
    with pytest.raises(IntegrityError, match="never changed"):
        terms.districts.add(city.district())


# --- Caps, and the end ------------------------------------------------------------


def test_caps_are_raised_or_lifted_once_published(by: User) -> None:
    campaign, _tier = published(by)
    near, far = city.district(), city.district()
    caps = {near.pk: 1000_00, far.pk: 2000_00}
    actions.set_district_caps(campaign=campaign, caps=caps, by=by)
    with pytest.raises(CapShrinks):
        actions.set_district_caps(campaign=campaign, caps={near.pk: 999_99}, by=by)
    actions.set_district_caps(campaign=campaign, caps={near.pk: 3000_00}, by=by)
    assert campaign.district_caps.get().cap_fen == 3000_00


def test_a_closed_campaign_stays_as_it_is(by: User) -> None:
    campaign = make.campaign()
    Campaign.objects.update(state="closed", closed_at=clock.now())
    for attempt in (
        lambda: actions.set_tiers(campaign=campaign, tiers=[], by=by),
        lambda: actions.set_rounds(campaign=campaign, rounds=[], by=by),
        lambda: actions.set_terms(campaign=campaign, terms=Terms(), by=by),
        lambda: actions.set_district_caps(campaign=campaign, caps={}, by=by),
        lambda: actions.publish_campaign(campaign=campaign, by=by),
        lambda: actions.describe_campaign(campaign=campaign, texts=Texts("x"), by=by),
        lambda: actions.change_terms(
            campaign=campaign, terms=Terms(), reason="x", by=by
        ),
        lambda: actions.enter_appropriation(
            campaign=campaign, document="9", amount_fen=1, by=by
        ),
    ):
        with pytest.raises(CampaignOver):
            attempt()
