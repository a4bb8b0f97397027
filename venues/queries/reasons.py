"""Why a slot cannot be booked, and when it can."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils.translation import gettext as _

from bureau.common import clock
from venues.models import Bookable, Venue
from venues.queries.grid import Slot, SlotState, day_grid
from venues.queries.rules import house_rules, online_until, window_opens_at

CAN_WAIT = frozenset({SlotState.HELD, SlotState.BOOKED, SlotState.BLOCKED})
"""What may become free again, so that a line makes sense."""


@dataclass(frozen=True)
class Reason:
    """Why a slot cannot be booked now."""

    text: str
    opens_at: datetime | None = None
    """When that ends: for sure, or (held) if it is not paid by then."""
    ballot: str = ""
    """The number of the ballot that gives the time out."""
    session_id: int | None = None
    """The open session to which there are tickets."""


@dataclass(frozen=True)
class _Taker:
    """What lies on a piece of floor."""

    starts_at: datetime
    ends_at: datetime
    kind: str
    hold_until: datetime | None
    block: str
    session_id: int | None
    session: str
    ballot: str
    ballot_closes_at: datetime | None


_TAKERS = """
    SELECT taken.unit_id, lower(taken.during), upper(taken.during), taken.kind,
           taken.hold_until, coalesce(block.reason, ''),
           session.id, coalesce(session.name, ''),
           coalesce(ballot.number, ''), ballot.closes_at
      FROM venues_occupancy AS taken
      LEFT JOIN venues_block AS block ON block.id = taken.block_id
      LEFT JOIN venues_opensession AS session ON session.id = taken.session_id
      LEFT JOIN venues_ballotslot AS drawn ON drawn.id = taken.ballot_slot_id
      LEFT JOIN venues_ballot AS ballot ON ballot.id = drawn.ballot_id
     WHERE taken.unit_id = ANY(%s::bigint[]) AND taken.during && tstzrange(%s, %s)
       AND NOT (taken.kind = 'hold' AND taken.hold_until <= %s)
     ORDER BY taken.id
"""


def reasons(venue: Venue, slots: Iterable[Slot], *, at: datetime) -> dict[str, Reason]:
    """Why slots of a grid cannot be booked, by their keys; the free ones are not in it.

    One question to the database for all of them, none when nothing is taken.
    """
    barred = [slot for slot in slots if not slot.is_free]
    takers = _takers([slot for slot in barred if slot.state in _FLOOR], at=at)
    return {slot.key: _reason(venue, slot, takers) for slot in barred}


def slot_at(
    venue: Venue,
    bookable: Bookable,
    starts_at: datetime,
    *,
    at: datetime,
    groups: frozenset[str] = frozenset(),
) -> Slot | None:
    """One cell of the grid; None where nothing is ever offered."""
    rules = house_rules(venue, today=clock.local_day(at))
    offer = rules.offer_at(bookable, starts_at, groups=groups)
    if offer is None:
        return None
    grid = day_grid(
        venue, sport=bookable.sport, on=offer.business_day, at=at, groups=groups
    )
    for row in grid.rows:
        for slot in row.slots:
            if slot and slot.key == offer.key:
                return slot
    return None


_FLOOR = frozenset(
    {
        SlotState.HELD,
        SlotState.BOOKED,
        SlotState.BLOCKED,
        SlotState.SESSION,
        SlotState.BALLOT,
    }
)


def _takers(slots: Sequence[Slot], *, at: datetime) -> dict[int, list[_Taker]]:
    found: dict[int, list[_Taker]] = defaultdict(list)
    if not slots:
        return found
    units = sorted({unit for slot in slots for unit in slot.bookable.unit_ids})
    since = min(slot.starts_at for slot in slots)
    until = max(slot.ends_at + slot.bookable.buffer for slot in slots)
    with connection.cursor() as cursor:
        cursor.execute(_TAKERS, [units, since, until, at])
        for unit_id, *row in cursor:
            found[unit_id].append(_Taker(*row))
    return found


def _taker_of(slot: Slot, takers: dict[int, list[_Taker]]) -> _Taker | None:
    """What gave the cell its state: the first of that kind on its floor."""
    until = slot.ends_at + slot.bookable.buffer
    kinds = {
        SlotState.HELD: "hold",
        SlotState.BOOKED: "booking",
        SlotState.BLOCKED: "block",
    }
    kind = kinds.get(slot.state, slot.state.value)
    for unit_id in slot.bookable.unit_ids:
        for taker in takers.get(unit_id, ()):
            touches = taker.starts_at < until and slot.starts_at < taker.ends_at
            if touches and taker.kind == kind:
                return taker
    return None


def _reason(venue: Venue, slot: Slot, takers: dict[int, list[_Taker]]) -> Reason:
    if slot.state in _FLOOR:
        return _of_taker(slot, _taker_of(slot, takers))
    if slot.state is SlotState.NOT_YET:
        opens_at = window_opens_at(venue, slot.offer.business_day)
        text = _("Can be booked from %(at)s on.") % {"at": clock.at_text(opens_at)}
        return Reason(text, opens_at)
    if slot.state is SlotState.KEPT:
        opens_at = slot.opens_at or slot.starts_at
        text = _("Kept for the window and the telephone until %(at)s.")
        return Reason(text % {"at": clock.at_text(opens_at)}, opens_at)
    if slot.state is SlotState.TOO_LATE:
        until = clock.at_text(online_until(venue, slot.starts_at))
        text = _("Could be booked on line until %(at)s. Ask at the window.")
        return Reason(text % {"at": until})
    return Reason(_("This time has already begun."))


def _of_taker(slot: Slot, taker: _Taker | None) -> Reason:
    if taker is None:  # it went between two looks
        return Reason(_("Somebody has booked this time."))
    if slot.state is SlotState.HELD and taker.hold_until:
        until = clock.at_text(taker.hold_until)
        text = _("Somebody is paying for it. Not paid by %(at)s, it is free again.")
        return Reason(text % {"at": until}, taker.hold_until)
    if slot.state is SlotState.BLOCKED:
        text = _("Shut: %(reason)s") % {"reason": taker.block}
        return Reason(text, taker.ends_at)
    if slot.state is SlotState.SESSION:
        text = _("Open session “%(name)s”: come with a ticket.")
        return Reason(text % {"name": taker.session}, session_id=taker.session_id)
    if slot.state is SlotState.BALLOT:
        text = _("Given out by ballot %(number)s; ask for it until %(at)s.")
        closes_at = taker.ballot_closes_at
        at = clock.at_text(closes_at) if closes_at else ""
        return Reason(text % {"number": taker.ballot, "at": at}, ballot=taker.ballot)
    return Reason(_("Somebody has booked this time."))
