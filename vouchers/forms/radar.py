from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSingleDateWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from bureau.common import clock
from bureau.common.sports import Sport
from bureau.regions.models import District
from vouchers.errors.radar import FlagHasGrown
from vouchers.models import Campaign, Merchant

LONGEST_DAYS = 731


class DecideForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("It is kept for the auditor, with your name."),
    )
    with_others = forms.BooleanField(
        label=_("Also the other open flags of this merchant"),
        required=False,
        widget=UnfoldBooleanWidget,
    )

    seen = forms.JSONField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, held: Mapping[int, int], **kwargs: Any) -> None:
        """`held` has for each flag of the case how many redemptions it holds."""
        super().__init__(*args, **kwargs)
        self.fields["seen"].initial = held
        others = len(held) - 1
        told = ngettext("There is %(n)s more.", "There are %(n)s more.", others)
        self.fields["with_others"].help_text = told % {"n": others}

    def clean_seen(self) -> dict[int, int]:
        given = self.cleaned_data["seen"]
        try:
            return {int(pk): int(count) for pk, count in given.items()}
        except (AttributeError, TypeError, ValueError) as wrong:
            raise ValidationError(str(FlagHasGrown())) from wrong


class ScanForm(forms.Form):
    """Which campaign, which day."""

    campaign = forms.ModelChoiceField(
        label=_("Campaign"),
        queryset=Campaign.objects.public().order_by("-pk"),
        widget=UnfoldAdminSelectWidget,
    )
    day = forms.DateField(label=_("Day"), widget=UnfoldAdminSingleDateWidget)

    def clean_day(self) -> Any:
        day = self.cleaned_data["day"]
        if day > clock.today():
            raise ValidationError(_("That day has not come yet."))
        if day < clock.today() - timedelta(days=LONGEST_DAYS):
            raise ValidationError(_("That is too long ago."))
        return day


class FiguresForm(forms.Form):
    """What somebody asks about a campaign; without a word: everything."""

    campaign = forms.ModelChoiceField(
        label=_("Campaign"),
        queryset=Campaign.objects.public().order_by("-pk"),
        widget=UnfoldAdminSelectWidget,
    )
    first = forms.DateField(
        label=_("From"), required=False, widget=UnfoldAdminSingleDateWidget
    )
    last = forms.DateField(
        label=_("Up to and including"),
        required=False,
        widget=UnfoldAdminSingleDateWidget,
    )
    district = forms.ModelChoiceField(
        label=_("District"),
        queryset=District.objects.none(),
        required=False,
        empty_label=_("all districts"),
        widget=UnfoldAdminSelectWidget,
    )
    merchant = forms.ModelChoiceField(
        label=_("Merchant"),
        queryset=Merchant.objects.none(),
        required=False,
        empty_label=_("all merchants"),
        widget=UnfoldAdminSelectWidget,
    )
    sport = forms.ChoiceField(
        label=_("Sport"),
        choices=[("", _("all sports")), *Sport.choices],
        required=False,
        widget=UnfoldAdminSelectWidget,
    )

    def __init__(
        self,
        data: Mapping[str, Any] | None,
        *,
        districts: QuerySet[District],
        merchants: QuerySet[Merchant],
    ) -> None:
        super().__init__(data)
        self.fields["district"].queryset = districts  # type: ignore[attr-defined]
        self.fields["merchant"].queryset = merchants  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        super().clean()
        given = self.cleaned_data
        first, last = given.get("first"), given.get("last")
        if first and last and last < first:
            self.add_error("last", ValidationError(_("The last day comes first.")))
        return given
