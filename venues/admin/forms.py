"""Shapes of the staff pages' input. What is allowed, the actions decide."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any

from django import forms
from django.contrib.gis.geos import Point
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from bureau.common import clock
from bureau.common.fields import MinuteOfDayFormField, clock_text
from bureau.common.seen import SeenField
from bureau.common.sports import Sport
from venues.actions.rules import Band, OpenMinutes
from venues.errors.rules import BandsTurnedRound
from venues.errors.slots import FormDamaged
from venues.models import Bookable, MarketPrice, PriceRule, Unit, Venue
from venues.models.places import Facility
from venues.models.rules import DayType, PriceGroup, Weekday

_DASH = re.compile(r"\s*(?:-|–|—|\uff0d|~|\uff5e|至|到)\s*")
_COMMA = re.compile(r"\s*[,，、;；]\s*")


class OpenPeriodsField(forms.CharField):
    """`09:00–12:00, 14:00–21:30` as minutes; empty means closed."""

    widget = UnfoldAdminTextInputWidget
    default_error_messages = {
        "invalid": _("Write times as 09:00-12:00, 14:00-21:30."),
        "order": _("A period ends after it begins."),
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=120, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, list):
            return ", ".join(f"{clock_text(a)}–{clock_text(b)}" for a, b in value)
        return value

    def to_python(self, value: Any) -> list[OpenMinutes]:  # type: ignore[override]
        text = (super().to_python(value) or "").replace("：", ":")
        return [self._period(part) for part in _COMMA.split(text) if part]

    def _period(self, text: str) -> OpenMinutes:
        ends = _DASH.split(text)
        if len(ends) != 2:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        reader = MinuteOfDayFormField()
        opens, closes = (reader.to_python(end) for end in ends)
        if opens is None or closes is None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        if opens >= closes:
            raise ValidationError(self.error_messages["order"], code="order")
        return opens, closes


class _FromADay(forms.Form):
    """What holds from a day on; from today when none is given."""

    seen = SeenField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from_on"] = forms.DateField(
            label=_("Valid from"),
            required=False,
            initial=clock.today,
            widget=UnfoldAdminSingleDateWidget,
        )

    def clean(self) -> dict[str, Any]:
        """An empty line shuts a day; a line that did not arrive must not."""
        given = super().clean() or self.cleaned_data
        lines = set(self.fields) - {"seen", "from_on"}
        if any(self.add_prefix(line) not in self.data for line in lines):
            raise ValidationError(FormDamaged.message, code="damaged")
        return given

    @property
    def from_on(self) -> date:
        given: date | None = self.cleaned_data["from_on"]
        return given or clock.today()


class HoursForm(_FromADay):
    """A week of opening hours, one line a day."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for day in Weekday:
            self.fields[f"day{day.value}"] = OpenPeriodsField(label=day.label)

    @property
    def hours(self) -> dict[int, list[OpenMinutes]]:
        """The open weekdays and their periods; after `is_valid`."""
        given = {day.value: self.cleaned_data[f"day{day.value}"] for day in Weekday}
        return {day: periods for day, periods in given.items() if periods}


SHUT = {"-", "–", "×", "x", "closed", "闭馆", "不开放"}


class DayTypeField(OpenPeriodsField):
    """`09:00–21:30`; "closed" for shut (an empty list); empty for no own hours."""

    default_error_messages = {
        "one": _("One period a type of day; leave it empty for the ordinary hours."),
    }

    def prepare_value(self, value: Any) -> Any:
        return (
            pgettext("a day", "closed") if value == [] else super().prepare_value(value)
        )

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        if text.lower() in SHUT or text == pgettext("a day", "closed"):
            return []
        periods = super().to_python(text)
        if len(periods) > 1:
            raise ValidationError(self.error_messages["one"], code="one")
        return periods


class DayTypesForm(_FromADay):
    """The hours of the types of day, one line a type."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in DayType:
            self.fields[kind.value] = DayTypeField(label=kind.label)

    @property
    def hours(self) -> dict[str, OpenMinutes | None]:
        """Those types that have hours of their own; None is shut."""
        given = {kind.value: self.cleaned_data[kind.value] for kind in DayType}
        return {
            kind: periods[0] if periods else None
            for kind, periods in given.items()
            if periods is not None
        }


class PriceForm(forms.Form):
    """One price for a band of the week, from a day on."""

    sport = forms.ChoiceField(
        label=_("Sport"),
        required=False,
        choices=[("", _("all sports")), *Sport.choices],
        widget=UnfoldAdminSelectWidget,
    )
    group = forms.ChoiceField(
        label=_("For"),
        required=False,
        choices=PriceGroup.choices,
        widget=UnfoldAdminSelectWidget,
    )
    weekdays = forms.TypedMultipleChoiceField(
        label=_("On"),
        required=False,
        coerce=int,
        choices=Weekday.choices,
        initial=list(Weekday),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    day_types = forms.MultipleChoiceField(
        label=_("Instead of weekdays: types of day"),
        required=False,
        choices=DayType.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Such a price stands before those for the weekday."),
    )
    starts = MinuteOfDayFormField(
        label=_("From"), initial=0, widget=UnfoldAdminTextInputWidget
    )
    ends = MinuteOfDayFormField(
        label=_("Until"),
        initial=1440,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("24:00 is the end of the day, 26:00 is 02:00 of the next day."),
    )
    yuan = forms.DecimalField(
        label=_("Yuan per hour"),
        min_value=Decimal(0),
        max_value=Decimal(100_000),
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("0 means free of charge."),
    )
    is_peak = forms.BooleanField(
        label=_("Peak time"), required=False, widget=UnfoldBooleanWidget
    )
    from_on = forms.DateField(label=_("Valid from"), widget=UnfoldAdminSingleDateWidget)
    until_on = forms.DateField(
        label=_("Valid before"),
        required=False,
        widget=UnfoldAdminSingleDateWidget,
        help_text=_("For a season; afterwards the price from before holds again."),
    )
    exception_reason = forms.CharField(
        label=_("Reason for an exception"),
        required=False,
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_(
            "Only for a price that breaks the low-fee rule, and only for those who may "
            "grant it. It is put on record."
        ),
    )

    def __init__(
        self, *args: Any, venue: Venue, court: Bookable | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._court = court
        self.fields["from_on"].initial = clock.today
        if court:
            del self.fields["sport"]
            return
        offered = [(sport, Sport(sport).label) for sport in venue.sports]
        choices = [("", _("all sports")), *offered]
        self.fields["sport"].choices = choices  # type: ignore[attr-defined]

    def clean_from_on(self) -> Any:
        from_on = self.cleaned_data["from_on"]
        if from_on < clock.today():
            raise ValidationError(_("A price cannot change in the past."))
        return from_on

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        starts, ends = given.get("starts"), given.get("ends")
        if starts is not None and ends is not None and starts >= ends:
            self.add_error("ends", _("The end must come after the beginning."))
        if not (given.get("weekdays") or given.get("day_types")):
            self.add_error("weekdays", _("Choose weekdays or types of day."))
        return given

    @property
    def band(self) -> Band:
        given = self.cleaned_data
        return Band(
            bookable=self._court,
            sport=given.get("sport", ""),
            group=given["group"],
            weekdays=tuple(given["weekdays"]),
            starts=given["starts"],
            ends=given["ends"],
            day_types=tuple(given["day_types"]),
        )

    @property
    def price_fen(self) -> int:
        return int(self.cleaned_data["yuan"] * 100)


class BandsFormSet(forms.BaseInlineFormSet):  # type: ignore[type-arg]
    """The cancellation bands of a venue: a longer notice brings back more."""

    @property
    def bands(self) -> list[tuple[int, int]]:
        """(minutes before the start, percent), the longest notice first."""
        rows = [
            (row["minutes_before"], row["percent"])
            for form in self.forms
            if (row := getattr(form, "cleaned_data", None))
            and not row.get("DELETE")
            and "minutes_before" in row
            and "percent" in row
        ]
        return sorted(rows, reverse=True)

    def clean(self) -> None:
        super().clean()
        for (_longer, more), (_shorter, less) in pairwise(self.bands):
            if less >= more:
                raise ValidationError(BandsTurnedRound.message, code="turned_round")


class VenueChoiceForm(forms.Form):
    """Which venue a block is for; its courts are asked next."""

    venue = forms.ModelChoiceField(
        label=_("Venue"), queryset=Venue.objects.none(), widget=UnfoldAdminSelectWidget
    )


class BlockForm(forms.Form):
    """What to take out of use, when, and why."""

    units = forms.ModelMultipleChoiceField(
        label=_("Units"),
        queryset=Unit.objects.none(),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    starts_at = forms.SplitDateTimeField(
        label=_("From"), widget=UnfoldAdminSplitDateTimeWidget
    )
    ends_at = forms.SplitDateTimeField(
        label=_("Until"), widget=UnfoldAdminSplitDateTimeWidget
    )
    reason = forms.CharField(
        label=_("Reason"),
        max_length=120,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Citizens can read it."),
    )

    def __init__(self, *args: Any, venue: Venue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        units = venue.units.in_order()
        self.fields["units"].queryset = units  # type: ignore[attr-defined]
        self.fields["units"].label_from_instance = (  # type: ignore[attr-defined]
            lambda unit: unit.name
        )


class MarketPriceForm(forms.ModelForm[MarketPrice]):
    """Typed in yuan, kept in fen."""

    yuan = forms.DecimalField(
        label=_("Yuan per hour"),
        min_value=Decimal("0.01"),
        max_value=Decimal(100_000),
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
        help_text=_("What an hour on one court costs in the local market."),
    )

    class Meta:
        model = MarketPrice
        fields = ["sport", "district", "source", "valid_from"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("yuan") is not None:
            self.instance.fen_per_hour = int(given["yuan"] * 100)
        return given


class CallOffForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The people who booked will read it."),
    )


class PinForm(forms.ModelForm[Venue]):
    """A venue, whose pin must stand somewhere on earth."""

    sports = forms.MultipleChoiceField(
        label=_("Sports"),
        required=False,
        choices=Sport.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    facilities = forms.MultipleChoiceField(
        label=_("Facilities"),
        required=False,
        choices=Facility.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = Venue
        exclude: list[str] = []

    def clean_is_low_fee(self) -> bool:
        """Whoever joins low-fee opening does not charge on 8 August."""
        joins = bool(self.cleaned_data["is_low_fee"])
        charges = PriceRule.objects.filter(
            venue=self.instance.pk,
            day_type=DayType.FITNESS_DAY,
            price_fen__gt=0,
            exception=None,
        ).in_force_between(clock.today(), date.max)
        if joins and charges.exists():
            raise ValidationError(_("It has prices for 8 August. Set them to 0 first."))
        return joins

    def clean_location(self) -> Point:
        place: Point = self.cleaned_data["location"]
        if not (-180 <= place.x <= 180 and -90 <= place.y <= 90):
            raise ValidationError(_("This place is not on the map."))
        return place
