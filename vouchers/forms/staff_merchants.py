"""What staff fill in about businesses; what they have seen comes back with it."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django import forms
from django.contrib.gis.forms import PointField
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from vouchers.models import Campaign, Merchant

MOST_BYTES = 1_000_000


class YesForm(forms.Form):
    """Nothing to fill in, only to confirm."""


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The business will read it."),
    )


class SeenMerchant(forms.Form):
    """As of when staff read what they decide about."""

    seen_at = forms.DateTimeField(widget=forms.HiddenInput)


class SeenMerchantReason(ReasonForm, SeenMerchant):
    """The same, with a reason."""


class SeenShop(forms.Form):
    """Where a shop is; `pin` is the staff pages' map, with a nonce for its script."""

    seen_at = forms.DateTimeField(widget=forms.HiddenInput, required=False)
    location = PointField(label=_("Where it is"), disabled=True)

    def __init__(
        self, *args: Any, pin: type[forms.Widget], nonce: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        widget: Any = pin()
        widget.modifiable = False
        widget.csp_nonce = nonce
        field = self.fields["location"]
        widget.attrs.update(field.widget_attrs(widget))
        widget.geom_type = "POINT"
        field.widget = widget


class PartForm(forms.Form):
    """A campaign, and up to how much; with `merchants`, which of them."""

    campaign = forms.ModelChoiceField(
        label=_("Campaign"),
        queryset=Campaign.objects.exclude(state=Campaign.State.CLOSED),
        widget=UnfoldAdminSelectWidget,
    )
    cap = forms.DecimalField(
        label=_("Most subsidy, yuan"),
        help_text=_("Empty: as much as the campaign's rules allow."),
        min_value=0,
        max_value=1_000_000_000,
        decimal_places=2,
        required=False,
        widget=UnfoldAdminDecimalFieldWidget,
    )
    is_large = forms.BooleanField(
        label=_("Above designated size"), required=False, widget=UnfoldBooleanWidget
    )
    merchants = forms.ModelMultipleChoiceField(
        label=_("Businesses"),
        queryset=Merchant.objects.none(),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    def __init__(
        self, *args: Any, merchants: QuerySet[Merchant] | None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        # The newest one first: it is the one that fills up.
        campaigns: Any = self.fields["campaign"]
        campaigns.queryset = campaigns.queryset.order_by("-created_at", "-pk")
        if merchants is None:
            del self.fields["merchants"]
        else:
            self.fields["merchants"].queryset = merchants  # type: ignore[attr-defined]
            del self.fields["is_large"]

    @property
    def cap_fen(self) -> int | None:
        cap = self.cleaned_data["cap"]
        return None if cap is None else int(cap * 100)


class ImportForm(forms.Form):
    """A spreadsheet; on the second step it comes back as text."""

    file = forms.FileField(
        label=_("Spreadsheet (xlsx)"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
    )
    kept = forms.CharField(
        widget=forms.HiddenInput, required=False, max_length=2 * MOST_BYTES
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        file, kept = given.get("file"), given.get("kept")
        try:
            content = file.read() if file else base64.b64decode(kept or "")
        except binascii.Error:
            content = b""
        if not content or len(content) > MOST_BYTES:
            raise forms.ValidationError(
                _("Choose a spreadsheet of at most 1 MB."), code="file"
            )
        self.content: bytes = content
        return given
