"""The staff pages that are more than a table: a week of hours, the price list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Model
from django.forms import BaseForm
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin

from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.seen import lock_form_of, mark_of, refuse_if_changed
from bureau.common.sports import Sport
from bureau.common.words import listed
from venues import actions
from venues.actions.rules import OpenMinutes
from venues.admin.forms import DayTypesForm, HoursForm, PriceForm, VenueChoiceForm
from venues.admin.scope import StaffRequest, in_my_districts
from venues.models import (
    Bookable,
    DayTypeHours,
    PriceException,
    PriceRule,
    Venue,
    WeeklyHours,
)
from venues.models.rules import DayType, Weekday
from venues.queries import DayTypes, Timetable
from venues.queries.lowfee import ENTITLED_PERCENT, MARKET_PERCENT, market_price

DAYS_SHOWN = 21


def hours_page(
    owner: ModelAdmin,
    request: StaffRequest,
    *,
    row: Model,
    venue: Venue,
    court: Bookable | None,
) -> HttpResponse:
    """The weekly hours of a venue, or those that a court has of its own."""
    may_set = _may_set(request, "venues.change_weeklyhours")
    today = clock.today()
    seen = _mark_of_hours(venue, court)  # before they are read for the page
    own = _hours_of(venue, court, on=today)
    shown = own or (_hours_of(venue, None, on=today) if court else {})
    initial = {f"day{day}": periods for day, periods in shown.items()}
    form = HoursForm(request.POST or None, initial={**initial, "seen": seen})
    follows = bool(court) and "follow" in request.POST
    if request.method == "POST" and (follows or form.is_valid()):
        try:
            with transaction.atomic():
                _refuse_other_hours(request, venue, court)
                actions.set_weekly_hours(
                    venue=venue,
                    bookable=court,
                    hours={} if follows else form.hours,
                    from_on=today if follows else form.from_on,
                    by=request.user,
                )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The hours are set."))
            return HttpResponseRedirect(request.path)
    return show(
        owner,
        request,
        "admin/venues/hours.html",
        row=row,
        title=_("Weekly hours: %(name)s") % {"name": row},
        form=form,
        venue=venue,
        court=court,
        is_own=bool(own),
        versions=_versions_of(venue, court),
        may_set=may_set,
    )


def _may_set(request: StaffRequest, permission: str) -> bool:
    """Whether the page has a form; who only looks may send none."""
    may_set = request.user.has_perm(permission)
    if request.method == "POST" and not may_set:
        raise PermissionDenied
    return may_set


def _mark_of_hours(venue: Venue, court: Bookable | None) -> str:
    """Of all hours that the page shows, whenever they are in force."""
    places = [None, court] if court else [None]
    return mark_of(
        [
            list(rows.order_by("pk").values_list())
            for place in places
            for rows in (
                WeeklyHours.objects.of_place(venue, place),
                DayTypeHours.objects.of_place(venue, place),
            )
        ]
    )


def _refuse_other_hours(
    request: StaffRequest, venue: Venue, court: Bookable | None
) -> None:
    """Who saves second must not write over hours that they have never seen."""
    lock_form_of(venue)
    if "seen" in request.POST:
        now = _mark_of_hours(venue, court)
        refuse_if_changed(request.POST["seen"], now, what=_("Opening hours"))


def day_types_page(
    owner: ModelAdmin,
    request: StaffRequest,
    *,
    row: Model,
    venue: Venue,
    court: Bookable | None,
) -> HttpResponse:
    """The hours of holidays, school breaks and other types of day."""
    may_set = _may_set(request, "venues.change_weeklyhours")
    seen = _mark_of_hours(venue, court)  # before they are read for the page
    initial: dict[str, Any] = {
        own.day_type: []
        if own.opens is None or own.closes is None
        else [(own.opens, own.closes)]
        for own in DayTypeHours.objects.of_place(venue, court).in_force_on(
            clock.today()
        )
    }
    form = DayTypesForm(request.POST or None, initial={**initial, "seen": seen})
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                _refuse_other_hours(request, venue, court)
                actions.set_day_type_hours(
                    venue=venue,
                    bookable=court,
                    hours=form.hours,
                    from_on=form.from_on,
                    by=request.user,
                )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The hours are set."))
            return HttpResponseRedirect(request.path)
    return show(
        owner,
        request,
        "admin/venues/day_types.html",
        row=row,
        title=_("Hours by type of day: %(name)s") % {"name": row},
        form=form,
        court=court,
        ahead=_days_ahead(venue, court),
        may_set=may_set,
    )


def _days_ahead(
    venue: Venue, court: Bookable | None
) -> list[tuple[date, str, str, bool]]:
    """(day, types in words, hours, whether the year's calendar is not out yet)."""
    today = clock.today()
    courts = venue.bookables.offered().with_units().in_order()
    shown = court or courts.first()
    if shown is None:
        return []
    table = Timetable(venue, [shown], since=today)
    kinds = DayTypes(since=today)
    names = dict(DayType.choices)
    return [
        (
            day,
            listed(names[kind] for kind in kinds.of(day)),
            table.opening_text(shown, day),
            kinds.is_provisional(day),
        )
        for day in (today + timedelta(days=n) for n in range(DAYS_SHOWN))
    ]


def prices_page(
    owner: ModelAdmin,
    request: StaffRequest,
    *,
    row: Model,
    venue: Venue,
    court: Bookable | None,
) -> HttpResponse:
    """What an hour costs now, what it will cost, what it did; and a new price."""
    may_set = _may_set(request, "venues.change_pricerule")
    form = PriceForm(request.POST or None, venue=venue, court=court)
    if request.method == "POST" and form.is_valid():
        try:
            actions.set_prices(
                venue=venue,
                band=form.band,
                price_fen=form.price_fen,
                is_peak=form.cleaned_data["is_peak"],
                from_on=form.cleaned_data["from_on"],
                until_on=form.cleaned_data["until_on"],
                exception_reason=form.cleaned_data["exception_reason"],
                by=request.user,
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        except ValidationError as refusal:
            form.add_error(None, refusal.messages)
        else:
            messages.success(request, _("The price is set."))
            return HttpResponseRedirect(request.path)
    rules = list(
        PriceRule.objects.filter(venue=venue, bookable=court)
        .select_related("set_by", "exception")
        .order_by("sport", "group", "day_type", "weekday", "starts", "valid_from", "pk")
    )
    today = clock.today()
    past = [rule for rule in rules if rule.valid_until and rule.valid_until <= today]
    return show(
        owner,
        request,
        "admin/venues/prices.html",
        row=row,
        title=_("Prices: %(name)s") % {"name": row},
        form=form,
        venue=venue,
        court=court,
        limits=_limits(venue, court),
        may_set=may_set,
        lists=[
            (heading, _rows(rules))
            for heading, rules in (
                (_("In force"), [rule for rule in rules if _is_in_force(rule, today)]),
                (_("Later"), [rule for rule in rules if rule.valid_from > today]),
                (_("Past"), past),
            )
        ],
    )


@dataclass(frozen=True)
class LimitRow:
    """What the low-fee rule lets an hour of a sport cost."""

    sport: str
    market_fen: int
    source: str
    most_fen: int
    most_entitled_fen: int


def _limits(venue: Venue, court: Bookable | None) -> list[LimitRow]:
    """For each sport that has a market price; of one court, not of a whole hall."""
    if not venue.is_low_fee:
        return []
    sports = [court.sport] if court else venue.bookables.offered().sports()
    found = []
    for sport in sports:
        reference = market_price(sport, venue=venue, on=clock.today())
        if reference:
            fen = reference.fen_per_hour
            found.append(
                LimitRow(
                    str(Sport(sport).label),
                    fen,
                    reference.source,
                    fen * MARKET_PERCENT // 100,
                    fen * ENTITLED_PERCENT // 100,
                )
            )
    return found


@dataclass(frozen=True)
class PriceRow:
    """Rules that differ in nothing but their weekday, as one line."""

    rule: PriceRule
    weekdays: tuple[str, ...]

    @property
    def exception(self) -> PriceException | None:
        """Why it may break the low-fee rule."""
        return getattr(self.rule, "exception", None)

    @property
    def days(self) -> str:
        if self.rule.weekday and len(self.weekdays) == len(Weekday):
            return _("every day")
        return listed(self.weekdays)


def _rows(rules: list[PriceRule]) -> list[PriceRow]:
    alike: dict[tuple[Any, ...], list[PriceRule]] = defaultdict(list)
    for rule in rules:
        what = (rule.sport, rule.group, rule.starts, rule.ends, rule.price_fen)
        when = (rule.is_peak, rule.valid_from, rule.valid_until, rule.set_by_id)
        key = (what, when)
        alike[key].append(rule)
    return [
        PriceRow(same[0], tuple(_day(rule) for rule in same)) for same in alike.values()
    ]


def _day(rule: PriceRule) -> str:
    shown = rule.get_day_type_display() if rule.day_type else rule.get_weekday_display()
    return str(shown)


def page_of(row: Model) -> str:
    """Where staff look at a row."""
    opts = row._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])


def chosen_venue(
    owner: ModelAdmin, request: StaffRequest, *, title: str
) -> Venue | HttpResponse:
    """The venue that the address names, or the page that asks for it under `title`.

    Only venues of the reader's districts. This works without a script.
    """
    mine = in_my_districts(Venue.objects.public(), request, path="district")
    mine = mine.by_district()
    chosen = request.GET.get("venue", "")
    if chosen.isascii() and chosen.isdigit() and len(chosen) < 18:
        return get_object_or_404(mine, pk=int(chosen))
    form = VenueChoiceForm()
    form.fields["venue"].queryset = mine  # type: ignore[attr-defined]
    return show(owner, request, "admin/venues/block_venue.html", title=title, form=form)


def ask(
    owner: ModelAdmin,
    request: StaffRequest,
    *,
    title: str,
    form: BaseForm,
    button: str,
    act: Callable[[dict[str, Any]], tuple[str, Model]],
    row: Model | None = None,
    lead: str = "",
) -> HttpResponse:
    """A form that does one thing, and what it does in words (`lead`).

    `act` gets what was filled in and says what happened, and whose page comes next. A
    refusal is shown on the form.
    """
    if form.is_valid():
        try:
            told, following = act(form.cleaned_data)
        except DomainError as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, told)
            return HttpResponseRedirect(page_of(following))
    return show(
        owner,
        request,
        "admin/ask.html",
        title=title,
        form=form,
        row=row,
        lead=lead,
        button=button,
    )


def show(
    owner: ModelAdmin,
    request: StaffRequest,
    template: str,
    *,
    title: str,
    form: BaseForm,
    row: Model | None = None,
    **more: Any,
) -> TemplateResponse:
    """A page of our own in the frame of the staff pages; 422 when a form says no."""
    opts = owner.opts
    view = f"admin:{opts.app_label}_{opts.model_name}_"
    back = (
        reverse(f"{view}change", args=[row.pk]) if row else reverse(f"{view}changelist")
    )
    context = {
        **owner.admin_site.each_context(request),
        "opts": opts,
        "title": title,
        "subtitle": None,
        "form": form,
        "media": owner.media + form.media,
        "object": row,
        "original": row,
        "back_url": back,
        **more,
    }
    status = 422 if form.is_bound and form.errors else 200
    return TemplateResponse(request, template, context, status=status)


def _hours_of(
    venue: Venue, court: Bookable | None, *, on: date
) -> dict[int, list[OpenMinutes]]:
    hours = defaultdict(list)
    rows = WeeklyHours.objects.of_place(venue, court).in_force_on(on)
    for row in rows.order_by("weekday", "opens", "pk"):
        hours[row.weekday].append((row.opens, row.closes))
    return dict(hours)


@dataclass(frozen=True)
class _Version:
    """The weekly hours of a place from one change of them to the next."""

    valid_from: date
    valid_until: date | None
    days: tuple[str, ...]


def _versions_of(venue: Venue, court: Bookable | None) -> list[_Version]:
    """What was, is and will be in force, the newest first."""
    words: dict[tuple[date, date | None], list[str]] = defaultdict(list)
    rows = WeeklyHours.objects.of_place(venue, court)
    for row in rows.order_by("-valid_from", "weekday", "opens", "pk"):
        words[row.valid_from, row.valid_until].append(str(row))
    return [_Version(*span, days=tuple(days)) for span, days in words.items()]


def _is_in_force(rule: PriceRule, today: Any) -> bool:
    ended = rule.valid_until is not None and rule.valid_until <= today
    return rule.valid_from <= today and not ended
