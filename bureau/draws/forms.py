from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from bureau.draws.actions import BeaconName, PoolPlan
from bureau.draws.models import Beacon, Draw

MOST_AT_ONCE = 500
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


class SourcesForm(forms.Form):
    """Which public numbers decide; without a lottery it is drand."""

    kl8_issue = forms.CharField(
        label=_("issue of 快乐8"),
        required=False,
        max_length=24,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Empty: drand is used instead of the lottery."),
    )
    d3_issue = forms.CharField(
        label=_("issue of 3D"),
        required=False,
        max_length=24,
        widget=UnfoldAdminTextInputWidget,
    )

    @property
    def beacons(self) -> list[BeaconName]:
        given = self.cleaned_data
        named = [
            BeaconName(source, given[field])
            for source, field in (
                (Beacon.Source.KL8.value, "kl8_issue"),
                (Beacon.Source.D3.value, "d3_issue"),
            )
            if given[field]
        ]
        return named or [BeaconName(Beacon.Source.DRAND.value)]


class TimesForm(SourcesForm):
    """The number and the times of a draw that is announced (again)."""

    draw_id = forms.CharField(
        label=_("number of the draw"),
        max_length=40,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("Letters, digits and hyphens; everybody sees it."),
    )
    entries_close_at = forms.SplitDateTimeField(
        label=_("entries close at"), widget=UnfoldAdminSplitDateTimeWidget
    )
    freezes_at = forms.SplitDateTimeField(
        label=_("list is frozen at"), widget=UnfoldAdminSplitDateTimeWidget
    )
    draws_at = forms.SplitDateTimeField(
        label=_("draw at"),
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text=_("An hour and ten minutes after the list is frozen, or later."),
    )
    field_order = [
        "draw_id",
        "title",
        "pools",
        "entries_close_at",
        "freezes_at",
        "draws_at",
    ]

    @property
    def plan(self) -> dict[str, Any]:
        """What `announce_draw` and `redo_draw` have in common."""
        names = ("draw_id", "entries_close_at", "freezes_at", "draws_at")
        return {"beacons": self.beacons} | {n: self.cleaned_data[n] for n in names}


class AnnounceForm(TimesForm):
    title = forms.CharField(
        label=_("title"), max_length=120, widget=UnfoldAdminTextInputWidget
    )
    pools = forms.CharField(
        label=_("pools"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4}),
        help_text=_(
            "One a line: a prefix of capital letters, how many places, and a name, "
            "such as “A 20 Swimming course”."
        ),
    )

    def clean_pools(self) -> list[PoolPlan]:
        plans = []
        for line in self.cleaned_data["pools"].splitlines():
            if not line.strip():
                continue
            words = line.split(maxsplit=2)
            if len(words) != 3 or not (words[1].isascii() and words[1].isdigit()):
                raise forms.ValidationError(
                    _("“%(line)s” is not a prefix, a number and a name."),
                    params={"line": line.strip()[:60]},
                )
            plans.append(PoolPlan(words[0], words[2][:120], int(words[1][:9])))
        return plans


class EntriesForm(forms.Form):
    """A list of people or businesses to put into a draw."""

    pool = forms.ChoiceField(label=_("pool"), widget=UnfoldAdminSelectWidget)
    numbers = forms.CharField(
        label=_("ID numbers or credit codes"),
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 8}),
        help_text=_("One a line. They are not shown again, nor kept in the clear."),
    )

    def __init__(self, data: Any = None, *, draw: Draw) -> None:
        super().__init__(data)
        pools = draw.pools.order_by("prefix")
        self.fields["pool"].choices = [  # type: ignore[attr-defined]
            (pool.prefix, f"{pool.prefix} · {pool.name}") for pool in pools
        ]

    def clean_numbers(self) -> list[str]:
        lines = str(self.cleaned_data["numbers"]).splitlines()
        given = [line for line in lines if line.strip()]
        if len(given) > MOST_AT_ONCE:
            raise forms.ValidationError(
                _("Please put in at most %(most)s at a time."),
                params={"most": MOST_AT_ONCE},
            )
        return given


class ConfirmForm(forms.Form):
    """Nothing to fill in: the button is the answer."""
