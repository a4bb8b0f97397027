"""What cannot work in a campaign, or is hardly meant, found before anybody sees it.

A contradiction that blocks means: something of this could never be claimed or used, or
the public page would contradict itself. The others are warnings, which staff confirm.
What has already begun is not judged any more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import combinations, pairwise

from django.db.models import Q
from django.utils.translation import gettext as _

from bureau.common import clock
from bureau.common.fields import DAY, clock_text
from bureau.common.words import listed
from bureau.draws.models import NOTICE, SLACK
from bureau.regions.models import District
from vouchers.models import (
    Campaign,
    DistrictCap,
    Participation,
    Round,
    Terms,
    Tier,
)
from vouchers.queries.validity import Validity, validity_of

Way = Round.Way
LEAST_LEVERAGE = 1.5
"""Bill by subsidy; below it a voucher is a gift more than an incentive. Henan's tiers
begin at 3.0, Jinan's at 3.3 (docs/vouchers/rules.md)."""
MOST_A_SECOND = 1000
"""Claims that one portal grants in a second (bench/RESULTS.md)."""
NIGHT = (23 * 60, 7 * 60)
ANNOUNCED_BEFORE = timedelta(hours=24)
"""How long before its entries close a draw should be public."""
HANDING_OUT = timedelta(minutes=30)
"""What is drawn has to be handed out before the rest is claimed."""


@dataclass(frozen=True)
class Contradiction:
    """`about` tells two of the same kind apart; `key` is what staff confirm."""

    code: str
    sentence: str
    blocks: bool = True
    about: str = ""

    @property
    def key(self) -> str:
        return f"{self.code}:{self.about}" if self.about else self.code


@dataclass(frozen=True)
class _Plan:
    """A campaign as it would be published."""

    campaign: Campaign
    terms: Terms
    tiers: list[Tier]
    rounds: list[Round]
    """In the order of their numbers, their lots with them."""
    caps: list[DistrictCap]
    takers: list[Participation]
    has_districts: bool
    """Only some districts may claim."""
    at: datetime

    @property
    def ahead(self) -> list[Round]:
        """Rounds that have not begun; in a draft all of them count."""
        if self.campaign.state == Campaign.State.DRAFT:
            return self.rounds
        return [one for one in self.rounds if one.opens_at > self.at]

    @property
    def ends(self) -> bool:
        rules = self.terms
        limits = (rules.valid_until, rules.valid_hours, rules.valid_days)
        return any(one is not None for one in limits)


Found = Iterable[Contradiction]


def contradictions_of(
    campaign: Campaign,
    *,
    at: datetime,
    terms: Terms | None = None,
    districts: Sequence[District] = (),
) -> list[Contradiction]:
    """The check list, what blocks first.

    `terms` are rules that are to come, with their `districts` while they are not saved.
    """
    rules = terms or campaign.terms.newest()
    saved = bool(rules.pk) and rules.districts.exists()
    rounds = campaign.rounds.prefetch_related("lots__tier").order_by("number")
    takers = Participation.objects.filter(
        Q(until=None) | Q(until__gt=at), campaign=campaign, merchant__state="approved"
    )
    plan = _Plan(
        campaign=campaign,
        terms=rules,
        tiers=list(campaign.tiers.order_by("face_fen", "threshold_fen", "pk")),
        rounds=list(rounds),
        caps=list(campaign.district_caps.select_related("district").order_by("pk")),
        takers=list(takers.select_related("merchant").order_by("pk")),
        has_districts=saved or bool(districts),
        at=at,
    )
    checks = (
        _about_tiers,
        _about_stock,
        _about_limits,
        _about_people,
        _about_times,
        _about_draws,
        _about_rushes,
        _about_validity,
        _about_afterwards,
        _about_merchants,
        _about_caps,
    )
    found = [one for check in checks for one in check(plan)]
    return sorted(found, key=lambda one: not one.blocks)


def _grouped(fen: int) -> str:
    """Yuan as large sums are compared: 1,200,000."""
    return f"{fen / 100:,.2f}".removesuffix(".00")


def _warning(code: str, sentence: str, about: object = "") -> Contradiction:
    return Contradiction(code, sentence, blocks=False, about=str(about))


# --- What is given ----------------------------------------------------------------


def _about_tiers(plan: _Plan) -> Found:
    if not plan.tiers:
        yield Contradiction("no_tier", _("There is no tier: nothing to give away."))
        return
    spare = plan.campaign.appropriated_fen - plan.campaign.promised_fen
    if spare > 0:
        yield _warning(
            "money_unpromised",
            _("%(yuan)s of the appropriated yuan are promised by no tier.")
            % {"yuan": _grouped(spare)},
            spare,
        )
    for tier in plan.tiers:
        leverage = tier.threshold_fen / tier.face_fen
        if leverage < LEAST_LEVERAGE:
            yield _warning(
                "leverage_low",
                _(
                    "Tier %(tier)s: a bill of %(times)s times the voucher is enough, so"
                    " it may set off no spending of its own."
                )
                % {"tier": tier, "times": f"{leverage:.2g}"},
                tier.pk,
            )


def _about_stock(plan: _Plan) -> Found:
    if not plan.rounds:
        yield Contradiction("no_round", _("There is no round in which to claim."))
    of_tier: dict[int, list[int]] = defaultdict(list)
    for row in plan.rounds:
        lots = [lot for lot in row.lots.all() if lot.amount]
        if not lots:
            yield Contradiction(
                "round_without_vouchers",
                _("Round %(number)s gives nothing away.") % {"number": row.number},
                about=str(row.number),
            )
        for lot in lots:
            of_tier[lot.tier_id].append(lot.amount)
    for tier in plan.tiers:
        yield from _about_amounts(tier, of_tier[tier.pk], plan.terms)


def _about_amounts(tier: Tier, amounts: Sequence[int], rules: Terms) -> Found:
    """What the rounds give away of a tier, beside what it has."""
    said = {"tier": tier, "count": tier.count, "sum": sum(amounts)}
    feeds = rules.recycles or rules.leftover == Terms.Leftover.NEXT_ROUND
    if not amounts:
        yield _warning(
            "tier_in_no_round",
            _("Tier %(tier)s is given away in no round yet.") % said,
            tier.pk,
        )
    elif sum(amounts) > tier.count and (max(amounts) > tier.count or not feeds):
        yield Contradiction(
            "rounds_exceed_tier",
            _("Tier %(tier)s: rounds give away %(sum)s; there are %(count)s.") % said,
            about=str(tier.pk),
        )
    elif sum(amounts) > tier.count:
        yield _warning(
            "rounds_rely_on_leftovers",
            _(
                "Tier %(tier)s: rounds give away %(sum)s, and there are %(count)s: the"
                " later ones live on what is left over or expires."
            )
            % said,
            tier.pk,
        )


# --- Who, and how many ------------------------------------------------------------


def _about_limits(plan: _Plan) -> Found:
    rules = plan.terms
    limits = [
        (_("a day"), rules.most_a_day),
        (_("a week"), rules.most_a_week),
        (_("in a round"), rules.most_a_round),
        (_("in the campaign"), rules.most_in_all),
    ]
    for words, most in limits:
        if most == 0:
            yield Contradiction(
                "limit_of_nothing",
                _("At most 0 %(words)s: nobody could claim anything.")
                % {"words": words},
                about=words,
            )
    day, week, each, whole = limits
    for smaller, larger in ((day, week), (day, whole), (week, whole), (each, whole)):
        if smaller[1] and larger[1] and smaller[1] > larger[1]:
            yield Contradiction(
                "limits_contradict",
                _("%(n)s %(smaller)s, but %(m)s %(larger)s: one of them is wrong.")
                % {
                    "n": smaller[1],
                    "smaller": smaller[0],
                    "m": larger[1],
                    "larger": larger[0],
                },
                about=f"{smaller[0]}>{larger[0]}",
            )
    for tier in plan.tiers:
        yield from _about_tier_limits(rules, tier)
    if rules.one_tier_each and rules.most_in_all and plan.tiers:
        most = max(tier.per_person for tier in plan.tiers)
        if rules.most_in_all > most:
            yield Contradiction(
                "one_tier_stays_below",
                _(
                    "%(n)s in the campaign, but of one value only, and no tier gives"
                    " one person more than %(most)s."
                )
                % {"n": rules.most_in_all, "most": most},
            )


def _about_tier_limits(rules: Terms, tier: Tier) -> Found:
    if rules.most_in_all and tier.per_person > rules.most_in_all:
        yield Contradiction(
            "tier_exceeds_limit",
            _(
                "Tier %(tier)s gives one person up to %(n)s, but nobody may have more"
                " than %(most)s in all."
            )
            % {"tier": tier, "n": tier.per_person, "most": rules.most_in_all},
            about=str(tier.pk),
        )
    if rules.most_fen is not None and tier.face_fen > rules.most_fen:
        yield Contradiction(
            "tier_exceeds_value",
            _(
                "Tier %(tier)s can be claimed by nobody: one person may have vouchers"
                " worth %(most)s yuan."
            )
            % {"tier": tier, "most": _grouped(rules.most_fen)},
            about=str(tier.pk),
        )


def _about_people(plan: _Plan) -> Found:
    rules = plan.terms
    if (rules.least_age or 0) > 100 or rules.most_age == 0:
        yield Contradiction(
            "age_of_nobody", _("Nobody is of the age that these rules ask for.")
        )
    elif rules.most_age is not None and rules.most_age < 14:
        yield _warning(
            "age_of_children",
            _("Only children could claim, and hardly one has an account of their own."),
        )
    if plan.has_districts and not rules.needs_place:
        yield Contradiction(
            "districts_without_place",
            _(
                "Only some districts may claim, but phones are not asked where they"
                " are."
            ),
        )
    if rules.needs_place and not District.objects.exists():
        yield Contradiction(
            "place_without_map",
            _("Phones have to be in the city, but no district is on the map."),
        )


# --- When -------------------------------------------------------------------------


def _about_times(plan: _Plan) -> Found:
    for row in plan.ahead:
        number = {"number": row.number}
        if row.opens_at <= plan.at:
            yield Contradiction(
                "round_in_the_past",
                _("Round %(number)s would have opened already.") % number,
                about=str(row.number),
            )
        opens = [row.opens_at, *([row.rush_opens_at] if row.rush_opens_at else [])]
        if any(_at_night(moment) for moment in opens):
            yield _warning(
                "round_at_night",
                _("Round %(number)s opens at night.") % number,
                row.number,
            )
    for one, next_one in pairwise(plan.ahead):
        if next_one.opens_at < one.opens_at:
            yield _warning(
                "rounds_out_of_order",
                _("Round %(next)s opens before round %(number)s.")
                % {"next": next_one.number, "number": one.number},
                next_one.number,
            )
    for one, other in combinations(plan.ahead, 2):
        yield from _about_two(one, other)


def _about_two(one: Round, other: Round) -> Found:
    said = {"number": one.number, "other": other.number}
    about = f"{one.number}+{other.number}"
    if one.opens_at == other.opens_at:
        yield _warning(
            "rounds_open_together",
            _("Rounds %(number)s and %(other)s open at the same moment.") % said,
            about,
        )
    elif one.opens_at < _end_of(other) and other.opens_at < _end_of(one):
        yield _warning(
            "rounds_overlap",
            _("Rounds %(number)s and %(other)s go on at the same time.") % said,
            about,
        )


def _about_draws(plan: _Plan) -> Found:
    for row in plan.ahead:
        if row.way == Way.RUSH or row.draws_at is None:
            continue
        number = {"number": row.number}
        if row.draws_at < row.closes_at + NOTICE + SLACK:
            yield Contradiction(
                "draw_too_soon",
                _(
                    "Round %(number)s: the list stands for an hour before the draw, so"
                    " the draw is at least 70 minutes after entries close."
                )
                % number,
                about=str(row.number),
            )
        if row.draw_id is None and row.closes_at < plan.at + ANNOUNCED_BEFORE:
            yield _warning(
                "draw_announced_late",
                _(
                    "Round %(number)s: its draw would be public less than a day before"
                    " entries close."
                )
                % number,
                row.number,
            )
        rest = row.rush_opens_at
        if rest is not None and rest < row.draws_at + HANDING_OUT:
            yield _warning(
                "rest_too_soon",
                _(
                    "Round %(number)s: less than half an hour from the draw until the"
                    " rest opens. The results have to be in by then."
                )
                % number,
                row.number,
            )


def _about_rushes(plan: _Plan) -> Found:
    for row in plan.ahead:
        opens, closes = _rush_of(row)
        if opens is None or closes is None:
            continue
        number, spread = row.number, row.spread_seconds
        amount = sum(lot.amount for lot in row.lots.all())
        if timedelta(seconds=spread) >= closes - opens:
            yield Contradiction(
                "spread_too_long",
                _("Round %(number)s closes before everybody's turn has come.")
                % {"number": number},
                about=str(number),
            )
        elif timedelta(seconds=spread + plan.terms.held_seconds) >= closes - opens:
            yield Contradiction(
                "held_too_long",
                _(
                    "Round %(number)s closes before anything that was kept for who was"
                    " called could be offered to the next."
                )
                % {"number": number},
                about=str(number),
            )
        elif not spread:
            yield _warning(
                "spread_of_nothing",
                _(
                    "Round %(number)s: turns are not spread, so whoever has the fastest"
                    " line comes first."
                )
                % {"number": number},
                number,
            )
        elif amount > spread * MOST_A_SECOND:
            yield _warning(
                "spread_too_short",
                _(
                    "Round %(number)s: %(amount)s vouchers in %(seconds)s seconds are"
                    " more than the portal gives out. Spread the turns over %(enough)s"
                    " seconds."
                )
                % {
                    "number": number,
                    "amount": amount,
                    "seconds": spread,
                    "enough": -(-amount // MOST_A_SECOND),
                },
                number,
            )
        if spread and not row.lobby_minutes:
            yield _warning(
                "lobby_of_nothing",
                _("Round %(number)s: turns are spread, but nobody can gather before.")
                % {"number": number},
                number,
            )


def _about_validity(plan: _Plan) -> Found:
    rules = plan.terms
    if not plan.ends:
        yield Contradiction(
            "vouchers_never_end", _("It is not said how long a voucher is good.")
        )
        return
    if rules.from_next_day and rules.valid_hours and rules.valid_hours <= 24:
        yield Contradiction(
            "ends_before_next_day",
            _(
                "Usable from the next day, but good for %(hours)s hours: who claims"
                " early in the day could never use it."
            )
            % {"hours": rules.valid_hours},
        )
    if rules.from_next_day and rules.valid_days == 0:
        yield Contradiction(
            "ends_before_next_day",
            _("Usable from the next day, but good until the end of the same day."),
        )
    latest = None
    for row in plan.ahead:
        first, last = _claims_of(row)
        at_first = validity_of(rules, claimed_at=first)
        at_last = validity_of(rules, claimed_at=last)
        latest = max(latest or at_last.expires_at, at_last.expires_at)
        yield from _about_use(row, rules, at_first, at_last)
        yield from _about_hours(row, rules, first, last)
    if latest and plan.ahead:
        year = clock.local_day(min(row.opens_at for row in plan.ahead)).year
        if clock.local_day(latest - timedelta(seconds=1)).year > year:
            yield _warning(
                "ends_after_the_year",
                _(
                    "Vouchers can be used until %(until)s, after the end of the budget"
                    " year."
                )
                % {"until": clock.at_text(latest)},
                latest.isoformat(),
            )


def _about_use(row: Round, rules: Terms, first: Validity, last: Validity) -> Found:
    if first.is_empty:
        yield Contradiction(
            "never_usable",
            _("What is claimed in round %(number)s could never be used.")
            % {"number": row.number},
            about=str(row.number),
        )
    elif last.is_empty and not rules.from_next_day:
        yield Contradiction(
            "claimed_too_late",
            _("Round %(number)s goes on when its vouchers have ended (%(until)s).")
            % {"number": row.number, "until": clock.at_text(last.expires_at)},
            about=str(row.number),
        )
    elif last.is_empty:
        yield Contradiction(
            "claimed_too_late",
            _(
                "What is claimed at the end of round %(number)s could not be used any"
                " more: it ends before the next day."
            )
            % {"number": row.number},
            about=str(row.number),
        )


def _about_hours(row: Round, rules: Terms, first: datetime, last: datetime) -> Found:
    """Whatever the hour in which it is claimed, one can go somewhere with it."""
    if (rules.redeems_from, rules.redeems_until) == (0, DAY):
        return
    step = timedelta(hours=1)
    moments = [first + step * n for n in range(24) if first + step * n < last]
    for moment in [*moments, last]:
        valid = validity_of(rules, claimed_at=moment)
        if not valid.is_empty and not _meets(valid, rules):
            yield Contradiction(
                "hours_never_meet",
                _(
                    "What is claimed in round %(number)s at %(moment)s can be used"
                    " until %(until)s, and never between %(from)s and %(to)s."
                )
                % {
                    "number": row.number,
                    "moment": clock.at_text(moment),
                    "until": clock.at_text(valid.expires_at),
                    "from": clock_text(rules.redeems_from),
                    "to": clock_text(rules.redeems_until),
                },
                about=str(row.number),
            )
            return


def _meets(valid: Validity, rules: Terms) -> bool:
    """Whether some minute of the daily hours lies in a period."""
    day = clock.local_day(valid.usable_from)
    for after in (timedelta(), timedelta(days=1)):
        opens = clock.at(day + after, rules.redeems_from)
        closes = clock.at(day + after, rules.redeems_until)
        if max(opens, valid.usable_from) < min(closes, valid.expires_at):
            return True
    return False


# --- And then ---------------------------------------------------------------------


def _about_afterwards(plan: _Plan) -> Found:
    rules = plan.terms
    if rules.partial_refund_gives_back and not rules.full_refund_gives_back:
        yield Contradiction(
            "part_gives_back_and_whole_does_not",
            _("A part of a bill refunded gives the voucher back, the whole does not."),
        )
    if rules.undo_minutes > 120:
        yield _warning(
            "undo_very_long",
            _("Clerks could undo for %(minutes)s minutes; a refund is the safer way.")
            % {"minutes": rules.undo_minutes},
            rules.undo_minutes,
        )
    if not plan.rounds or not plan.ends:
        return
    if rules.leftover == Terms.Leftover.NEXT_ROUND and len(plan.rounds) == 1:
        yield _warning(
            "leftover_without_a_next_round",
            _("What the round leaves over goes into the next one, and there is none."),
        )
    if rules.recycles:
        ends = [
            validity_of(rules, claimed_at=_claims_of(row)[0]).expires_at
            for row in plan.rounds
        ]
        last = max(_rush_of(row)[0] or row.closes_at for row in plan.rounds)
        if min(ends) >= last:
            yield _warning(
                "recycled_for_no_round",
                _(
                    "Expired vouchers return to the pool, but no round comes after the"
                    " first of them expire."
                ),
            )


# --- Merchants and caps -----------------------------------------------------------


def _about_merchants(plan: _Plan) -> Found:
    if not plan.takers:
        yield _warning("no_merchant", _("No merchant takes part yet."))
        return
    offered = {sport for taker in plan.takers for sport in taker.merchant.sports}
    for tier in plan.tiers:
        if tier.sports and not offered & set(tier.sports):
            yield _warning(
                "no_merchant_for_the_sport",
                _("Tier %(tier)s: no merchant that takes part offers these sports.")
                % {"tier": tier},
                tier.pk,
            )


def _about_caps(plan: _Plan) -> Found:
    promised, held = plan.campaign.promised_fen, plan.campaign.appropriated_fen
    most = plan.terms.merchant_cap_fen
    if most is not None:
        yield from _about_merchant_cap(plan, most)
    for cap in plan.caps:
        district = cap.district.local_name
        if cap.cap_fen > held:
            yield _warning(
                "cap_above_the_money",
                _("The cap of %(district)s is more than the campaign holds.")
                % {"district": district},
                cap.district.code,
            )
        if small := [tier for tier in plan.tiers if tier.face_fen > cap.cap_fen]:
            yield Contradiction(
                "cap_below_a_voucher",
                _("The cap of %(district)s is below one voucher of %(tiers)s.")
                % {"district": district, "tiers": listed(small)},
                about=cap.district.code,
            )
    together = sum(cap.cap_fen for cap in plan.caps)
    if plan.caps and together < promised and _everywhere(plan.caps):
        yield _warning(
            "caps_keep_money_back",
            _(
                "Every district has a cap, and all of them together let %(caps)s of"
                " %(promised)s yuan be redeemed."
            )
            % {"caps": _grouped(together), "promised": _grouped(promised)},
            together,
        )


def _about_merchant_cap(plan: _Plan, most: int) -> Found:
    if small := [tier for tier in plan.tiers if tier.face_fen > most]:
        yield Contradiction(
            "merchant_cap_below_a_voucher",
            _("The cap of a merchant is below one voucher of %(tiers)s.")
            % {"tiers": listed(small)},
        )
    if most > plan.campaign.appropriated_fen:
        yield _warning(
            "merchant_cap_above_the_money",
            _("The cap of a merchant is more than the campaign holds."),
            most,
        )
    capped = [most if one.cap_fen is None else one.cap_fen for one in plan.takers]
    if capped and sum(capped) < plan.campaign.promised_fen:
        yield _warning(
            "merchants_cannot_take_all",
            _(
                "The %(count)s merchants that take part may redeem %(caps)s of"
                " %(promised)s yuan together."
            )
            % {
                "count": len(capped),
                "caps": _grouped(sum(capped)),
                "promised": _grouped(plan.campaign.promised_fen),
            },
            sum(capped),
        )


def _everywhere(caps: Sequence[DistrictCap]) -> bool:
    capped = [cap.district_id for cap in caps]
    return not District.objects.exclude(pk__in=capped).exists()


# --- Times of a round -------------------------------------------------------------


def _rush_of(row: Round) -> tuple[datetime | None, datetime | None]:
    if row.way == Way.RUSH:
        return row.opens_at, row.closes_at
    return row.rush_opens_at, row.rush_closes_at


def _end_of(row: Round) -> datetime:
    return row.rush_closes_at or row.draws_at or row.closes_at


def _claims_of(row: Round) -> tuple[datetime, datetime]:
    """The first and the last moment at which a voucher of it is claimed."""
    instant = timedelta(microseconds=1)
    if row.way == Way.RUSH:
        return row.opens_at, row.closes_at - instant
    drawn = row.draws_at or row.closes_at
    return drawn, (row.rush_closes_at - instant) if row.rush_closes_at else drawn


def _at_night(moment: datetime) -> bool:
    local = moment.astimezone(clock.CHINA)
    minute = local.hour * 60 + local.minute
    return minute >= NIGHT[0] or minute < NIGHT[1]
