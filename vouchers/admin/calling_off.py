"""The page on which staff call off a round, or all that are left."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from venues.admin.pages import ask
from venues.admin.scope import StaffRequest
from vouchers import actions
from vouchers.models import Campaign, Round
from vouchers.queries.calling_off import calling_off


class CallOffForm(forms.Form):
    """Which, and why; everybody can read it."""

    round = forms.ModelChoiceField(
        Round.objects.none(),
        label=gettext_lazy("round"),
        empty_label=gettext_lazy("All rounds that have not ended"),
        required=False,
        widget=UnfoldAdminSelectWidget,
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, *args: Any, rounds: QuerySet[Round], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["round"].queryset = rounds  # type: ignore[attr-defined]


def call_off_page(
    owner: ModelAdmin, request: StaffRequest, campaign: Campaign
) -> HttpResponse:
    """First what it means for each round, in figures; then the reason."""
    rounds = campaign.rounds.filter(ended_at=None).order_by("number")

    def act(given: dict[str, Any]) -> tuple[str, Campaign]:
        if given["round"] is None:
            actions.call_off_campaign(
                campaign=campaign, reason=given["reason"], by=request.user
            )
        else:
            actions.call_off_round(
                round=given["round"], reason=given["reason"], by=request.user
            )
        return _("Called off; who waited is being told."), campaign

    what = [
        _(
            "Round %(number)s: %(on_offer)s vouchers will not be given away,"
            " %(waiting)s people who wait are told, %(usable)s usable vouchers stay"
            " valid."
        )
        % {
            "number": one.round.number,
            "on_offer": one.on_offer,
            "waiting": one.waiting,
            "usable": one.usable,
        }
        for one in map(calling_off, rounds)
    ]
    return ask(
        owner,
        request,
        row=campaign,
        title=_("Call off a round: %(campaign)s") % {"campaign": campaign},
        form=CallOffForm(request.POST or None, rounds=rounds),
        lead=" ".join([*what, _("Everybody can read the reason. It is final.")]),
        button=_("Call it off"),
        act=act,
    )
