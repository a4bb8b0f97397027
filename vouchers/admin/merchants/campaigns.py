"""Which business redeems the vouchers of which campaign, and up to which cap."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin
from unfold.decorators import action, display

from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common.money import yuan
from bureau.regions.queries import districts_of
from venues.admin.pages import ask, show
from venues.admin.scope import OrNotFound, StaffRequest
from vouchers import actions
from vouchers.admin.merchants.deciding import Decides
from vouchers.errors.merchants import PartRefused
from vouchers.forms.staff_merchants import PartForm, ReasonForm
from vouchers.models import Merchant, Participation


class CampaignPages(ModelAdmin):
    """Pages of the list of businesses that put one, or many, into a campaign."""

    @action(
        description=gettext_lazy("Put into a campaign"),
        url_path="join-campaign",
        permissions=["decide"],
    )
    def join_campaign(self, request: StaffRequest, object_id: str) -> HttpResponse:
        merchant: Merchant = self.get_object(request, object_id)
        form = PartForm(request.POST or None, merchants=None)
        form.fields["is_large"].initial = merchant.is_large

        def act(given: dict[str, Any]) -> tuple[str, Merchant]:
            actions.take_part(
                merchant=merchant,
                campaign=given["campaign"],
                cap_fen=form.cap_fen,
                is_large=given["is_large"],
                by=request.user,
            )
            return _("It takes part."), merchant

        return ask(
            self,
            request,
            row=merchant,
            title=_("Put into a campaign: %(name)s") % {"name": merchant},
            form=form,
            lead=_("Where it takes part already, its cap is changed."),
            button=_("Put into the campaign"),
            act=act,
        )

    @action(
        description=gettext_lazy("Put many into a campaign"),
        url_path="put-into-campaign",
        permissions=["decide"],
    )
    def put_into_campaign(self, request: StaffRequest) -> HttpResponse:
        mine = self.get_queryset(request).filter(state=Merchant.State.APPROVED)
        form = PartForm(request.POST or None, merchants=mine.order_by("name", "pk"))
        if form.is_valid():
            chosen = list(form.cleaned_data["merchants"])
            try:
                actions.take_part_together(
                    merchants=chosen,
                    campaign=form.cleaned_data["campaign"],
                    cap_fen=form.cap_fen,
                    by=request.user,
                )
            except PartRefused as refusal:
                form.add_error(None, str(refusal))
            else:
                words = ngettext(
                    "%(n)s business takes part.",
                    "%(n)s businesses take part.",
                    len(chosen),
                )
                messages.success(request, words % {"n": len(chosen)})
                return HttpResponseRedirect(
                    reverse("admin:vouchers_merchant_changelist")
                )
        return show(
            self,
            request,
            "admin/ask.html",
            title=_("Put many into a campaign"),
            form=form,
            lead=_(
                "Each of them gets the same cap; where one takes part already, its "
                "cap is changed."
            ),
            button=_("Put into the campaign"),
        )


@admin.register(Participation)
class ParticipationAdmin(Decides, ReadOnly, HistoryFromAudit, OrNotFound):
    """Who redeems which campaign's vouchers, and how far from its cap it is."""

    list_display = ["merchant", "campaign", "cap", "redeemed", "since", "until"]
    list_filter = [
        ("campaign", admin.RelatedOnlyFieldListFilter),
        ("until", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["merchant", "campaign"]
    search_fields = ["merchant__name", "=merchant__credit_code"]
    ordering = ["-campaign", "merchant__name", "pk"]
    fields = readonly_fields = [
        "merchant",
        "campaign",
        "cap",
        "redeemed",
        "since",
        "until",
    ]
    actions_detail = ["end"]

    def offers(self, name: str, row: Participation, request: HttpRequest) -> bool:
        return row.until is None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Participation]:
        rows: QuerySet[Participation] = super().get_queryset(request)
        mine = districts_of(request.user)  # type: ignore[arg-type]
        if mine is not None:
            firms = Merchant.objects.in_districts(mine)
            rows = rows.filter(merchant__in=firms.values("pk"))
        return rows.select_related("merchant", "campaign")

    @display(description=gettext_lazy("cap, yuan"), ordering="cap_fen")
    def cap(self, part: Participation) -> str:
        return "–" if part.cap_fen is None else yuan(part.cap_fen)

    @display(description=gettext_lazy("redeemed, yuan"), ordering="redeemed_fen")
    def redeemed(self, part: Participation) -> str:
        return yuan(part.redeemed_fen)

    @action(
        description=gettext_lazy("End its part"), url_path="end", permissions=["decide"]
    )
    def end(self, request: StaffRequest, object_id: str) -> HttpResponse:
        part: Participation = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Participation]:
            actions.end_part(part=part, reason=given["reason"], by=request.user)
            return _("It does not take part any more."), part

        return ask(
            self,
            request,
            row=part,
            title=_("End its part: %(part)s") % {"part": part},
            form=ReasonForm(request.POST or None),
            button=_("End it"),
            act=act,
        )
