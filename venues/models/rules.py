"""When a court is open and what it costs. Rules are data, and prices have versions."""

from __future__ import annotations

from datetime import date

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import (
    DateRangeField,
    IntegerRangeField,
    RangeOperators,
)
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common.fields import MinuteOfDayField, clock_text
from bureau.common.money import yuan
from bureau.common.sports import Sport
from venues.models.places import Bookable, Venue
from venues.querysets import HoursQuerySet, PriceRuleQuerySet

LATEST_CLOSING = 36 * 60
"""A court that stays open overnight closes at most at noon of the next day."""
BEGINNING = date(2000, 1, 1)
"""From when hours hold of which nobody knows since when."""


class Weekday(models.IntegerChoices):
    """ISO 8601: Monday is 1."""

    MONDAY = 1, _("Monday")
    TUESDAY = 2, _("Tuesday")
    WEDNESDAY = 3, _("Wednesday")
    THURSDAY = 4, _("Thursday")
    FRIDAY = 5, _("Friday")
    SATURDAY = 6, _("Saturday")
    SUNDAY = 7, _("Sunday")


class DayType(models.TextChoices):
    """What a day is, the most special first: the first that a court has hours for wins.

    8 August is National Fitness Day (全民健身日), on which public venues are free. A
    holiday and a make-up working day (调休) follow the State Council's calendar.
    """

    FITNESS_DAY = "fitness_day", _("National Fitness Day, 8 August")
    HOLIDAY = "holiday", _("public holiday")
    SCHOOL_BREAK = "school_break", _("school break")
    WEEKEND = "weekend", _("weekend")
    WORKING = "working", _("working day")


class PriceGroup(models.TextChoices):
    """Whom a price is for; the codes are those of `accounts` eligibility."""

    EVERYONE = "", _("everyone")
    SENIOR = "senior", _("60 and over")
    MINOR = "minor", _("under 18")
    DISABLED = "disabled", _("people with a disability")
    STUDENT = "student", _("students")
    MILITARY = "military", _("military")
    FIRE_SERVICE = "fire_service", _("fire and rescue service")


def _minutes(opens: str, closes: str) -> Func:
    return Func(opens, closes, function="int4range", output_field=IntegerRangeField())


def _court_or_all() -> Coalesce:
    return Coalesce(F("bookable"), Value(0))


def _days() -> Func:
    return Func(
        "valid_from",
        "valid_until",
        function="daterange",
        output_field=DateRangeField(),
    )


class WeeklyHours(models.Model):
    """Open from..until on a weekday, for a whole venue or for one court.

    A court with hours of its own ignores those of its venue, on all weekdays. A change
    closes the old rows and opens new ones, so that the past stays as it was.
    """

    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.CASCADE, related_name="hours"
    )
    bookable = models.ForeignKey(
        Bookable,
        verbose_name=_("court"),
        on_delete=models.CASCADE,
        related_name="hours",
        null=True,
        blank=True,
    )
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
    opens = MinuteOfDayField(_("opens"))
    closes = MinuteOfDayField(_("closes"))
    valid_from = models.DateField(_("valid from"), default=BEGINNING)
    valid_until = models.DateField(_("valid before"), null=True, blank=True)

    objects = HoursQuerySet.as_manager()

    class Meta:
        verbose_name = _("weekly opening hours")
        verbose_name_plural = _("weekly opening hours")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    opens__lt=F("closes"), opens__lte=1439, closes__lte=LATEST_CLOSING
                ),
                name="venues_weeklyhours_opens_before_it_closes",
                violation_error_message=_("The opening must come before the closing."),
            ),
            models.CheckConstraint(
                condition=Q(weekday__gte=1, weekday__lte=7),
                name="venues_weeklyhours_weekday_is_iso",
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_from__lt=F("valid_until")),
                name="venues_weeklyhours_valid_from_before_until",
            ),
            ExclusionConstraint(
                name="venues_weeklyhours_no_overlap",
                expressions=[
                    ("venue", RangeOperators.EQUAL),
                    (_court_or_all(), RangeOperators.EQUAL),
                    ("weekday", RangeOperators.EQUAL),
                    (_minutes("opens", "closes"), RangeOperators.OVERLAPS),
                    (_days(), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("These hours overlap with others."),
            ),
        ]

    def __str__(self) -> str:
        day = Weekday(self.weekday).label
        return f"{day} {clock_text(self.opens)}–{clock_text(self.closes)}"


class DayTypeHours(models.Model):
    """Open from..until on days of a type; stands before the hours of the weekday.

    With both times empty the court is shut on such days. They have versions, as the
    weekly hours have.
    """

    venue = models.ForeignKey(
        Venue,
        verbose_name=_("venue"),
        on_delete=models.CASCADE,
        related_name="day_type_hours",
    )
    bookable = models.ForeignKey(
        Bookable,
        verbose_name=_("court"),
        on_delete=models.CASCADE,
        related_name="day_type_hours",
        null=True,
        blank=True,
    )
    day_type = models.CharField(
        _("type of day"), max_length=12, choices=DayType.choices
    )
    opens = MinuteOfDayField(_("opens"), null=True, blank=True)
    closes = MinuteOfDayField(_("closes"), null=True, blank=True)
    valid_from = models.DateField(_("valid from"), default=BEGINNING)
    valid_until = models.DateField(_("valid before"), null=True, blank=True)

    objects = HoursQuerySet.as_manager()

    class Meta:
        verbose_name = _("opening hours of a type of day")
        verbose_name_plural = _("opening hours of types of days")
        constraints = [
            models.CheckConstraint(
                condition=Q(opens=None, closes=None)
                | Q(
                    opens__isnull=False,
                    opens__lt=F("closes"),
                    opens__lte=1439,
                    closes__lte=LATEST_CLOSING,
                ),
                name="venues_daytypehours_opens_before_it_closes",
                violation_error_message=_(
                    "Give both times, the opening first, or leave both empty."
                ),
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_from__lt=F("valid_until")),
                name="venues_daytypehours_valid_from_before_until",
            ),
            ExclusionConstraint(
                name="venues_daytypehours_one_a_type",
                expressions=[
                    ("venue", RangeOperators.EQUAL),
                    (_court_or_all(), RangeOperators.EQUAL),
                    ("day_type", RangeOperators.EQUAL),
                    (_days(), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("These hours overlap with others."),
            ),
        ]

    def __str__(self) -> str:
        words = DayType(self.day_type).label
        if self.opens is None or self.closes is None:
            return f"{words} ✕"
        return f"{words} {clock_text(self.opens)}–{clock_text(self.closes)}"


class HoursException(models.Model):
    """Other hours on one date, or none at all (both times empty = closed)."""

    venue = models.ForeignKey(
        Venue,
        verbose_name=_("venue"),
        on_delete=models.CASCADE,
        related_name="exceptions",
    )
    bookable = models.ForeignKey(
        Bookable,
        verbose_name=_("court"),
        on_delete=models.CASCADE,
        related_name="exceptions",
        null=True,
        blank=True,
    )
    on = models.DateField(_("date"))
    opens = MinuteOfDayField(_("opens"), null=True, blank=True)
    closes = MinuteOfDayField(_("closes"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=120)
    is_weather = models.BooleanField(_("because of the weather"), default=False)

    class Meta:
        verbose_name = _("exception to the hours")
        verbose_name_plural = _("exceptions to the hours")
        constraints = [
            models.CheckConstraint(
                condition=Q(opens=None, closes=None)
                | Q(
                    opens__isnull=False,
                    opens__lt=F("closes"),
                    opens__lte=1439,
                    closes__lte=LATEST_CLOSING,
                ),
                name="venues_hoursexception_opens_before_it_closes",
                violation_error_message=_(
                    "Give both times, the opening first, or leave both empty."
                ),
            ),
            models.UniqueConstraint(
                fields=["venue", "bookable", "on"],
                nulls_distinct=False,
                name="venues_hoursexception_one_a_day",
            ),
        ]

    def __str__(self) -> str:
        if self.opens is None or self.closes is None:
            return f"{self.on} ✕ {self.reason}"
        return f"{self.on} {clock_text(self.opens)}–{clock_text(self.closes)}"


class PriceRule(models.Model):
    """What an hour costs on a weekday between two times, from a date on.

    The narrowest rule wins: court before sport before venue. Among the groups that a
    person belongs to, the lowest price wins. A change closes the old row and opens a
    new one, so that yesterday's price stays readable.
    """

    venue = models.ForeignKey(
        Venue, verbose_name=_("venue"), on_delete=models.CASCADE, related_name="prices"
    )
    bookable = models.ForeignKey(
        Bookable,
        verbose_name=_("court"),
        on_delete=models.CASCADE,
        related_name="prices",
        null=True,
        blank=True,
    )
    sport = models.CharField(
        _("sport"), max_length=16, choices=Sport.choices, blank=True, default=""
    )
    group = models.CharField(
        _("for"), max_length=12, choices=PriceGroup.choices, blank=True, default=""
    )
    day_type = models.CharField(
        _("type of day"), max_length=12, choices=DayType.choices, blank=True, default=""
    )
    # Empty on a rule for a type of day, which stands before those for weekdays.
    weekday = models.PositiveSmallIntegerField(
        _("weekday"), choices=Weekday.choices, null=True, blank=True
    )
    starts = MinuteOfDayField(_("from"), default=0)
    ends = MinuteOfDayField(_("until"), default=1440)
    price_fen = models.PositiveIntegerField(_("fen per hour"))
    is_peak = models.BooleanField(_("peak time"), default=False)
    valid_from = models.DateField(_("valid from"))
    valid_until = models.DateField(_("valid before"), null=True, blank=True)
    set_by = models.ForeignKey(
        User,
        verbose_name=_("set by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )

    objects = PriceRuleQuerySet.as_manager()

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        constraints = [
            models.CheckConstraint(
                condition=Q(starts__lt=F("ends"), ends__lte=LATEST_CLOSING),
                name="venues_pricerule_starts_before_it_ends",
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_from__lt=F("valid_until")),
                name="venues_pricerule_valid_from_before_until",
            ),
            models.CheckConstraint(
                condition=Q(day_type="", weekday__gte=1, weekday__lte=7)
                | (~Q(day_type="") & Q(weekday=None)),
                name="venues_pricerule_for_a_weekday_or_a_day_type",
            ),
            models.CheckConstraint(
                condition=Q(bookable=None) | Q(sport=""),
                name="venues_pricerule_for_a_court_or_a_sport",
            ),
            models.CheckConstraint(
                condition=Q(price_fen__lte=100_000_00),
                name="venues_pricerule_price_is_sane",
            ),
            ExclusionConstraint(
                name="venues_pricerule_no_overlap",
                expressions=[
                    ("venue", RangeOperators.EQUAL),
                    (_court_or_all(), RangeOperators.EQUAL),
                    ("sport", RangeOperators.EQUAL),
                    ("group", RangeOperators.EQUAL),
                    ("day_type", RangeOperators.EQUAL),
                    (Coalesce(F("weekday"), Value(0)), RangeOperators.EQUAL),
                    (_minutes("starts", "ends"), RangeOperators.OVERLAPS),
                    (_days(), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("There is a price for this time already."),
            ),
        ]

    def __str__(self) -> str:
        day = (
            Weekday(self.weekday).label
            if self.weekday
            else DayType(self.day_type).label
        )
        times = f"{clock_text(self.starts)}–{clock_text(self.ends)}"
        return f"{day} {times} ¥{yuan(self.price_fen)}"


class CancelBand(models.Model):
    """Who cancels at least so long before the start gets so much back.

    The bands of a venue are read from the longest notice down; below the last one
    nothing comes back. A venue without bands lets nobody cancel a paid booking.
    """

    venue = models.ForeignKey(
        Venue,
        verbose_name=_("venue"),
        on_delete=models.CASCADE,
        related_name="cancel_bands",
    )
    minutes_before = models.PositiveIntegerField(_("minutes before the start"))
    percent = models.PositiveSmallIntegerField(_("percent that comes back"))

    class Meta:
        verbose_name = _("cancellation band")
        verbose_name_plural = _("cancellation bands")
        constraints = [
            models.CheckConstraint(
                condition=Q(percent__gte=1, percent__lte=100),
                name="venues_cancelband_percent_is_one",
            ),
            models.UniqueConstraint(
                fields=["venue", "minutes_before"],
                name="venues_cancelband_one_per_notice",
            ),
        ]

    def __str__(self) -> str:
        return f"{_('%(n)s min') % {'n': self.minutes_before}} → {self.percent}%"


class Quota(models.Model):
    """How much one person may book in a day, week or month; both limits count.

    A quota without a venue holds for the whole city, counted over all its venues.
    """

    class Period(models.TextChoices):
        DAY = "day", _("a day")
        WEEK = "week", _("a week")
        MONTH = "month", _("a month")

    venue = models.ForeignKey(
        Venue,
        verbose_name=_("venue"),
        on_delete=models.CASCADE,
        related_name="quotas",
        null=True,
        blank=True,
    )
    sport = models.CharField(
        _("sport"), max_length=16, choices=Sport.choices, blank=True, default=""
    )
    group = models.CharField(
        _("for"), max_length=12, choices=PriceGroup.choices, blank=True, default=""
    )
    per = models.CharField(_("period"), max_length=5, choices=Period.choices)
    most_minutes = models.PositiveIntegerField(
        _("minutes at most"), null=True, blank=True
    )
    most_bookings = models.PositiveSmallIntegerField(
        _("bookings at most"), null=True, blank=True
    )

    class Meta:
        verbose_name = _("quota")
        verbose_name_plural = _("quotas")
        constraints = [
            models.CheckConstraint(
                # NULL ≥ 1 is NULL, and that would pass.
                condition=Q(most_minutes__isnull=False, most_minutes__gte=1)
                | Q(most_bookings__isnull=False, most_bookings__gte=1),
                name="venues_quota_limits_something",
                violation_error_message=_("A quota limits minutes, bookings, or both."),
            ),
            models.UniqueConstraint(
                fields=["venue", "sport", "group", "per"],
                nulls_distinct=False,
                name="venues_quota_one_per_period",
            ),
        ]

    def __str__(self) -> str:
        limits = [
            f"{limit} {unit}"
            for limit, unit in (
                (self.most_minutes, _("minutes")),
                (self.most_bookings, _("bookings")),
            )
            if limit
        ]
        return f"{self.venue or _('all venues')}: {', '.join(limits)} {self.per_label}"

    @property
    def per_label(self) -> str:
        return str(self.Period(self.per).label)
