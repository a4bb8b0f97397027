"""What the page of a venue says about it, beside the grid."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from weakref import WeakKeyDictionary

from django.db.models import Min, QuerySet
from django.utils.translation import gettext as _

from bureau.common.fields import clock_text, clock_words
from bureau.common.words import listed
from venues.models import Block, DayTypeHours, HoursException, Unit, Venue, WeeklyHours
from venues.models.rules import DayType, Weekday
from venues.queries.rules import HouseRules

Parts = tuple[tuple[int, int], ...]

EXCEPTIONS_AHEAD = timedelta(days=30)
"""How far ahead the page names single days with other hours."""


@dataclass(frozen=True)
class Hours:
    """When it is open on some weekdays, or on days of a type."""

    weekdays: tuple[int, ...]
    day_type: str
    parts: Parts

    @property
    def label(self) -> str:
        if self.day_type:
            return str(DayType(self.day_type).label)
        if len(self.weekdays) == len(Weekday):
            return _("Every day")
        first, last = Weekday(self.weekdays[0]), Weekday(self.weekdays[-1])
        if first == last:
            return str(first.label)
        return f"{first.label}–{last.label}"

    @property
    def text(self) -> str:
        return parts_text(self.parts)


@dataclass(frozen=True)
class OtherDay:
    """One date with hours of its own."""

    on: date
    courts: str
    parts: Parts
    reason: str

    @property
    def text(self) -> str:
        return parts_text(self.parts)


@dataclass(frozen=True)
class Opening:
    hours: tuple[Hours, ...]
    own_hours: tuple[tuple[tuple[str, ...], tuple[Hours, ...]], ...]
    """(names of courts, their hours) where they differ from the venue's."""
    other_days: tuple[OtherDay, ...]
    changes_on: date | None = None
    """The day from which on the venue's hours are known to be others…"""
    changed_hours: tuple[Hours, ...] = ()
    """… and which they are then."""


def parts_text(parts: Parts) -> str:
    """Such as `08:00–12:00, 14:00–22:00`."""
    if not parts:
        return _("Closed")
    return listed(f"{clock_text(opens)}–{clock_words(shut)}" for opens, shut in parts)


# Kept as long as the rules that they were read with (docs/adr/0009).
_opening_under: WeakKeyDictionary[HouseRules, Opening] = WeakKeyDictionary()


def opening_of(venue: Venue, *, rules: HouseRules, today: date) -> Opening:
    """The hours of a venue as people read them on its door."""
    if rules not in _opening_under:
        _opening_under[rules] = _read_opening(venue, rules, today)
    return _opening_under[rules]


def _read_opening(venue: Venue, rules: HouseRules, today: date) -> Opening:
    weekly, typed = _rows_on(venue, today)
    days = HoursException.objects.filter(
        venue=venue, on__gte=today, on__lt=today + EXCEPTIONS_AHEAD
    )
    names = {court.pk: court.name for court in rules.bookables}
    own: dict[tuple[Hours, ...], list[str]] = {}
    for court_id, name in names.items():
        if found := _hours_of(court_id, weekly, typed):
            own.setdefault(found, []).append(name)
    changes_on = _next_change(venue, today)
    return Opening(
        changes_on=changes_on,
        changed_hours=_hours_of(None, *_rows_on(venue, changes_on))
        if changes_on
        else (),
        hours=_hours_of(None, weekly, typed),
        own_hours=tuple((tuple(courts), hours) for hours, courts in own.items()),
        other_days=tuple(
            OtherDay(
                on=row.on,
                courts=names.get(row.bookable_id, "") if row.bookable_id else "",
                parts=_parts(row),
                reason=row.reason,
            )
            for row in days.order_by("on", "pk")
            if row.bookable_id is None or row.bookable_id in names
        ),
    )


def _rows_on(
    venue: Venue, day: date
) -> tuple[Sequence[WeeklyHours], Sequence[DayTypeHours]]:
    """The hours in force on a day, of the venue and of its courts."""
    weekly = WeeklyHours.objects.filter(venue=venue).in_force_on(day)
    typed = DayTypeHours.objects.filter(venue=venue).in_force_on(day)
    return list(weekly.order_by("opens", "pk")), list(typed.order_by("pk"))


def _next_change(venue: Venue, today: date) -> date | None:
    """From when new hours of the venue hold; those of single courts change quietly."""
    begins = [
        rows.of_place(venue, None)
        .filter(valid_from__gt=today)
        .aggregate(on=Min("valid_from"))["on"]
        for rows in (WeeklyHours.objects, DayTypeHours.objects)
    ]
    return min((day for day in begins if day), default=None)


def _hours_of(
    court_id: int | None, weekly: Sequence[WeeklyHours], typed: Sequence[DayTypeHours]
) -> tuple[Hours, ...]:
    mine = [row for row in weekly if row.bookable_id == court_id]
    by_type = {row.day_type: row for row in typed if row.bookable_id == court_id}
    week = [
        (day, tuple((row.opens, row.closes) for row in mine if row.weekday == day))
        for day in Weekday.values
    ]
    hours = []
    if mine:
        for parts, days in groupby(week, key=lambda entry: entry[1]):
            weekdays = tuple(day for day, _parts in days)
            hours.append(Hours(weekdays=weekdays, day_type="", parts=parts))
    hours += [
        Hours(weekdays=(), day_type=day_type, parts=_parts(by_type[day_type]))
        for day_type in DayType.values
        if day_type in by_type
    ]
    return tuple(hours)


def _parts(row: DayTypeHours | HoursException) -> Parts:
    if row.opens is None or row.closes is None:
        return ()
    return ((row.opens, row.closes),)


@dataclass(frozen=True)
class Closure:
    """A closure as it was announced; without `courts` it shuts the whole venue."""

    starts_at: datetime
    ends_at: datetime
    reason: str
    announced_at: datetime
    courts: tuple[str, ...]


def announced_closures(venue: Venue, *, at: datetime) -> list[Closure]:
    """Closures that are or will be, the next one first."""
    return [
        closure for _venue, closure in _closures(_announced(at).filter(venue=venue))
    ]


def closures_in_city(
    *, at: datetime, until: datetime, most: int
) -> list[tuple[Venue, Closure]]:
    """Closures of all public venues that begin before `until`, the next one first."""
    rows = _announced(at).filter(
        venue__kind=Venue.Kind.PUBLIC, venue__closed_on=None, starts_at__lt=until
    )
    return _closures(rows[:most])


def _announced(at: datetime) -> QuerySet[Block]:
    rows = Block.objects.filter(
        is_closure=True, lifted_at=None, announced_at__lte=at, ends_at__gt=at
    )
    return rows.select_related("venue").order_by("starts_at", "pk")


def _closures(blocks: Iterable[Block]) -> list[tuple[Venue, Closure]]:
    """With the names of the courts, which one question finds for all venues."""
    blocks = list(blocks)
    partly = {block.venue_id for block in blocks if block.unit_ids}
    names: dict[int, dict[int, str]] = {}
    units = Unit.objects.filter(venue__in=partly).in_order()
    for venue_id, pk, name in units.values_list("venue", "pk", "name"):
        names.setdefault(venue_id, {})[pk] = name
    return [
        (
            block.venue,
            Closure(
                starts_at=block.starts_at,
                ends_at=block.ends_at,
                reason=block.reason,
                announced_at=block.announced_at or block.created_at,
                courts=_shut(block, names.get(block.venue_id, {})),
            ),
        )
        for block in blocks
    ]


def _shut(block: Block, names: Mapping[int, str]) -> tuple[str, ...]:
    shut = tuple(name for pk, name in names.items() if pk in block.unit_ids)
    return () if len(shut) == len(names) else shut
