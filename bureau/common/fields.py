from __future__ import annotations

import re
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

DAY = 24 * 60
LATEST = 36 * 60
"""Noon of the next day: a place that stays open overnight closes by then."""
_CLOCK = re.compile(r"([0-2]?\d|3[0-6]):([0-5]\d)")


def clock_text(minute_of_day: int) -> str:
    """570 -> "09:30"; 1440 -> "24:00"; 1560 -> "26:00", as staff type it."""
    return f"{minute_of_day // 60:02}:{minute_of_day % 60:02}"


def clock_words(minute_of_day: int) -> str:
    """570 -> "09:30"; 1440 -> "24:00"; 1560 -> "02:00 next day", as people say it."""
    if minute_of_day <= DAY:
        return clock_text(minute_of_day)
    return gettext("%(time)s next day") % {"time": clock_text(minute_of_day - DAY)}


class MinuteOfDayFormField(forms.CharField):
    """A wall-clock time `HH:MM` as minutes since midnight; 26:00 is 02:00 next day."""

    default_error_messages = {
        "invalid": _("Write a time as 09:30; 26:00 is 02:00 of the next day."),
    }

    def __init__(self, **kwargs: Any) -> None:
        for option in ("min_value", "max_value"):
            kwargs.pop(option, None)
        super().__init__(**kwargs)

    def prepare_value(self, value: Any) -> Any:
        return clock_text(value) if isinstance(value, int) else value

    def to_python(self, value: Any) -> int | None:  # type: ignore[override]
        if value in self.empty_values:
            return None
        found = _CLOCK.fullmatch(str(value).strip())
        minute = int(found[1]) * 60 + int(found[2]) if found else -1
        if not 0 <= minute <= LATEST:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return minute


# The stubs know which types the field sets and gets; Django's own class does not.
_Set = TypeVar("_Set")
_Get = TypeVar("_Get")


class MinuteOfDayField(models.PositiveSmallIntegerField[_Set, _Get]):
    """Minutes since midnight in China, 0..2160, typed and shown as `HH:MM`.

    A time of day cannot say 24:00, and most halls close at it; 26:00 is two hours into
    the next day, and still belongs to the business day that began before midnight.
    """

    _pyi_private_set_type: int
    _pyi_private_get_type: int

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": MinuteOfDayFormField, **kwargs})
