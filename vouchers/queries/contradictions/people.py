"""Who may claim, and how many."""

from __future__ import annotations

from django.utils.translation import gettext as _

from bureau.regions.models import District
from vouchers.models import Terms, Tier
from vouchers.queries.contradictions.plan import (
    Contradiction,
    Found,
    Plan,
    grouped,
    warning,
)


def about_limits(plan: Plan) -> Found:
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
            % {"tier": tier, "most": grouped(rules.most_fen)},
            about=str(tier.pk),
        )


def about_people(plan: Plan) -> Found:
    rules = plan.terms
    if (rules.least_age or 0) > 100 or rules.most_age == 0:
        yield Contradiction(
            "age_of_nobody", _("Nobody is of the age that these rules ask for.")
        )
    elif rules.most_age is not None and rules.most_age < 14:
        yield warning(
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
