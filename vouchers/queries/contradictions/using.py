"""How long a voucher serves, and what happens afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from bureau.common import clock
from bureau.common.fields import DAY, clock_text
from vouchers.models import Round, Terms
from vouchers.queries.contradictions.plan import (
    Contradiction,
    Found,
    Plan,
    claims_of,
    rush_of,
    warning,
)
from vouchers.queries.validity import Validity, validity_of


def about_validity(plan: Plan) -> Found:
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
        first, last = claims_of(row)
        at_first = validity_of(rules, claimed_at=first)
        at_last = validity_of(rules, claimed_at=last)
        latest = max(latest or at_last.expires_at, at_last.expires_at)
        yield from _about_use(row, rules, at_first, at_last)
        yield from _about_hours(row, rules, first, last)
    if latest and plan.ahead:
        year = clock.local_day(min(row.opens_at for row in plan.ahead)).year
        if clock.local_day(latest - timedelta(seconds=1)).year > year:
            yield warning(
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


def about_afterwards(plan: Plan) -> Found:
    rules = plan.terms
    if rules.partial_refund_gives_back and not rules.full_refund_gives_back:
        yield Contradiction(
            "part_gives_back_and_whole_does_not",
            _("A part of a bill refunded gives the voucher back, the whole does not."),
        )
    if rules.undo_minutes > 120:
        yield warning(
            "undo_very_long",
            _("Clerks could undo for %(minutes)s minutes; a refund is the safer way.")
            % {"minutes": rules.undo_minutes},
            rules.undo_minutes,
        )
    if not plan.rounds or not plan.ends:
        return
    if rules.leftover == Terms.Leftover.NEXT_ROUND and len(plan.rounds) == 1:
        yield warning(
            "leftover_without_a_next_round",
            _("What the round leaves over goes into the next one, and there is none."),
        )
    if rules.recycles:
        ends = [
            validity_of(rules, claimed_at=claims_of(row)[0]).expires_at
            for row in plan.rounds
        ]
        last = max(rush_of(row)[0] or row.closes_at for row in plan.rounds)
        if min(ends) >= last:
            yield warning(
                "recycled_for_no_round",
                _(
                    "Expired vouchers return to the pool, but no round comes after the"
                    " first of them expire."
                ),
            )
