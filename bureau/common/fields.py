from __future__ import annotations

import re
from typing import Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")


def clock_text(minute_of_day: int) -> str:
    """570 -> "09:30"; 1440 -> "24:00"."""
    return f"{minute_of_day // 60:02}:{minute_of_day % 60:02}"


class MinuteOfDayFormField(forms.CharField):
    """A wall-clock time `HH:MM` between 00:00 and 24:00, as minutes since midnight."""

    default_error_messages = {
        "invalid": _("Write a time as 09:30, between 00:00 and 24:00."),
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
        if not 0 <= minute <= 24 * 60:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return minute


# The stubs know which types the field sets and gets; Django's own class does not.
_Set = TypeVar("_Set")
_Get = TypeVar("_Get")


class MinuteOfDayField(models.PositiveSmallIntegerField[_Set, _Get]):
    """Minutes since midnight in China, 0..1440, typed and shown as `HH:MM`.

    A time of day cannot say 24:00, and most halls close at it.
    """

    _pyi_private_set_type: int
    _pyi_private_get_type: int

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": MinuteOfDayFormField, **kwargs})
