from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from bureau.draws.models import Beacon

HINTS = {
    Beacon.Source.KL8: _("20 numbers from 1 to 80, in any order, with spaces."),
    Beacon.Source.SSQ: _("Six red numbers, then the blue one, with spaces."),
    Beacon.Source.D3: _("Three digits in the order in which they were drawn."),
    Beacon.Source.DRAND: _("The signature of the round: 96 hexadecimal digits."),
}


class ReadingForm(forms.Form):
    value = forms.CharField(
        label=_("Result"), max_length=200, widget=UnfoldAdminTextInputWidget()
    )

    def __init__(
        self, data: dict[str, str] | None = None, *, beacon: Beacon | None = None
    ) -> None:
        super().__init__(data)
        if beacon is not None:
            self.fields["value"].help_text = HINTS[Beacon.Source(beacon.source)]
        self.fields["value"].widget.attrs["autocomplete"] = "off"


class VoidForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason (public)"), max_length=200, widget=UnfoldAdminTextareaWidget()
    )
