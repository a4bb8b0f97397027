"""Occupancy, takings, bookings and visits: charts and their tables, and a workbook."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSingleDateWidget

from bureau.common import clock
from bureau.common.charts import Bar, Chart
from bureau.common.money import yuan
from bureau.common.sports import Sport
from bureau.common.workbooks import CONTENT_TYPE, Cell, Sheet, workbook
from bureau.payments.models import ProviderName
from bureau.regions.models import District
from venues.admin.pages import show
from venues.admin.scope import StaffRequest, in_my_districts
from venues.models import Booking, Venue
from venues.models.rules import PriceGroup, Weekday
from venues.queries.statistics import (
    LONGEST_DAYS,
    TRANSFER,
    Bookings,
    Money,
    Occupation,
    Scope,
    Share,
    Taking,
    Use,
    bookings_in,
    money_in,
    occupation_in,
)
from venues.queries.subsidies import group_label

DAYS_SHOWN = 30
_HUNDRED = 100.0


class ScopeForm(forms.Form):
    """What somebody asks about; without a word: the last thirty days of all."""

    first = forms.DateField(
        label=gettext_lazy("From"), widget=UnfoldAdminSingleDateWidget
    )
    last = forms.DateField(
        label=gettext_lazy("Up to and including"), widget=UnfoldAdminSingleDateWidget
    )
    district = forms.ModelChoiceField(
        label=gettext_lazy("District"),
        queryset=District.objects.none(),
        required=False,
        empty_label=gettext_lazy("all districts"),
        widget=UnfoldAdminSelectWidget,
    )
    venue = forms.ModelChoiceField(
        label=gettext_lazy("Venue"),
        queryset=Venue.objects.none(),
        required=False,
        empty_label=gettext_lazy("all venues"),
        widget=UnfoldAdminSelectWidget,
    )
    sport = forms.ChoiceField(
        label=gettext_lazy("Sport"),
        choices=[("", gettext_lazy("all sports")), *Sport.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(
        self, data: Mapping[str, Any] | None, *, request: HttpRequest, **kwargs: Any
    ) -> None:
        super().__init__(data, **kwargs)
        districts = District.objects.order_by("position", "pk")
        mine: Any = in_my_districts(districts, request, path="pk")
        self.fields["district"].queryset = mine  # type: ignore[attr-defined]
        self.fields["venue"].queryset = _venues(request)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        super().clean()
        given = self.cleaned_data
        first, last = given.get("first"), given.get("last")
        if first and last and last < first:
            self.add_error("last", ValidationError(_("The last day comes first.")))
        elif first and last and (last - first).days >= LONGEST_DAYS:
            told = _("At most %(days)s days at once.") % {"days": LONGEST_DAYS}
            self.add_error("last", ValidationError(told))
        return given

    def scope(self, request: HttpRequest) -> Scope:
        """After `is_valid`."""
        given = self.cleaned_data
        venues = _venues(request)
        if given["district"]:
            venues = venues.filter(district=given["district"])
        if given["venue"]:
            venues = venues.filter(pk=given["venue"].pk)
        return Scope(tuple(venues), given["first"], given["last"], given["sport"])


def _venues(request: HttpRequest) -> QuerySet[Venue]:
    """Also those that closed for good: they had a past."""
    venues = Venue.objects.filter(kind=Venue.Kind.PUBLIC).order_by(
        "district__position", "name", "pk"
    )
    return in_my_districts(venues, request, path="district")


class StatisticsPages(ModelAdmin):
    """The part of the venues' staff pages that counts."""

    def has_statistics_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return request.user.has_perm("venues.view_booking")

    @action(
        description=gettext_lazy("Statistics"),
        url_path="statistics",
        permissions=["statistics"],
        icon="bar_chart",
    )
    def statistics(self, request: StaffRequest) -> HttpResponse:
        """A plain GET form, so that an answer can be kept and sent as a link."""
        if not self.has_statistics_permission(request):
            raise PermissionDenied
        today = clock.today()
        asked = (
            request.GET.dict()
            if "first" in request.GET
            else {
                "first": (today - timedelta(days=DAYS_SHOWN - 1)).isoformat(),
                "last": today.isoformat(),
                **request.GET.dict(),
            }
        )
        form = ScopeForm(asked, request=request)
        found = None
        if form.is_valid():
            found = Found.read(form.scope(request))
            if asked.get("format") == "xlsx":
                return _as_workbook(found)
        query = request.GET.copy()
        query["format"] = "xlsx"
        return show(
            self,
            request,
            "admin/venues/statistics.html",
            title=_("Statistics"),
            form=form,
            found=found,
            workbook_url=f"?{query.urlencode()}",
        )


def _as_workbook(found: Found) -> HttpResponse:
    scope = found.scope
    name = f"statistics-{scope.first}-{scope.last}.xlsx"
    answer = HttpResponse(found.workbook, content_type=CONTENT_TYPE)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@dataclass(frozen=True)
class Found:
    """What the page and the workbook show."""

    scope: Scope
    use: Occupation
    money: Money
    bookings: Bookings

    @classmethod
    def read(cls, scope: Scope) -> Found:
        return cls(
            scope,
            occupation_in(scope),
            money_in(scope),
            bookings_in(scope, at=clock.now()),
        )

    @property
    def figures(self) -> list[tuple[str, str, str]]:
        """(what, figure, how it came about) of the cards on top."""
        total, taken, came = self.use.total, self.money.total, self.bookings
        return [
            (
                _("Occupancy"),
                _percent(total.percent),
                _("%(taken)s of %(offered)s court hours")
                % {"taken": _hours(total.taken), "offered": _hours(total.offered)},
            ),
            (
                _("Revenue"),
                f"¥{yuan(taken.kept)}",
                _("¥%(paid)s paid, ¥%(refunded)s refunded")
                % {"paid": yuan(taken.paid), "refunded": yuan(taken.refunded)},
            ),
            (_("Bookings"), str(came.booked), _("came about")),
            (_("Cancelled"), *_share(came.cancelled)),
            (_("Nobody came"), *_share(came.no_shows)),
            (_("Waiting list filled"), *_share(came.filled)),
            (
                _("Visits"),
                str(came.visits_total),
                _("person-times through the gates"),
            ),
        ]

    @property
    def charts(self) -> list[Chart]:
        return [*self._use_charts(), *self._money_charts(), *self._people_charts()]

    def _use_charts(self) -> list[Chart]:
        use, scope = self.use, self.scope
        percent = _("percent taken")
        venues = [
            _use_bar(str(venue), use.venues.get(venue.pk, Use()))
            for venue in scope.venues
        ]
        venues.sort(key=lambda bar: -bar.value)
        shown = [sport for sport in Sport if sport.value in use.sports]
        return [
            Chart(
                "use-hours",
                _("Occupancy by hour"),
                (_("Hour"), percent),
                [_use_bar(str(hour), use.hours.get(hour, Use())) for hour in range(24)],
                words=_percent,
                most=_HUNDRED,
            ),
            Chart(
                "use-weekdays",
                _("Occupancy by day of the week"),
                (_("Day"), percent),
                [
                    _use_bar(_short(day), use.weekdays.get(day.value, Use()))
                    for day in Weekday
                ],
                note=_("A night belongs to the day before it."),
                words=_percent,
                most=_HUNDRED,
            ),
            Chart(
                "use-sports",
                _("Occupancy by sport"),
                (_("Sport"), percent),
                [_use_bar(str(sport.label), use.sports[sport]) for sport in shown],
                note=_("Floor that two sports share is offered to both."),
                kind="rows",
                most=_HUNDRED,
            ),
            Chart(
                "use-venues",
                _("Occupancy by venue"),
                (_("Venue"), percent),
                venues,
                kind="rows",
                most=_HUNDRED,
            ),
        ]

    def _money_charts(self) -> list[Chart]:
        money = self.money
        names = {venue.pk: str(venue) for venue in self.scope.venues}
        sports = {**_labels(Sport.choices), "": _("several sports")}
        sides: list[tuple[str, str, str, Mapping[Any, Taking], dict[Any, str]]] = [
            (
                "money-methods",
                _("Revenue by way of payment"),
                _("Way of payment"),
                money.methods,
                {**_labels(ProviderName.choices), TRANSFER: _("bank transfer")},
            ),
            (
                "money-channels",
                _("Revenue by channel"),
                _("Channel"),
                money.channels,
                _labels(Booking.Channel.choices),
            ),
            (
                "money-sports",
                _("Revenue by sport"),
                _("Sport"),
                money.sports,
                sports,
            ),
            (
                "money-venues",
                _("Revenue by venue"),
                _("Venue"),
                money.venues,
                names,
            ),
        ]
        months = Chart(
            "money-months",
            _("Revenue by month"),
            (_("Month"), _("yuan kept")),
            [
                _money_bar(month, taking)
                for month, taking in sorted(money.months.items())
            ],
            note=_(
                "A payment counts when it was paid, a refund when it was asked for: "
                "a month can lose money."
            ),
            words=_short_number,
        )
        rows = [
            Chart(
                key,
                title,
                (head, _("yuan kept")),
                sorted(
                    (
                        _money_bar(labels.get(name, str(name)), taking)
                        for name, taking in side.items()
                    ),
                    key=lambda bar: -bar.value,
                ),
                kind="rows",
            )
            for key, title, head, side, labels in sides
        ]
        return [months, *rows]

    def _people_charts(self) -> list[Chart]:
        came = self.bookings
        channels = _labels(Booking.Channel.choices)
        visits = came.visits_by_hour
        return [
            Chart(
                "channels",
                _("Bookings by channel"),
                (_("Channel"), _("bookings")),
                _count_bars(came.channels, channels),
                kind="rows",
            ),
            Chart(
                "groups",
                _("Slots and tickets by price group"),
                (_("Price for"), _("slots and tickets")),
                _count_bars(came.groups, _labels(PriceGroup.choices)),
                kind="rows",
            ),
            Chart(
                "visit-hours",
                _("Visits by hour"),
                (_("Hour"), _("person-times")),
                [_count_bar(str(hour), visits.get(hour, 0)) for hour in range(24)],
                note=_doors(self.scope),
                words=_short_number,
            ),
            Chart(
                "visit-groups",
                _("Visits by group"),
                (_("Group"), _("person-times")),
                _count_bars(
                    came.visits_by_group,
                    {group: group_label(group) for group in PriceGroup.values},
                ),
                note=_doors(self.scope),
                kind="rows",
            ),
            Chart(
                "visit-days",
                _("Visits by day"),
                (_("Day"), _("person-times")),
                [
                    _count_bar(date_format(day, "m-d"), came.visits.get(day, 0))
                    for day in self.scope.days
                ],
                note=_doors(self.scope),
                words=_short_number,
            ),
        ]

    @property
    def workbook(self) -> bytes:
        """A sheet for each chart, with more columns than the page has room for."""
        return workbook(
            [
                Sheet(_("Summary"), self._summary()),
                *(Sheet(chart.title, _sheet_rows(chart)) for chart in self.charts),
                Sheet(_("Court hours by venue"), self._venue_rows()),
            ]
        )

    def _summary(self) -> list[list[Cell]]:
        scope = self.scope
        sport = Sport(scope.sport).label if scope.sport else _("all sports")
        head: list[list[Cell]] = [
            [_("What"), _("Figure"), _("How it came about")],
            [_("From"), scope.first.isoformat(), None],
            [_("Up to and including"), scope.last.isoformat(), None],
            [_("Sport"), str(sport), None],
            [_("Venues"), len(scope.venues), None],
        ]
        return head + [list(row) for row in self.figures]

    def _venue_rows(self) -> list[list[Cell]]:
        rows: list[list[Cell]] = [
            [
                _("Venue"),
                pgettext("court hours", "offered"),
                _("hired"),
                _("open sessions"),
                _("percent taken"),
                _("yuan paid"),
                _("yuan refunded"),
                _("of these yuan paid by bank transfer"),
                _("of these yuan refunded by bank transfer"),
            ]
        ]
        for venue in self.scope.venues:
            use = self.use.venues.get(venue.pk, Use())
            taking = self.money.venues.get(venue.pk, Taking())
            by_bank = self.money.transfers.get(venue.pk, Taking())
            rows.append(
                [
                    venue.name,
                    round(use.offered / 60, 2),
                    round(use.hired / 60, 2),
                    round(use.shared / 60, 2),
                    use.percent,
                    taking.paid / 100,
                    taking.refunded / 100,
                    by_bank.paid / 100,
                    by_bank.refunded / 100,
                ]
            )
        return rows


def _sheet_rows(chart: Chart) -> list[list[Cell]]:
    rows: list[list[Cell]] = [list(chart.head)]
    rows += [[bar.label, bar.value] for bar in chart.bars]
    if chart.note:
        rows.append([chart.note])
    return rows


def _use_bar(label: str, use: Use) -> Bar:
    told = _("%(percent)s (%(taken)s of %(offered)s h)")
    words = told % {
        "percent": _percent(use.percent),
        "taken": _hours(use.taken),
        "offered": _hours(use.offered),
    }
    return Bar(label, use.percent, words)


def _money_bar(label: str, taking: Taking) -> Bar:
    return Bar(label, taking.kept / 100, f"¥{yuan(taking.kept)}")


def _count_bar(label: str, count: int) -> Bar:
    return Bar(label, count, str(count))


def _count_bars(counts: Mapping[str, int], labels: Mapping[str, str]) -> list[Bar]:
    bars = [_count_bar(labels.get(name, name), n) for name, n in counts.items()]
    return sorted(bars, key=lambda bar: (-bar.value, bar.label))


def _labels(choices: Any) -> dict[Any, str]:
    return {name: str(label) for name, label in choices}


def _share(share: Share) -> tuple[str, str]:
    told = _("%(some)s of %(of)s") % {"some": share.some, "of": share.of}
    return (_percent(share.percent) if share.of else "–"), told


def _percent(value: float) -> str:
    return pgettext("a share", "%(number)s %%") % {"number": f"{value:g}"}


def _short_number(value: float) -> str:
    """For an axis: 20000 as 20k."""
    if abs(value) < 10_000:
        return f"{value:g}"
    return _("%(thousands)sk") % {"thousands": f"{value / 1000:g}"}


def _hours(minutes: int) -> str:
    return f"{minutes / 60:.1f}".removesuffix(".0")


def _short(day: Weekday) -> str:
    """Such as `Mon`; in Chinese the last character tells them apart."""
    label = str(day.label)
    return label[:3] if label.isascii() else label[-1]


def _doors(scope: Scope) -> str:
    return _("Doors know no sport: these are the visits of all.") if scope.sport else ""
