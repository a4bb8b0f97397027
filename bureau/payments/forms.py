from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminTextInputWidget,
)

from bureau.payments import providers
from bureau.payments.models import ProviderName, SandboxTransaction

_PAY_LATER_AT_MOST = 3600


class ProviderForm(forms.Form):
    provider = forms.ChoiceField(label=_("How to pay"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(name, ProviderName(name).label) for name in providers.offered()]
        self.fields["provider"].choices = choices  # type: ignore[attr-defined]
        if len(choices) == 1:
            self.fields["provider"].initial = choices[0][0]


class SandboxForm(forms.Form):
    """The cashier's buttons and, for trying things out, how it shall misbehave."""

    outcome = forms.ChoiceField(
        choices=[
            ("pay", _("Pay")),
            ("fail", _("The bank refuses")),
            ("cancel", _("Cancel")),
        ],
        widget=forms.HiddenInput,
    )
    behaviour = forms.ChoiceField(
        label=_("The confirmation arrives"),
        choices=SandboxTransaction.Behaviour.choices,
        initial=SandboxTransaction.Behaviour.PROMPT,
        required=False,
        widget=forms.RadioSelect,
    )
    delay_seconds = forms.IntegerField(
        label=_("Seconds late"),
        min_value=0,
        max_value=_PAY_LATER_AT_MOST,
        initial=20,
        required=False,
    )

    def play(self) -> dict[str, Any]:
        """What `pay_sandbox` takes beside the number."""
        behaviour = self.cleaned_data["behaviour"] or "prompt"
        delay = self.cleaned_data["delay_seconds"] or 0
        return {
            "behaviour": behaviour,
            "delay_seconds": delay if behaviour == "delayed" else 0,
        }


class RefundForm(forms.Form):
    """Staff pay money back: how much, and why."""

    yuan = forms.DecimalField(
        label=_("Amount (yuan)"),
        min_value=Decimal("0.01"),
        max_digits=12,
        decimal_places=2,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=200, widget=UnfoldAdminTextInputWidget
    )
    # Drawn with the page: pressing the button twice is one refund.
    key = forms.CharField(max_length=64, widget=forms.HiddenInput)

    @property
    def fen(self) -> int:
        return int(self.cleaned_data["yuan"] * 100)


class ExplanationForm(forms.Form):
    """What staff found out about money that nothing explained."""

    note = forms.CharField(
        label=_("What was it?"), max_length=200, widget=UnfoldAdminTextInputWidget
    )
