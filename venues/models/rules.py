"""When a court is open and what it costs. Rules are data, and prices have versions."""

from __future__ import annotations

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
from venues.querysets import PriceRuleQuerySet


class Weekday(models.IntegerChoices):
    """ISO 8601: Monday is 1."""

    MONDAY = 1, _("Monday")
    TUESDAY = 2, _("Tuesday")
    WEDNESDAY = 3, _("Wednesday")
    THURSDAY = 4, _("Thursday")
    FRIDAY = 5, _("Friday")
    SATURDAY = 6, _("Saturday")
    SUNDAY = 7, _("Sunday")


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


class WeeklyHours(models.Model):
    """Open from..until on a weekday, for a whole venue or for one court.

    A court with hours of its own ignores those of its venue, on all weekdays.
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

    class Meta:
        verbose_name = _("weekly opening hours")
        verbose_name_plural = _("weekly opening hours")
        constraints = [
            models.CheckConstraint(
                condition=Q(opens__lt=F("closes"), closes__lte=1440),
                name="venues_weeklyhours_opens_before_it_closes",
                violation_error_message=_("The opening must come before the closing."),
            ),
            models.CheckConstraint(
                condition=Q(weekday__gte=1, weekday__lte=7),
                name="venues_weeklyhours_weekday_is_iso",
            ),
            ExclusionConstraint(
                name="venues_weeklyhours_no_overlap",
                expressions=[
                    ("venue", RangeOperators.EQUAL),
                    (_court_or_all(), RangeOperators.EQUAL),
                    ("weekday", RangeOperators.EQUAL),
                    (_minutes("opens", "closes"), RangeOperators.OVERLAPS),
                ],
                violation_error_message=_("These hours overlap with others."),
            ),
        ]

    def __str__(self) -> str:
        day = Weekday(self.weekday).label
        return f"{day} {clock_text(self.opens)}–{clock_text(self.closes)}"


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

    class Meta:
        verbose_name = _("exception to the hours")
        verbose_name_plural = _("exceptions to the hours")
        constraints = [
            models.CheckConstraint(
                condition=Q(opens=None, closes=None)
                | Q(opens__isnull=False, opens__lt=F("closes"), closes__lte=1440),
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
    weekday = models.PositiveSmallIntegerField(_("weekday"), choices=Weekday.choices)
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
                condition=Q(starts__lt=F("ends"), ends__lte=1440),
                name="venues_pricerule_starts_before_it_ends",
            ),
            models.CheckConstraint(
                condition=Q(valid_until=None) | Q(valid_from__lt=F("valid_until")),
                name="venues_pricerule_valid_from_before_until",
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
                    ("weekday", RangeOperators.EQUAL),
                    (_minutes("starts", "ends"), RangeOperators.OVERLAPS),
                    (
                        Func(
                            "valid_from",
                            "valid_until",
                            function="daterange",
                            output_field=DateRangeField(),
                        ),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                violation_error_message=_("There is a price for this time already."),
            ),
        ]

    def __str__(self) -> str:
        day = Weekday(self.weekday).label
        times = f"{clock_text(self.starts)}–{clock_text(self.ends)}"
        return f"{day} {times} ¥{yuan(self.price_fen)}"
