"""When rounds open, are drawn and end."""

from __future__ import annotations

from datetime import timedelta
from itertools import combinations, pairwise

from django.utils.translation import gettext as _

from bureau.draws.models import NOTICE, SLACK
from vouchers.models import Round
from vouchers.queries.contradictions.plan import (
    Contradiction,
    Found,
    Plan,
    Way,
    end_of,
    is_at_night,
    rush_of,
    warning,
)

MOST_A_SECOND = 1000
"""Claims that one portal grants in a second (bench/RESULTS.md)."""
ANNOUNCED_BEFORE = timedelta(hours=24)
"""How long before its entries close a draw should be public."""
HANDING_OUT = timedelta(minutes=30)
"""What is drawn has to be handed out before the rest is claimed."""


def about_times(plan: Plan) -> Found:
    for row in plan.ahead:
        number = {"number": row.number}
        if row.opens_at <= plan.at:
            yield Contradiction(
                "round_in_the_past",
                _("Round %(number)s would have opened already.") % number,
                about=str(row.number),
            )
        opens = [row.opens_at, *([row.rush_opens_at] if row.rush_opens_at else [])]
        if any(is_at_night(moment) for moment in opens):
            yield warning(
                "round_at_night",
                _("Round %(number)s opens at night.") % number,
                row.number,
            )
    for one, next_one in pairwise(plan.ahead):
        if next_one.opens_at < one.opens_at:
            yield warning(
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
        yield warning(
            "rounds_open_together",
            _("Rounds %(number)s and %(other)s open at the same moment.") % said,
            about,
        )
    elif one.opens_at < end_of(other) and other.opens_at < end_of(one):
        yield warning(
            "rounds_overlap",
            _("Rounds %(number)s and %(other)s go on at the same time.") % said,
            about,
        )


def about_draws(plan: Plan) -> Found:
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
            yield warning(
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
            yield warning(
                "rest_too_soon",
                _(
                    "Round %(number)s: less than half an hour from the draw until the"
                    " rest opens. The results have to be in by then."
                )
                % number,
                row.number,
            )


def about_rushes(plan: Plan) -> Found:
    for row in plan.ahead:
        opens, closes = rush_of(row)
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
            yield warning(
                "spread_of_nothing",
                _(
                    "Round %(number)s: turns are not spread, so whoever has the fastest"
                    " line comes first."
                )
                % {"number": number},
                number,
            )
        elif amount > spread * MOST_A_SECOND:
            yield warning(
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
            yield warning(
                "lobby_of_nothing",
                _("Round %(number)s: turns are spread, but nobody can gather before.")
                % {"number": number},
                number,
            )
