"""The shape of what people send; what may happen is for the actions to say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from django import forms
from django.contrib.gis.geos import Point
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.fields import MinuteOfDayFormField, clock_text, clock_words
from bureau.common.sports import Sport
from bureau.common.templatetags.bureau import distance, duration
from bureau.regions.models import District
from venues.actions import ClubFacts, Pick
from venues.errors.slots import FormDamaged, SlotNotOffered
from venues.models import Bookable, Club, Crossing, Season
from venues.models.rules import PriceGroup, Weekday
from venues.queries.search import Box, Wish
from venues.queries.seasons import WeeklyTime

MOST_FEN = 10**8
_SLOT = re.compile(r"(\d{1,18})@(20\d\d-\d\d-\d\dT\d\d:\d\d)", re.ASCII)
_DAY = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)


def read_day(text: str) -> date | None:
    """`2026-11-23`; None for anything else, and for years that nobody books."""
    if not _DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def read_picks(keys: Iterable[str]) -> list[Pick]:
    """Slots as the grid names them (`Slot.key`), each once.

    Raises `SlotNotOffered` for a key that no grid ever had.
    """
    picks = []
    for key in dict.fromkeys(keys):
        found = _SLOT.fullmatch(key)
        if not found:
            raise SlotNotOffered
        try:
            local = datetime.fromisoformat(found[2])
        except ValueError as wrong:
            raise SlotNotOffered from wrong
        picks.append(Pick(int(found[1]), local.replace(tzinfo=clock.CHINA)))
    return picks


class PlaceField(forms.CharField):
    """`latitude,longitude` in degrees (WGS-84), as js/near.js writes it."""

    default_error_messages = {"place": _("We could not read where you are.")}

    def clean(self, value: Any) -> Point | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            latitude, longitude = (float(part) for part in text.split(","))
        except ValueError as wrong:
            raise self._unreadable() from wrong
        # Written so that "nan" is refused, too.
        if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
            raise self._unreadable()
        return Point(longitude, latitude, srid=4326)

    def _unreadable(self) -> forms.ValidationError:
        return forms.ValidationError(self.error_messages["place"], code="place")


lazy_duration = lazy(duration, str)
lazy_distance = lazy(distance, str)


class DayField(forms.CharField):
    """A day as the address says it, `2026-11-23`."""

    default_error_messages = {"day": _("Write a day as 2026-11-23.")}

    def clean(self, value: Any) -> date | None:
        text = super().clean(value)
        if not text:
            return None
        if (day := read_day(text)) is None:
            raise forms.ValidationError(self.error_messages["day"], code="day")
        return day


class VenueFilter(forms.Form):
    """What somebody looks for; it lives in the address, so that it can be shared."""

    TIMES = [(clock_text(m), clock_text(m)) for m in range(6 * 60, 24 * 60, 30)]
    LENGTHS = [(minutes, lazy_duration(minutes)) for minutes in (60, 90, 120, 180)]
    DISTANCES = [
        (metres, lazy_distance(metres)) for metres in (1000, 3000, 5000, 10_000)
    ]

    q = forms.CharField(label=_("Name or address"), max_length=60, required=False)
    sport = forms.ChoiceField(
        label=_("Sport"), choices=[("", _("All")), *Sport.choices], required=False
    )
    district = forms.ModelChoiceField(
        label=_("District"),
        queryset=District.objects.defer("boundary").in_order(),
        to_field_name="code",
        empty_label=_("All districts"),
        required=False,
    )
    near = PlaceField(
        label=_("Near me"), max_length=40, required=False, widget=forms.HiddenInput
    )
    within = forms.TypedChoiceField(
        label=_("Distance"),
        choices=[("", _("Any distance")), *DISTANCES],
        coerce=int,
        empty_value=None,
        required=False,
    )
    on = DayField(
        label=_("Day"), max_length=10, required=False, widget=forms.HiddenInput
    )
    since = MinuteOfDayFormField(
        label=_("Begin from"),
        required=False,
        widget=forms.Select(choices=[("", _("Any time")), *TIMES]),
    )
    until = MinuteOfDayFormField(
        label=_("Begin before"),
        required=False,
        help_text=_("Empty: within the hour."),
        widget=forms.Select(choices=[("", "–"), *TIMES, ("24:00", "24:00")]),
    )
    minutes = forms.TypedChoiceField(
        label=_("Play for at least"),
        choices=[("", _("One slot")), *LENGTHS],
        coerce=int,
        empty_value=None,
        required=False,
    )
    most = forms.IntegerField(
        label=_("Yuan an hour at most"), min_value=0, max_value=9999, required=False
    )
    free = forms.BooleanField(label=_("Free of charge"), required=False)
    low = forms.BooleanField(label=_("Free or low-fee venues"), required=False)
    indoor = forms.BooleanField(label=_("Indoor"), required=False)
    accessible = forms.BooleanField(label=_("Step-free access"), required=False)
    open = forms.BooleanField(label=_("Open now"), required=False)
    now = forms.BooleanField(label=_("Free within the hour"), required=False)

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or {}
        since, until = asked.get("since"), asked.get("until")
        if until is not None and until <= (since or 0):
            self.add_error("until", _("This must be later than the time before it."))
        return asked

    def wish(self, *, box: Box | None = None) -> Wish:
        """What was asked for; only of a valid form."""
        asked = self.cleaned_data
        most = asked["most"]
        return Wish(
            sport=asked["sport"],
            district=asked["district"].code if asked["district"] else "",
            words=asked["q"],
            facilities=tuple(f for f in ("accessible", "indoor") if asked[f]),
            is_low_fee=asked["low"],
            on=asked["on"],
            since=asked["since"],
            until=asked["until"],
            minutes=asked["minutes"] or 0,
            most_fen=0 if asked["free"] else most if most is None else most * 100,
            now=asked["now"],
            open_now=asked["open"],
            near=asked["near"],
            within_m=asked["within"],
            box=box,
        )


class MapQuery(VenueFilter):
    """What a map asks for: the viewport in degrees, the zoom, and the filters."""

    bbox = forms.CharField(max_length=120)
    zoom = forms.IntegerField(min_value=0, max_value=22)

    def clean_bbox(self) -> tuple[float, float, float, float]:
        try:
            west, south, east, north = (
                float(part) for part in self.cleaned_data["bbox"].split(",")
            )
        except ValueError as wrong:
            raise self._no_box() from wrong
        # A map that was dragged around the world asks for more than 180 degrees.
        if not (-720 <= west < east <= 720 and -90 <= south < north <= 90):
            raise self._no_box()
        return max(west, -180.0), south, min(east, 180.0), north

    def _no_box(self) -> forms.ValidationError:
        return forms.ValidationError(
            _("bbox must be west,south,east,north in degrees."), code="bbox"
        )


class BookForm(forms.Form):
    """What a person agrees to: the price that was shown, once."""

    quoted_fen = forms.IntegerField(
        min_value=0, max_value=MOST_FEN, widget=forms.HiddenInput
    )
    request_key = forms.UUIDField(widget=forms.HiddenInput)

    @classmethod
    def read(cls, given: Mapping[str, str]) -> dict[str, Any]:
        """What was sent, by field; raises `FormDamaged`.

        A form of its own for each request copies all fields first. These are hidden:
        there is nothing to show again, and no error to show beside them.
        """
        try:
            return {
                name: field.clean(given.get(name))
                for name, field in cls.base_fields.items()
            }
        except forms.ValidationError as wrong:
            raise FormDamaged from wrong


class ChangeForm(BookForm):
    """The price of the new times, and what the old ones were said to count for."""

    expected_fen = forms.IntegerField(
        min_value=0, max_value=MOST_FEN, widget=forms.HiddenInput
    )


class AppealForm(forms.Form):
    """What a person says against points."""

    words = forms.CharField(
        label=_("What happened?"),
        help_text=_("In your own words. Do not write anything about your health."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 5}),
    )


class ClubForm(forms.Form):
    """What a club says of itself."""

    name = forms.CharField(label=_("Name of the club"), max_length=120)
    credit_code = forms.CharField(
        label=_("Unified social credit code"),
        help_text=_("18 digits and capital letters, as on the certificate."),
        max_length=30,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters"}
        ),
    )
    priority = forms.TypedChoiceField(
        label=_("What it is"),
        choices=Club.Priority.choices,
        coerce=int,
        initial=Club.Priority.CLUB,
        help_text=_("It decides who comes first. Our staff check it."),
    )

    @property
    def facts(self) -> ClubFacts:
        return ClubFacts(**self.cleaned_data)


class SeasonRequestForm(forms.Form):
    """A weekly time that a club asks for."""

    MOST_WISHES = 20

    club = forms.ModelChoiceField(
        label=_("Club"), queryset=Club.objects.none(), empty_label=None
    )
    bookable = forms.ModelChoiceField(
        label=_("Court"), queryset=Bookable.objects.none(), empty_label=None
    )
    weekday = forms.TypedChoiceField(
        label=_("Weekday"), choices=Weekday.choices, coerce=int
    )
    starts = forms.TypedChoiceField(
        label=_("From"), choices=[], coerce=int, initial=19 * 60
    )
    ends = forms.TypedChoiceField(
        label=_("Until"), choices=[], coerce=int, initial=21 * 60
    )
    first_on = forms.DateField(
        label=_("First day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    last_on = forms.DateField(
        label=_("Last day"), widget=forms.DateInput({"type": "date"}, "%Y-%m-%d")
    )
    wish = forms.IntegerField(
        label=_("Which wish of yours is it?"),
        help_text=_("1 is dearest. Everybody's first wish comes before second ones."),
        min_value=1,
        max_value=MOST_WISHES,
        initial=1,
    )
    note = forms.CharField(label=_("Note"), max_length=200, required=False)

    def __init__(self, *args: Any, season: Season, user: User, **given: Any) -> None:
        given["initial"] = {"first_on": season.first_on, "last_on": season.last_on}
        super().__init__(*args, **given)
        fields: dict[str, Any] = self.fields
        fields["club"].queryset = Club.objects.filter(
            contact=user, is_approved=True
        ).order_by("name", "pk")
        fields["bookable"].queryset = season.venue.bookables.offered().in_order()
        fields["bookable"].label_from_instance = lambda court: court.name
        for name in ("starts", "ends"):
            fields[name].choices = [
                (minute, clock_words(minute)) for minute in range(5 * 60, 28 * 60, 30)
            ]

    @property
    def weekly(self) -> WeeklyTime:
        given = self.cleaned_data
        return WeeklyTime(
            given["bookable"].pk,
            given["weekday"],
            given["starts"],
            given["ends"],
            given["first_on"],
            given["last_on"],
        )


class GateForm(forms.Form):
    """A pass as a scanner read it or as somebody typed it."""

    code = forms.CharField(
        label=_("Code and six digits"),
        help_text=_("Scan the pass, or type the code and the digits below it."),
        max_length=300,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "class": "input--code",
            }
        ),
    )


class CountForm(forms.Form):
    """People who go through a door without a pass."""

    direction = forms.ChoiceField(choices=Crossing.Direction.choices)
    persons = forms.IntegerField(min_value=1, max_value=500, required=False)
    group = forms.ChoiceField(choices=PriceGroup.choices, required=False)
    request_key = forms.UUIDField()
    over_limit_because = forms.CharField(max_length=200, required=False)


class FindForm(forms.Form):
    """The number of a person at the desk."""

    number = forms.CharField(
        label=_("Mobile or ID number"),
        help_text=_("11 or 18 characters; the person must be present or on the line."),
        max_length=30,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autofocus": True}
        ),
    )


class RegisterForm(forms.Form):
    """Somebody new at the desk."""

    name = forms.CharField(
        label=_("Name"),
        max_length=40,
        # Before the field for another number, which asks for the focus too.
        widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}),
    )
    number = forms.CharField(max_length=30, widget=forms.HiddenInput)
    agreed = forms.BooleanField(
        label=_("Was told what we keep and the terms of use, and agrees"),
    )


class AttachPhoneForm(forms.Form):
    """The code that the person at the desk reads from their own telephone."""

    phone = forms.CharField(max_length=20, widget=forms.HiddenInput)
    code = forms.CharField(
        label=_("Code that the person received"),
        max_length=12,
        widget=forms.TextInput(
            attrs={
                "class": "input--code",
                "inputmode": "numeric",
                "autocomplete": "off",
                "autofocus": True,
            }
        ),
    )
    id_card_seen = forms.BooleanField(
        label=_("The ID card was compared with the person who stands here"),
    )


class DeskBookForm(BookForm):
    """What a person at the desk agrees to, and how they pay."""

    way = forms.ChoiceField(choices=[("cash", ""), ("link", "")], required=False)


class DeviceForm(forms.Form):
    """A phone or tablet that shall check passes without network."""

    name = forms.CharField(
        label=_("Name of this device"), max_length=60, initial=_("Gate phone")
    )
