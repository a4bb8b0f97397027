"""What a venue's year was for the subsidy on free and low-fee opening (低免开放).

The figures, and the workbook that carries them. Where each comes from and what it means
stands on the last sheet, so that the file explains itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Sum
from django.db.models.functions import ExtractHour, ExtractMonth
from django.utils.translation import gettext as _

from bureau.common import clock
from bureau.common.workbooks import Cell, Sheet, workbook
from venues.models import Crossing, Programme, Venue
from venues.models.rules import PriceGroup
from venues.queries.openness import Figures, OpenBook

HOUR = 60
MONTHS = range(1, 13)
HOURS = range(24)
GROUPS: tuple[str, ...] = tuple(PriceGroup.values)


@dataclass(frozen=True)
class SubsidyYear:
    """A venue in a calendar year, up to and including `until`.

    Visits are (month, hour, group) -> person-times. Minutes are those of `Figures`.
    """

    venue: Venue
    year: int
    until: date | None
    """The last day that is counted; None when the year has not begun."""
    visits: dict[tuple[int, int, str], int]
    months: dict[int, Figures]
    open_days: dict[int, int]
    programmes: tuple[Programme, ...]

    @property
    def total(self) -> Figures:
        return sum(self.months.values(), Figures())

    @property
    def days_open(self) -> int:
        return sum(self.open_days.values())

    @property
    def visits_total(self) -> int:
        return sum(self.visits.values())

    def visits_where(
        self,
        *,
        month: int | None = None,
        hour: int | None = None,
        group: str | None = None,
    ) -> int:
        return sum(
            persons
            for (in_month, at_hour, of_group), persons in self.visits.items()
            if month in (None, in_month)
            and hour in (None, at_hour)
            and group in (None, of_group)
        )

    def held(self, kind: str) -> list[Programme]:
        return [one for one in self.programmes if one.kind == kind]

    def persons(self, kind: str) -> int:
        return sum(one.persons for one in self.held(kind))


def subsidy_year(venue: Venue, *, year: int, at: datetime) -> SubsidyYear:
    """The year of a venue; of a year that goes on, the days up to `at`.

    What lies ahead is no service yet: it is not counted.
    """
    first, last = date(year, 1, 1), date(year, 12, 31)
    until = min(last, clock.local_day(at))
    if until < first:
        return SubsidyYear(venue, year, None, {}, {}, {}, ())
    months: dict[int, Figures] = {}
    open_days: Counter[int] = Counter()
    book = OpenBook([venue], first=first, last=until)
    for day in (first + timedelta(days=n) for n in range((until - first).days + 1)):
        figures = book.figures(venue, day)
        months[day.month] = months.get(day.month, Figures()) + figures
        open_days[day.month] += bool(figures.open)
    programmes = Programme.objects.filter(
        venue=venue, last_on__gte=first, last_on__lte=until
    ).order_by("first_on", "last_on", "pk")
    return SubsidyYear(
        venue=venue,
        year=year,
        until=until,
        visits=_visits(venue, first, min(at, clock.at(last, 24 * HOUR))),
        months=months,
        open_days=dict(open_days),
        programmes=tuple(programmes),
    )


def _visits(
    venue: Venue, first: date, until: datetime
) -> dict[tuple[int, int, str], int]:
    rows = (
        Crossing.objects.filter(
            venue=venue,
            direction=Crossing.Direction.IN,
            crossed_at__gte=clock.at(first, 0),
            crossed_at__lt=until,
        )
        .annotate(
            month=ExtractMonth("crossed_at", tzinfo=clock.CHINA),
            hour=ExtractHour("crossed_at", tzinfo=clock.CHINA),
        )
        .values_list("month", "hour", "group")
        .annotate(persons_in=Sum("persons"))
        .order_by("month", "hour", "group")
    )
    return {(month, hour, group): n for month, hour, group, n in rows}


# --- The workbook ---------------------------------------------------------------------


def subsidy_file_name(found: SubsidyYear) -> str:
    return f"subsidy-{found.venue.code}-{found.year}.xlsx"


def subsidy_workbook(found: SubsidyYear) -> bytes:
    """The report; the same bytes whenever the figures are the same."""
    return workbook(
        [
            Sheet(_("Summary"), summary_rows(found)),
            Sheet(_("Visits by hour"), _by_hour(found)),
            Sheet(_("Visits by month"), _by_month(found)),
            Sheet(_("Opening by month"), _opening(found)),
            Sheet(_("Events and trainings"), _programmes(found)),
            Sheet(_("Sources and definitions"), _sources()),
        ]
    )


def summary_rows(found: SubsidyYear) -> list[list[Cell]]:
    """(what, figure, unit) of the first sheet and of the staff page."""
    venue, total = found.venue, found.total
    events, trainings = Programme.Kind.EVENT, Programme.Kind.TRAINING
    counted = found.until.isoformat() if found.until else _("not begun")
    return [
        [_("What"), _("Figure"), _("Unit")],
        [_("Venue"), venue.name, None],
        [_("National venue code"), venue.national_code or "–", None],
        [_("District (GB/T 2260)"), f"{venue.district.name} {venue.district.code}", ""],
        [_("Year"), found.year, None],
        [_("Counted up to and including"), counted, None],
        [_("Open area"), _or_dash(venue.open_area_m2), "m²"],
        [_("Core free or low-fee area"), _or_dash(venue.core_area_m2), "m²"],
        [_("Days open"), found.days_open, _("days")],
        [_("Hours open"), hours(total.open), _("hours")],
        [_("Court hours open"), hours(total.courts), _("court hours")],
        [_("Free court hours"), hours(total.free), _("court hours")],
        [
            _("Low-fee court hours, without the free ones"),
            hours(total.low - total.free),
            _("court hours"),
        ],
        [_("Visits"), found.visits_total, _("person-times")],
        *_visits_by_group(found),
        [_("Public events"), len(found.held(events)), _("events")],
        [_("Public events: people"), found.persons(events), _("person-times")],
        [_("Skill trainings"), len(found.held(trainings)), _("trainings")],
        [_("Skill trainings: people"), found.persons(trainings), _("person-times")],
    ]


def _visits_by_group(found: SubsidyYear) -> list[list[Cell]]:
    return [
        [
            _("Visits: %(group)s") % {"group": group_label(group)},
            found.visits_where(group=group),
            _("person-times"),
        ]
        for group in GROUPS
    ]


def hours(minutes: int) -> float:
    """Minutes as hours with two places; rounded down, so that none is made up."""
    return minutes * 100 // HOUR / 100


def group_label(group: str) -> str:
    """Everybody who belongs to no group of its own is "other people" in a count."""
    return str(PriceGroup(group).label) if group else _("other people")


def _or_dash(value: int | None) -> Cell:
    return "–" if value is None else value


def _table(
    corner: str, names: Sequence[tuple[str, str]], rows: Iterable[tuple[str, list[int]]]
) -> list[list[Cell]]:
    """Lines with a sum at their end, and a line of sums below."""
    table: list[list[Cell]] = [
        [corner, *(label for _name, label in names), _("together")]
    ]
    sums = [0] * len(names)
    for head, counts in rows:
        table.append([head, *counts, sum(counts)])
        sums = [one + other for one, other in zip(sums, counts, strict=True)]
    table.append([_("together"), *sums, sum(sums)])
    return table


def _by_hour(found: SubsidyYear) -> list[list[Cell]]:
    return _table(
        _("Hour"),
        [(group, group_label(group)) for group in GROUPS],
        (
            (
                f"{hour:02}:00–{hour + 1:02}:00",
                [found.visits_where(hour=hour, group=group) for group in GROUPS],
            )
            for hour in HOURS
        ),
    )


def _by_month(found: SubsidyYear) -> list[list[Cell]]:
    return _table(
        _("Month"),
        [(group, group_label(group)) for group in GROUPS],
        (
            (
                f"{found.year}-{month:02}",
                [found.visits_where(month=month, group=group) for group in GROUPS],
            )
            for month in MONTHS
        ),
    )


def _opening(found: SubsidyYear) -> list[list[Cell]]:
    head: list[Cell] = [
        _("Month"),
        _("Days open"),
        _("Hours open"),
        _("Court hours open"),
        _("Free court hours"),
        _("Low-fee court hours, without the free ones"),
    ]
    lines = [
        (f"{found.year}-{month:02}", found.open_days.get(month, 0), figures)
        for month in MONTHS
        for figures in [found.months.get(month, Figures())]
    ]
    lines.append((_("together"), found.days_open, found.total))
    rows: list[list[Cell]] = [
        [
            name,
            days,
            hours(figures.open),
            hours(figures.courts),
            hours(figures.free),
            hours(figures.low - figures.free),
        ]
        for name, days, figures in lines
    ]
    return [head, *rows]


def _programmes(found: SubsidyYear) -> list[list[Cell]]:
    head: list[Cell] = [
        _("Kind"),
        _("Title"),
        _("First day"),
        _("Last day"),
        _("Person-times"),
    ]
    rows: list[list[Cell]] = [
        [
            str(one.get_kind_display()),
            one.title,
            one.first_on.isoformat(),
            one.last_on.isoformat(),
            one.persons,
        ]
        for one in found.programmes
    ]
    return [head, *rows]


def _sources() -> list[list[Cell]]:
    return [
        [_("Figure"), _("Where it comes from and what it means")],
        [
            _("Days and hours open"),
            _(
                "From the opening hours, exceptions, blocks and closures of the venue: "
                "minutes in which at least one court is open, by business day with its "
                "night. Hours have no versions: they are those in force when the "
                "report was made."
            ),
        ],
        [
            _("Court hours"),
            _("The same for each court by itself, added up."),
        ],
        [
            _("Free and low-fee court hours"),
            _(
                "Free: the price for everybody is 0. Low-fee: at most 70 percent of "
                "the local market price on record for the sport. Where no market price "
                "is on record, every price counts as low."
            ),
        ],
        [
            _("Visits"),
            _(
                "People counted in at the gates, by pass, ticket or hand, by the hour "
                "of the clock in which they came. Somebody who comes twice counts "
                "twice. Somebody of several groups counts in one: 60 and over before "
                "under 18, disability, student, military, fire service."
            ),
        ],
        [
            _("Open area, core area"),
            _("As staff keep them on the venue's page."),
        ],
        [
            _("Events and trainings"),
            _(
                "As staff recorded them, in the year of their last day. Somebody who "
                "came on three days counts three times."
            ),
        ],
        [
            _("Rules"),
            _(
                "Announcement of the General Administration of Sport on free and "
                "low-fee opening (2018): 35 hours a week, 330 days a year. Norm no. 7 "
                "of 2021 (体规字 2021 年 7 号), as quoted by cities: 70 percent of the "
                "market, half price for entitled groups. Their official texts were "
                "not at hand when this report was designed."
            ),
        ],
        [
            _("Made by"),
            _(
                "The portal, from its own records. The same records give the same "
                "file, byte for byte."
            ),
        ],
    ]
