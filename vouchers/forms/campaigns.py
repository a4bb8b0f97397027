"""How staff write a campaign down. What is allowed, the actions decide."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.postgres.forms import SimpleArrayField
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from bureau.common.fields import MinuteOfDayFormField
from bureau.common.money import yuan
from bureau.common.sports import Sport
from bureau.draws.actions import BeaconName
from bureau.draws.forms import SourcesForm
from bureau.regions.models import District
from vouchers.actions import RoundPlan, Texts, TierPlan
from vouchers.models import Campaign, DistrictCap, Round, Terms, Tier
from vouchers.queries.rules import RULE_FIELDS

MOST_FILE_BYTES = 300_000


class FenField(forms.DecimalField):
    """Typed and shown in yuan, given and taken in fen."""

    widget = UnfoldAdminDecimalFieldWidget

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_value", Decimal(10_000_000_000))
        super().__init__(min_value=Decimal("0.01"), decimal_places=2, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return yuan(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        if self.disabled:
            return value  # as it was given, in fen
        amount = super().clean(value)
        return None if amount is None else int(amount * 100)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.prepare_value(initial), data)


class TextsForm(forms.ModelForm[Campaign]):
    """What a campaign is called."""

    class Meta:
        model = Campaign
        fields = ["name", "name_en", "summary", "summary_en"]
        widgets = dict.fromkeys(fields, UnfoldAdminTextInputWidget)

    @property
    def texts(self) -> Texts:
        names = TextsForm.Meta.fields
        return Texts(**{name: self.cleaned_data[name] for name in names})


class PlanTextsForm(TextsForm):
    """On the page of the plan, with the mark of all that was on it."""

    seen = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)


class DraftForm(TextsForm):
    """A new campaign also gets the short name of its address."""

    class Meta(TextsForm.Meta):
        fields = ["slug", *TextsForm.Meta.fields]
        widgets = dict.fromkeys(fields, UnfoldAdminTextInputWidget)
        help_texts = {
            "slug": _("Letters, digits and hyphens, such as sports-2026; it stays."),
        }


class AppropriationForm(forms.Form):
    document = forms.CharField(
        label=_("number of the document"),
        max_length=80,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("As the finance office wrote it. It is entered once."),
    )
    amount_fen = FenField(label=_("amount, yuan"))


# --- Tiers and rounds -------------------------------------------------------------


class TierForm(forms.Form):
    """One tier; of a published one the value, the bill and the sports stay."""

    tier_id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(
        label=_("name"),
        required=False,
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("May be empty."),
    )
    face_fen = FenField(label=_("value, yuan"), max_value=Decimal(10_000))
    threshold_fen = FenField(label=_("from a bill of, yuan"), max_value=Decimal(10_000))
    count = forms.IntegerField(
        label=_("number of vouchers"),
        min_value=1,
        max_value=10_000_000,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    per_person = forms.IntegerField(
        label=_("most for one person"),
        min_value=1,
        max_value=1000,
        initial=1,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    sports = forms.MultipleChoiceField(
        label=_("only for these sports"),
        required=False,
        choices=Sport.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("None: for all of them."),
    )

    def __init__(
        self, *args: Any, tiers: Sequence[Tier], is_draft: bool, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._there = {tier.pk: tier for tier in tiers}
        if not is_draft and self.initial.get("tier_id"):
            for name in ("face_fen", "threshold_fen", "sports"):
                self.fields[name].disabled = True

    def clean_tier_id(self) -> int | None:
        given: int | None = self.cleaned_data["tier_id"]
        return given if given in self._there else None

    @property
    def tier(self) -> Tier | None:
        """The row that it is about."""
        return self._there.get(self.initial.get("tier_id", 0))

    @property
    def plan(self) -> TierPlan:
        names = ("face_fen", "threshold_fen", "count", "per_person", "sports", "name")
        given = {name: self.cleaned_data[name] for name in names}
        return TierPlan(**given, tier_id=self.cleaned_data["tier_id"])


class RoundForm(forms.Form):
    """One round, with a field for each tier: how many vouchers of it."""

    number = forms.IntegerField(
        label=_("number"),
        min_value=1,
        max_value=1000,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    way = forms.ChoiceField(
        label=_("given away by"),
        choices=Round.Way.choices,
        initial=Round.Way.RUSH.value,
        widget=UnfoldAdminSelectWidget,
    )
    opens_at = forms.SplitDateTimeField(
        label=_("opens at"), widget=UnfoldAdminSplitDateTimeWidget
    )
    closes_at = forms.SplitDateTimeField(
        label=_("closes at"), widget=UnfoldAdminSplitDateTimeWidget
    )
    draws_at = forms.SplitDateTimeField(
        label=_("draw at"),
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text=_("Only for a draw: 70 minutes after it closes, or later."),
    )
    rush_opens_at = forms.SplitDateTimeField(
        label=_("the rest opens at"),
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text=_("Only where the rest of a draw goes to who comes first."),
    )
    rush_closes_at = forms.SplitDateTimeField(
        label=_("the rest closes at"),
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
    )
    lobby_minutes = forms.IntegerField(
        label=_("minutes before in which people gather"),
        min_value=0,
        max_value=240,
        initial=15,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    spread_seconds = forms.IntegerField(
        label=_("seconds over which the turns are spread"),
        min_value=0,
        max_value=600,
        initial=30,
        widget=UnfoldAdminIntegerFieldWidget,
    )

    def __init__(
        self,
        *args: Any,
        tiers: Sequence[Tier],
        rounds: dict[int, Round],
        is_draft: bool,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._tiers = tiers
        self._there = None if is_draft else rounds.get(self.initial.get("number", 0))
        for tier in tiers:
            self.fields[f"lot_{tier.pk}"] = forms.IntegerField(
                label=_("vouchers of %(tier)s") % {"tier": tier},
                required=False,
                min_value=0,
                max_value=10_000_000,
                widget=UnfoldAdminIntegerFieldWidget,
            )
        if self._there:  # what was announced stays
            for name, field in self.fields.items():
                field.disabled = not name.startswith("lot_")

    @property
    def plan(self) -> RoundPlan:
        given = self.cleaned_data
        lots = {tier.pk: given.get(f"lot_{tier.pk}") or 0 for tier in self._tiers}
        if self._there:
            # Moments as they are, to the microsecond: a page shows whole seconds.
            return RoundPlan.of(self._there).with_lots(lots)
        names = [name for name in RoundForm.base_fields if name in given]
        return RoundPlan(**{name: given[name] for name in names}, lots=lots)


TierFormSet = forms.formset_factory(TierForm, extra=1, can_delete=True, max_num=30)
RoundFormSet = forms.formset_factory(RoundForm, extra=1, can_delete=True, max_num=60)


class CapsForm(forms.Form):
    """A cap for each district; empty for none."""

    def __init__(self, data: Any = None, *, caps: Sequence[DistrictCap]) -> None:
        super().__init__(data, prefix="caps")
        there = {cap.district_id: cap.cap_fen for cap in caps}
        for district in District.objects.in_order():
            self.fields[str(district.pk)] = FenField(
                label=district.local_name,
                required=False,
                initial=there.get(district.pk),
            )

    @property
    def caps(self) -> dict[int, int]:
        given = self.cleaned_data.items()
        return {int(name): fen for name, fen in given if fen is not None}


# --- Rules ------------------------------------------------------------------------

_NUMBERS = (
    "most_a_day",
    "most_a_week",
    "most_a_round",
    "most_in_all",
    "least_age",
    "most_age",
    "held_seconds",
    "valid_hours",
    "valid_days",
    "undo_minutes",
)
_TICKS = (
    "one_tier_each",
    "expired_counts",
    "needs_place",
    "from_next_day",
    "full_refund_gives_back",
    "partial_refund_gives_back",
    "partial_refund_keeps_subsidy",
    "recycles",
)
_GROUPS = (
    (
        _("Who may claim"),
        (
            "least_age",
            "most_age",
            "id_prefixes",
            "needs_place",
            "districts",
            "held_seconds",
        ),
    ),
    (
        _("How many; empty does not limit"),
        (
            "most_a_day",
            "most_a_week",
            "most_a_round",
            "most_in_all",
            "most_fen",
            "one_tier_each",
            "expired_counts",
        ),
    ),
    (
        _("How long a voucher serves: until the earliest of these"),
        (
            "valid_until",
            "valid_hours",
            "valid_days",
            "from_next_day",
            "redeems_from",
            "redeems_until",
        ),
    ),
    (
        _("What happens afterwards"),
        (
            "undo_minutes",
            "full_refund_gives_back",
            "partial_refund_gives_back",
            "partial_refund_keeps_subsidy",
            "recycles",
            "leftover",
            "merchant_cap_fen",
        ),
    ),
)


class TermsForm(forms.ModelForm[Terms]):
    """All rules of a campaign."""

    id_prefixes = SimpleArrayField(
        forms.CharField(max_length=4),
        label=_("ID numbers begin with"),
        required=False,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("The first four digits, such as 3708; several with commas."),
    )
    most_fen = FenField(
        label=_("in the campaign, by value, yuan"),
        required=False,
        max_value=Decimal(1_000_000),
    )
    merchant_cap_fen = FenField(
        label=_("most subsidy for a merchant, yuan"), required=False
    )
    valid_until = forms.SplitDateTimeField(
        label=_("until"), required=False, widget=UnfoldAdminSplitDateTimeWidget
    )
    redeems_from = MinuteOfDayFormField(
        label=_("redeemed each day from"), widget=UnfoldAdminTextInputWidget
    )
    redeems_until = MinuteOfDayFormField(
        label=_("redeemed each day until"), widget=UnfoldAdminTextInputWidget
    )

    class Meta:
        model = Terms
        fields = [*RULE_FIELDS, "districts"]
        widgets = {
            **dict.fromkeys(_NUMBERS, UnfoldAdminIntegerFieldWidget),
            **dict.fromkeys(_TICKS, UnfoldBooleanWidget),
            "leftover": UnfoldAdminSelectWidget,
            "districts": UnfoldAdminCheckboxSelectMultipleWidget,
        }

    def __init__(
        self,
        data: Any = None,
        *,
        current: Terms,
        initial: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        rules = {name: getattr(current, name) for name in RULE_FIELDS}
        super().__init__(
            data,
            instance=Terms(**rules),
            initial={"districts": list(current.districts.all()), **(initial or {})},
            **kwargs,
        )
        self.fields["districts"].queryset = (  # type: ignore[attr-defined]
            District.objects.in_order()
        )

    @property
    def groups(self) -> list[tuple[Any, list[BoundField]]]:
        return [(heading, [self[name] for name in names]) for heading, names in _GROUPS]

    @property
    def rules(self) -> Terms:
        """An unsaved row that holds what was filled in."""
        return Terms(**{name: self.cleaned_data[name] for name in RULE_FIELDS})


class DraftTermsForm(TermsForm):
    """The rules of a draft, with the mark of those that were on the page."""

    seen = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)


class ChangeForm(TermsForm):
    """Other rules for a published campaign, why, and since which version."""

    reason = forms.CharField(
        label=_("Why the rules change"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Everybody can read it."),
    )
    since = forms.IntegerField(widget=forms.HiddenInput)
    confirmed = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, current: Terms, **kwargs: Any) -> None:
        super().__init__(data, current=current, **kwargs)
        self.fields["since"].initial = current.version


# --- Publishing and files ---------------------------------------------------------


class PublishForm(forms.Form):
    """The warnings that were read, and where the randomness of each draw comes from."""

    has_read = forms.BooleanField(
        label=_("I have read the warnings, and it is meant so."),
        widget=UnfoldBooleanWidget,
    )

    def __init__(
        self, data: Any = None, *, draws: Sequence[Round], has_warnings: bool
    ) -> None:
        super().__init__(data)
        if not has_warnings:
            del self.fields["has_read"]
        self._draws = draws
        self.sources = {
            row.number: SourcesForm(data, prefix=f"round{row.number}") for row in draws
        }

    def is_valid(self) -> bool:
        sources = [form.is_valid() for form in self.sources.values()]
        return super().is_valid() and all(sources)

    @property
    def beacons(self) -> dict[int, list[BeaconName]]:
        return {number: form.beacons for number, form in self.sources.items()}


class PlanFileForm(forms.Form):
    """A spreadsheet; what was looked at comes back with the click that enters it."""

    file = forms.FileField(
        label=_("Spreadsheet (xlsx)"),
        required=False,
        widget=UnfoldAdminFileFieldWidget,
        help_text=_("At most 300 KB. Nothing is entered before you have seen it."),
    )
    looked_at = forms.CharField(
        required=False, max_length=2 * MOST_FILE_BYTES, widget=forms.HiddenInput
    )
    seen = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        file, looked_at = given.get("file"), given.get("looked_at")
        if file is not None:
            if file.size > MOST_FILE_BYTES:
                raise forms.ValidationError(_("This file is too large."))
            given["content"] = file.read()
        elif looked_at:
            try:
                given["content"] = base64.b64decode(looked_at, validate=True)
            except binascii.Error as wrong:
                raise forms.ValidationError(
                    _("Please choose the file anew.")
                ) from wrong
        else:
            self.add_error("file", _("Please choose a file."))
        return given

    @property
    def content(self) -> bytes:
        return bytes(self.cleaned_data["content"])

    @property
    def content_text(self) -> str:
        return base64.b64encode(self.content).decode()
