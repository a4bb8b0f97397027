from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Self

from django.apps import apps
from django.contrib.gis.db.models.functions import Distance
from django.contrib.gis.geos import Point
from django.contrib.postgres.aggregates import ArrayAgg
from django.db import models
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import Count, Func, Prefetch, Q, Value

from bureau.common.sports import Sport

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from venues.models import (
        Bookable,
        Booking,
        BookingChange,
        BookingLine,
        Companion,
        EntryPass,
        ExportRecord,
        Occupancy,
        PriceRule,
        Unit,
        Venue,
        WaitingEntry,
    )


class VenueQuerySet(models.QuerySet["Venue"]):
    def trading(self) -> Self:
        """Not closed for good."""
        return self.filter(closed_on=None)

    def public(self) -> Self:
        """The venues that citizens book; the others are places that are inspected."""
        return self.trading().filter(kind="public")

    def offering(self, sport: str) -> Self:
        return self.filter(sports__contains=[sport])

    def in_district(self, code: str) -> Self:
        return self.filter(district__code=code)

    def matching(self, words: str) -> Self:
        return self.filter(
            Q(name__icontains=words)
            | Q(name_en__icontains=words)
            | Q(address__icontains=words)
        )

    def with_court_count(self) -> Self:
        return self.annotate(
            court_count=Count("bookables", filter=Q(bookables__is_open=True))
        )

    def with_district(self) -> Self:
        """Each with its district, but not with the district's long boundary."""
        return self.select_related("district").defer("district__boundary")

    def nearest_first(self, place: Point) -> Self:
        """Each with its `distance`; `place` is WGS-84."""
        return self.annotate(distance=Distance("location", place)).order_by(
            "distance", "pk"
        )

    def by_district(self) -> Self:
        return self.order_by("district__position", "name", "pk")

    def worked_at_by(self, user: User) -> Self:
        """Where this person may stand at the gate."""
        if user.is_superuser:
            return self.public()
        return self.public().filter(staff__user=user)


class BookableQuerySet(models.QuerySet["Bookable"]):
    def offered(self) -> Self:
        return self.filter(is_open=True)

    def with_units(self) -> Self:
        """Each with the `unit_ids` that it takes, ascending."""
        return self.annotate(
            unit_ids=ArrayAgg("parts__unit_id", order_by=["parts__unit_id"])
        )

    def in_order(self) -> Self:
        return self.order_by("position", "pk")

    def sports(self) -> list[str]:
        """What can be played on these courts, in the order of `Sport`."""
        found = set(self.values_list("sport", flat=True))
        return [sport for sport in Sport.values if sport in found]


class UnitQuerySet(models.QuerySet["Unit"]):
    def in_order(self) -> Self:
        """By name as people count: court 2 comes before court 10."""
        numbers = Func(
            "name", Value("([0-9]+)"), Value(rf"{'0' * 9}\1"), Value("g"),
            function="regexp_replace",
        )  # fmt: skip
        even = Func(
            numbers, Value("0*([0-9]{10})(?![0-9])"), Value(r"\1"), Value("g"),
            function="regexp_replace",
            output_field=models.TextField(),
        )  # fmt: skip
        return self.order_by(even, "name", "pk")


class HoursQuerySet(models.QuerySet[Any]):
    """Of `WeeklyHours` and of `DayTypeHours`: both have versions."""

    def of_place(self, venue: Venue, bookable: Bookable | None) -> Self:
        """Those of a court of its own, or (None) those of the whole venue."""
        return self.filter(venue=venue, bookable=bookable)

    def in_force_on(self, day: date) -> Self:
        return self.in_force_between(day, day)

    def in_force_between(self, first: date, last: date) -> Self:
        """Hours that hold on at least one day of `first`..`last`, both included."""
        return self.filter(valid_from__lte=last).filter(
            Q(valid_until=None) | Q(valid_until__gt=first)
        )


class PriceRuleQuerySet(models.QuerySet["PriceRule"]):
    def in_force_between(self, first: date, last: date) -> Self:
        """Rules that hold on at least one day of `first`..`last`, both included."""
        return self.filter(valid_from__lte=last).filter(
            Q(valid_until=None) | Q(valid_until__gt=first)
        )


class BookingQuerySet(models.QuerySet["Booking"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(booked_by=user)

    def upcoming_at(self, moment: datetime) -> Self:
        """What the person still has before them: booked, or held and payable."""
        return self.filter(ends_at__gt=moment).filter(
            Q(state="confirmed") | Q(state="held", hold_until__gt=moment)
        )

    def over_at(self, moment: datetime) -> Self:
        return self.exclude(
            Q(state="confirmed", ends_at__gt=moment)
            | Q(state="held", hold_until__gt=moment)
        )

    def held_at(self, moment: datetime) -> Self:
        return self.filter(state="held", hold_until__gt=moment)

    def lapsed_at(self, moment: datetime) -> Self:
        """Holds that nobody paid for in time and that are not yet cleared away."""
        return self.filter(state="held", hold_until__lte=moment)

    def offers(self) -> Self:
        """Times that are held for somebody who waited, or who won a ballot."""
        return self.filter(channel__in=["offer", "ballot"])

    def with_lines(self) -> Self:
        return self.select_related("venue", "dependant").prefetch_related(
            "lines__bookable", "lines__session"
        )


class BookingLineQuerySet(models.QuerySet["BookingLine"]):
    def standing(self) -> Self:
        """The slots that the booking is for now."""
        return self.filter(state="standing")

    def given_up(self) -> Self:
        """Slots that stood once; those of a change that came to nothing never did."""
        return self.filter(state="given_up").filter(
            Q(arrives_with=None) | Q(arrives_with__state="done")
        )

    def with_courts(self) -> Self:
        """Each with its court, and the court's `unit_ids`; in order of time."""
        courts = Prefetch("bookable", BookableQuerySet(_model("Bookable")).with_units())
        return self.prefetch_related(courts).order_by("starts_at", "pk")


class BookingChangeQuerySet(models.QuerySet["BookingChange"]):
    def held_at(self, moment: datetime) -> Self:
        return self.filter(state="held", hold_until__gt=moment)

    def lapsed_at(self, moment: datetime) -> Self:
        """Changes that nobody paid for in time and that are not yet cleared away."""
        return self.filter(state="held", hold_until__lte=moment)


class WaitingQuerySet(models.QuerySet["WaitingEntry"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(person=user)

    def live(self) -> Self:
        return self.filter(state__in=["waiting", "offered"])

    def for_court(self, bookable: Bookable) -> Self:
        """Who waits for this court, or for any."""
        return self.filter(Q(bookable=None) | Q(bookable=bookable))

    def at_slot(
        self, venue: Venue, bookable: Bookable, start: datetime, end: datetime
    ) -> Self:
        """Whom this court would serve at a time that touches this one."""
        touching = self.filter(starts_at__lt=end, ends_at__gt=start)
        return (
            touching.live()
            .for_court(bookable)
            .filter(venue=venue, sport=bookable.sport, session=None)
        )

    def in_line(self, venue: Venue, start: datetime, end: datetime) -> Self:
        """Who waits for a court at a time that touches this one, first come first."""
        return self.filter(
            venue=venue,
            state="waiting",
            session=None,
            starts_at__lt=end,
            ends_at__gt=start,
        ).first_come_first()

    def for_session(self, session_id: int) -> Self:
        """Who waits for places in an open session."""
        return self.filter(session=session_id, state="waiting")

    def first_come_first(self) -> Self:
        return self.order_by("turn", "joined_at", "pk")


class OccupancyQuerySet(models.QuerySet["Occupancy"]):
    def of_units(self, unit_ids: Iterable[int]) -> Self:
        return self.filter(unit__in=list(unit_ids))

    def during_any_of(self, wanted: Iterable[tuple[int, datetime, datetime]]) -> Self:
        """Rows that touch one of (unit id, from, until)."""
        touching = Q(pk__in=[])
        for unit_id, start, end in wanted:
            touching |= Q(unit=unit_id, during__overlap=period(start, end))
        return self.filter(touching)

    def between(self, start: datetime, end: datetime) -> Self:
        return self.filter(during__overlap=period(start, end))

    def lapsed_at(self, moment: datetime) -> Self:
        return self.filter(kind="hold", hold_until__lte=moment)

    def standing_at(self, moment: datetime) -> Self:
        """Everything that really takes the floor; a lapsed hold does not."""
        return self.exclude(kind="hold", hold_until__lte=moment)


class PassQuerySet(models.QuerySet["EntryPass"]):
    def live(self) -> Self:
        return self.exclude(state="revoked")

    def with_holder(self) -> Self:
        """Each with its booking and the person who comes in with it."""
        return self.select_related(
            "booking__venue",
            "booking__booked_by",
            "booking__dependant",
            "companion__user",
        )

    def of_bookers(self) -> Self:
        """Those of who booked; companions have passes of their own."""
        return self.filter(companion=None)


class CompanionQuerySet(models.QuerySet["Companion"]):
    def along(self) -> Self:
        """Who has not left; the booking itself may be over or cancelled."""
        return self.filter(left_at=None)

    def visible_to(self, user: User) -> Self:
        return self.along().filter(user=user)

    def upcoming_at(self, moment: datetime) -> Self:
        return self.filter(booking__state="confirmed", booking__ends_at__gt=moment)

    def with_booking(self) -> Self:
        return self.select_related(
            "booking__venue", "booking__booked_by"
        ).prefetch_related("booking__lines__bookable")

    def in_order(self) -> Self:
        return self.order_by("joined_at", "pk")


class ExportRecordQuerySet(models.QuerySet["ExportRecord"]):
    def due_at(self, moment: datetime) -> Self:
        """What waits for a worker: new, corrected, or left by one that died."""
        return self.filter(state="waiting", next_try_at__lte=moment)

    def oldest_first(self) -> Self:
        return self.order_by("ends_at", "pk")


def _model(name: str) -> type[models.Model]:
    """A model by its name: models know querysets, not the other way round."""
    return apps.get_model("venues", name)


def period(start: datetime, end: datetime) -> DateTimeTZRange:
    """The half-open period `[start, end)`."""
    return DateTimeTZRange(start, end, "[)")
