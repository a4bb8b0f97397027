"""What a counter types: a code, a bill in yuan, what was given back."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.translation import gettext_lazy as _

from bureau.common import clock
from bureau.common.sports import Sport
from vouchers.errors.counter import BillNotAnAmount

_YUAN = re.compile(r"[¥￥]?\s*(\d{1,9})(?:\.(\d{1,2}))?\s*元?", re.ASCII)


class YuanField(forms.Field):
    """An amount as people type it, `530`, `530.5` or `¥530.50`; gives fen."""

    widget = forms.TextInput

    def to_python(self, value: Any) -> int | None:
        text = str(value or "").strip()
        if not text:
            return None
        # Chinese keyboards write wide digits and a wide full stop.
        plain = unicodedata.normalize("NFKC", text[:40]).replace("。", ".").strip()
        found = _YUAN.fullmatch(plain)
        if not found:
            raise ValidationError(str(BillNotAnAmount()), code="invalid")
        return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


class ScanForm(forms.Form):
    """A voucher as a scanner read it or as somebody typed it."""

    code = forms.CharField(
        label=_("Code and six digits"),
        help_text=_("Scan the customer's voucher, or type its code and six digits."),
        max_length=300,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "class": "input--code-and-digits",
            }
        ),
    )


class BillForm(forms.Form):
    """The bill that a scanned voucher is taken off."""

    token = forms.CharField(max_length=300, widget=forms.HiddenInput)
    request_key = forms.UUIDField(widget=forms.HiddenInput)
    place = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    sport = forms.ChoiceField(choices=Sport.choices, required=False)
    bill = YuanField(
        label=_("Bill, yuan"),
        widget=forms.TextInput(
            attrs={
                "inputmode": "decimal",
                "maxlength": "16",
                "autocomplete": "off",
                "class": "input--big",
                "placeholder": "0",
            }
        ),
    )


class RefundForm(forms.Form):
    """What the customer got back."""

    refund = YuanField(
        label=_("Given back to the customer in all, yuan"),
        widget=forms.TextInput(
            attrs={
                "inputmode": "decimal",
                "maxlength": "16",
                "autocomplete": "off",
                "class": "input--big",
            }
        ),
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class DayForm(forms.Form):
    """Which redemptions to list: a day's, or those of a code."""

    on = forms.DateField(
        label=_("Day"),
        required=False,
        validators=[
            MinValueValidator(date(2020, 1, 1)),
            MaxValueValidator(clock.today),
        ],
    )
    q = forms.CharField(
        label=_("Number of the slip or code of the voucher"),
        max_length=20,
        required=False,
    )
