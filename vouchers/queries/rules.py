"""The rules of a campaign as a citizen reads them, and what changed in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bureau.common import clock
from bureau.common.fields import DAY, clock_text
from bureau.common.money import yuan
from bureau.common.words import listed
from bureau.regions.models import District
from vouchers.models import Campaign, Terms

RULE_FIELDS = (
    "most_a_day",
    "most_a_week",
    "most_a_round",
    "most_in_all",
    "most_fen",
    "one_tier_each",
    "expired_counts",
    "least_age",
    "most_age",
    "id_prefixes",
    "needs_place",
    "held_seconds",
    "valid_until",
    "valid_hours",
    "valid_days",
    "from_next_day",
    "redeems_from",
    "redeems_until",
    "undo_minutes",
    "full_refund_gives_back",
    "partial_refund_gives_back",
    "partial_refund_keeps_subsidy",
    "recycles",
    "leftover",
    "merchant_cap_fen",
)
"""What a city decides, beside the districts (docs/vouchers/rules.md)."""


@dataclass(frozen=True)
class RuleGroup:
    """Sentences that belong together."""

    heading: str
    sentences: list[str]


@dataclass(frozen=True)
class RuleChange:
    """A published version: why it came, and what it says that the one before did not.

    The first version has no reason, and nothing was different before it.
    """

    terms: Terms
    added: list[str]
    removed: list[str]

    @property
    def version(self) -> int:
        return self.terms.version

    @property
    def reason(self) -> str:
        return self.terms.reason

    @property
    def published_at(self) -> datetime | None:
        return self.terms.published_at


def rules_of(terms: Terms) -> dict[str, object]:
    """What a saved version decides, to compare it with another and for the record."""
    rules: dict[str, object] = {name: getattr(terms, name) for name in RULE_FIELDS}
    codes = terms.districts.order_by("code").values_list("code", flat=True)
    return rules | {"districts": list(codes)}


def rules_in_words(
    terms: Terms, districts: Sequence[District] | None = None
) -> list[str]:
    """All rules as plain sentences, in the language of the page.

    `districts` are those of rules that are not saved yet.
    """
    groups = rule_groups(terms, districts)
    return [sentence for group in groups for sentence in group.sentences]


def rule_groups(
    terms: Terms, districts: Sequence[District] | None = None
) -> list[RuleGroup]:
    """The same under headings: who, how many, until when, how it is used, and then."""
    if districts is None:
        districts = list(District.objects.filter(terms=terms).in_order())
    return [
        RuleGroup(_("Who may claim"), list(_who(terms, districts))),
        RuleGroup(_("How many"), list(_how_many(terms))),
        RuleGroup(_("Until when"), list(_until_when(terms))),
        RuleGroup(_("How it is used"), list(_used(terms))),
        RuleGroup(_("Refunds and what is left over"), list(_afterwards(terms))),
    ]


def until_when_in_words(terms: Terms) -> list[str]:
    """When a voucher can be used that somebody claims now."""
    return list(_until_when(terms))


def rule_changes(campaign: Campaign) -> list[RuleChange]:
    """The published versions, the newest first, each beside the one before it."""
    versions = campaign.terms.published().order_by("version")
    changes: list[RuleChange] = []
    before: list[str] = []
    for terms in versions.prefetch_related("districts"):
        says = rules_in_words(terms)
        is_first = not changes
        changes.append(
            RuleChange(
                terms,
                [] if is_first else [one for one in says if one not in before],
                [] if is_first else [one for one in before if one not in says],
            )
        )
        before = says
    return changes[::-1]


def _who(terms: Terms, districts: Sequence[District]) -> Iterable[str]:
    yield _(
        "Everybody whose real name is confirmed here may claim: one person, one"
        " account."
    )
    least, most = terms.least_age, terms.most_age
    if least is not None and most is not None:
        yield _("Only for people from %(least)s to %(most)s years of age.") % {
            "least": least,
            "most": most,
        }
    elif least is not None:
        yield _("Only for people of %(least)s years and older.") % {"least": least}
    elif most is not None:
        yield _("Only for people of up to %(most)s years.") % {"most": most}
    if terms.id_prefixes:
        yield _("Only for people whose ID number begins with %(prefixes)s.") % {
            "prefixes": listed(terms.id_prefixes)
        }
    if districts:
        yield _(
            "Only where your phone is in %(districts)s when you claim. We ask you"
            " first, and keep the district, not the place."
        ) % {"districts": listed(one.local_name for one in districts)}
    elif terms.needs_place:
        yield _(
            "Only where your phone is in the city when you claim. We ask you first,"
            " and keep the district, not the place."
        )
    yield _(
        "Where more people wait for a rush than there are vouchers, chance says in"
        " which order they are called. Theirs are kept for %(n)s seconds from the turn"
        " of the last of them, and then offered to the next."
    ) % {"n": terms.held_seconds}


def _how_many(terms: Terms) -> Iterable[str]:
    limits: list[tuple[int | None, Callable[[int], str]]] = [
        (
            terms.most_a_day,
            lambda n: ngettext(
                "At most %(n)s voucher a day.", "At most %(n)s vouchers a day.", n
            ),
        ),
        (
            terms.most_a_week,
            lambda n: ngettext(
                "At most %(n)s voucher a week, from Monday to Sunday.",
                "At most %(n)s vouchers a week, from Monday to Sunday.",
                n,
            ),
        ),
        (
            terms.most_a_round,
            lambda n: ngettext(
                "At most %(n)s voucher in each round.",
                "At most %(n)s vouchers in each round.",
                n,
            ),
        ),
        (
            terms.most_in_all,
            lambda n: ngettext(
                "At most %(n)s voucher in the whole campaign.",
                "At most %(n)s vouchers in the whole campaign.",
                n,
            ),
        ),
    ]
    for most, words in limits:
        if most is not None:
            yield words(most) % {"n": most}
    if terms.most_fen is not None:
        yield _("At most vouchers worth %(yuan)s yuan for each person.") % {
            "yuan": yuan(terms.most_fen)
        }
    if terms.one_tier_each:
        yield _("All vouchers of a person have the same value: choose one.")
    yield _("Each value says how many of it one person may have.")
    if terms.expired_counts:
        yield _("A voucher that you let expire counts as one you had.")
    else:
        yield _("A voucher that expired does not count any more.")


def _until_when(terms: Terms) -> Iterable[str]:
    ends = list(_ends(terms))
    yield from ends
    if len(ends) > 1:
        yield _("Whichever of these comes first ends it.")
    if terms.from_next_day:
        yield _("It can be used from the day after you claimed it.")
    else:
        yield _("It can be used at once.")
    if (terms.redeems_from, terms.redeems_until) != (0, DAY):
        yield _("Each day it can be used from %(since)s to %(until)s.") % {
            "since": clock_text(terms.redeems_from),
            "until": clock_text(terms.redeems_until),
        }


def _ends(terms: Terms) -> Iterable[str]:
    if terms.valid_hours is not None:
        yield ngettext(
            "A voucher is good for %(n)s hour after you claimed it.",
            "A voucher is good for %(n)s hours after you claimed it.",
            terms.valid_hours,
        ) % {"n": terms.valid_hours}
    if terms.valid_days == 0:
        yield _("A voucher is good until the end of the day you claimed it on.")
    elif terms.valid_days is not None:
        yield ngettext(
            "A voucher is good until the end of the day after you claimed it.",
            "A voucher is good for %(n)s days after the day you claimed it.",
            terms.valid_days,
        ) % {"n": terms.valid_days}
    if terms.valid_until is not None:
        yield _("All vouchers end on %(until)s.") % {
            "until": clock.at_text(terms.valid_until)
        }


def _used(terms: Terms) -> Iterable[str]:
    yield _("One voucher for each bill, of at least the amount that it names.")
    yield _(
        "Open the voucher on your phone at the counter: its code changes every 30"
        " seconds, so a screenshot does not work."
    )
    yield _("It cannot be given away or sold, and there is no change in cash.")
    if terms.merchant_cap_fen is not None:
        yield _(
            "A merchant redeems vouchers worth up to %(yuan)s yuan; then go to another"
            " one."
        ) % {"yuan": yuan(terms.merchant_cap_fen)}


def _afterwards(terms: Terms) -> Iterable[str]:
    if terms.full_refund_gives_back:
        yield _(
            "If the whole bill is refunded before the voucher ends, you get the voucher"
            " back. It ends when it would have ended."
        )
    else:
        yield _("If the bill is refunded, the voucher is used up all the same.")
    if terms.partial_refund_gives_back:
        yield _("A part of the bill refunded gives the voucher back, too.")
    elif terms.full_refund_gives_back:
        yield _("If a part of the bill is refunded, the voucher is used up.")
    if terms.partial_refund_keeps_subsidy:
        yield _(
            "A merchant that refunds a part keeps the subsidy while the rest of the"
            " bill reaches the voucher's threshold."
        )
    if terms.recycles:
        yield _("What expires goes back into the pool, for later rounds.")
    else:
        yield _("What expires is not given out again.")
    if terms.leftover == Terms.Leftover.NEXT_ROUND:
        yield _("What a round leaves over goes into the next one.")
    else:
        yield _("What a round leaves over is not given out in the next one.")
