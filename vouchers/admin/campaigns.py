"""Campaigns: drafted, funded, checked, previewed, published; then changed in versions.

The city's staff write; those of the districts look.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action, display

from bureau.accounts.models import User
from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from bureau.common.sports import Sport
from bureau.common.staff_tables import Badge
from bureau.common.words import listed
from bureau.common.workbooks import CONTENT_TYPE
from bureau.regions.queries import districts_of
from venues.admin.pages import ask, page_of, show
from venues.admin.scope import OrNotFound, StaffRequest
from vouchers import actions, queries
from vouchers.actions import TierPlan
from vouchers.actions.campaign_imports import import_plan, plan_workbook
from vouchers.admin.calling_off import call_off_page
from vouchers.admin.campaign_plan import PlanPage
from vouchers.forms.campaigns import (
    AppropriationForm,
    ChangeForm,
    DraftForm,
    DraftTermsForm,
    PlanFileForm,
    PublishForm,
)
from vouchers.models import Appropriation, Campaign, Round, Tier
from vouchers.queries.plan_marks import OF_A_FILE, plan_mark

State = Campaign.State
_TONES = {State.DRAFT: "warning", State.PUBLISHED: "success", State.CLOSED: "info"}


@dataclass(frozen=True)
class Step:
    """How far the money has come: a sum, and its part of what was appropriated."""

    key: str
    name: str
    words: str
    percent: float


@admin.register(Campaign)
class CampaignAdmin(ReadOnly, HistoryFromAudit, OrNotFound):
    """Written on pages of their own: each of them is one action."""

    list_display = ["name", "state_shown", "appropriated", "promised", "progress"]
    list_display_links = ["name"]
    list_filter = ["state"]
    search_fields = ["name", "name_en", "=slug", "=appropriations__document"]
    ordering = ["-created_at", "-pk"]
    fields = readonly_fields = [
        "slug",
        "state",
        "published_at",
        "closed_at",
        "created_at",
    ]
    change_form_before_template = "admin/vouchers/campaign.html"
    actions_list = ["draft"]
    actions_detail = [
        "prepare",
        "write_rules",
        "appropriate",
        "check_list",
        {"title": gettext_lazy("More"), "items": ["import_file", "call_off"]},
    ]

    # --- Who may ------------------------------------------------------------------

    def _may(self, request: HttpRequest, permission: str) -> bool:
        user = request.user
        return (
            isinstance(user, User)
            and districts_of(user) is None
            and user.has_perm(f"vouchers.{permission}")
        )

    def has_write_permission(
        self,
        request: HttpRequest,
        object_id: str | None = None,
    ) -> bool:
        return self._may(request, "change_campaign")

    def has_publish_permission(
        self,
        request: HttpRequest,
        object_id: str | None = None,
    ) -> bool:
        return self._may(request, "publish_campaign")

    def has_appropriate_permission(
        self,
        request: HttpRequest,
        object_id: str | None = None,
    ) -> bool:
        return self._may(request, "enter_appropriation")

    def view_on_site(self, obj: Campaign) -> str:
        name = "preview" if obj.state == State.DRAFT else "campaign"
        return reverse(f"vouchers:{name}", args=[obj.slug])

    # --- The list -----------------------------------------------------------------

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).with_progress()

    @display(description=gettext_lazy("state"), ordering="state", label=_TONES)
    def state_shown(self, campaign: Campaign) -> Badge:
        return Badge(campaign.state, str(campaign.get_state_display()))

    @display(description=gettext_lazy("appropriated"), ordering="appropriated_fen")
    def appropriated(self, campaign: Campaign) -> str:
        return _yuan(campaign.appropriated_fen)

    @display(description=gettext_lazy("promised"), ordering="promised_fen")
    def promised(self, campaign: Campaign) -> str:
        return _yuan(campaign.promised_fen)

    @display(description=gettext_lazy("claimed and redeemed"))
    def progress(self, campaign: Campaign) -> SafeString:
        return render_to_string(
            "admin/vouchers/_money.html",
            {"steps": _steps(campaign)[2:], "is_small": True},
        )

    # --- The page of a campaign ---------------------------------------------------

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        shown: Campaign = self.get_object(request, object_id)
        terms = shown.terms.newest()
        tiers = shown.tiers.order_by("face_fen", "threshold_fen", "pk")
        rounds = shown.rounds.select_related("draw").prefetch_related("lots__tier")
        given = shown.appropriations.select_related("entered_by").order_by("pk")
        caps = shown.district_caps.select_related("district").order_by(
            "district__position", "pk"
        )
        plan = {
            "campaign": shown,
            "steps": _steps(shown),
            "tiers": [
                (one, _sports(one), _yuan(one.face_fen * one.count)) for one in tiers
            ],
            "rounds": rounds.order_by("number"),
            "appropriations": given,
            "caps": caps,
            "groups": queries.rule_groups(terms),
            "changes": queries.rule_changes(shown),
            "public_url": self.view_on_site(shown),
        }
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), "plan": plan}
        )

    # --- Drafting -----------------------------------------------------------------

    @action(
        description=gettext_lazy("Draft a campaign"),
        url_path="draft",
        permissions=["write"],
    )
    def draft(self, request: StaffRequest) -> HttpResponse:
        form = DraftForm(request.POST or None)

        def act(given: dict[str, Any]) -> tuple[str, Campaign]:
            made = actions.draft_campaign(
                slug=given["slug"], texts=form.texts, by=request.user
            )
            return _("The campaign is drafted. Nobody sees it yet."), made

        return ask(
            self,
            request,
            title=_("Draft a campaign"),
            form=form,
            lead=_(
                "First the money is entered, then tiers, rounds and rules. Nobody else"
                " sees anything before it is published."
            ),
            button=_("Draft it"),
            act=act,
        )

    @action(
        description=gettext_lazy("Tiers and rounds"),
        url_path="plan",
        permissions=["write"],
    )
    def prepare(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """Everything that is given away, on one page."""
        campaign: Campaign = self.get_object(request, object_id)
        page = PlanPage(campaign, request.POST if request.method == "POST" else None)
        if request.method == "POST" and page.is_valid():
            try:
                page.save(by=request.user)
            except DomainError as refusal:
                page.texts.add_error(None, str(refusal))
            else:
                messages.success(request, _("It is saved."))
                return HttpResponseRedirect(request.get_full_path())
        return show(
            self,
            request,
            "admin/vouchers/plan.html",
            row=campaign,
            title=_("Tiers and rounds: %(campaign)s") % {"campaign": campaign},
            form=page.texts,
            media=self.media + page.media,
            page=page,
            is_draft=page.is_draft,
            found=queries.contradictions_of(campaign, at=clock.now()),
            steps=_steps(campaign),
        )

    @action(
        description=gettext_lazy("Enter an appropriation"),
        url_path="appropriate",
        permissions=["appropriate"],
    )
    def appropriate(self, request: StaffRequest, object_id: str) -> HttpResponse:
        campaign: Campaign = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Campaign]:
            money = actions.enter_appropriation(
                campaign=campaign, by=request.user, **given
            )
            told = _("%(yuan)s are in the pool.") % {"yuan": _yuan(money.amount_fen)}
            return told, campaign

        return ask(
            self,
            request,
            row=campaign,
            title=_("Enter an appropriation: %(campaign)s") % {"campaign": campaign},
            form=AppropriationForm(request.POST or None),
            lead=_("What is entered is in the book of the money and never changed."),
            button=_("Enter it"),
            act=act,
        )

    @action(
        description=gettext_lazy("Call off a round"),
        url_path="call-off",
        permissions=["publish"],
    )
    def call_off(self, request: StaffRequest, object_id: str) -> HttpResponse:
        return call_off_page(self, request, self.get_object(request, object_id))

    # --- Rules --------------------------------------------------------------------

    @action(description=gettext_lazy("Rules"), url_path="rules", permissions=["write"])
    def write_rules(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """A draft's are simply written; published ones change with a reason."""
        campaign: Campaign = self.get_object(request, object_id)
        if campaign.state == State.DRAFT:
            return self._write(request, campaign)
        if not self.has_publish_permission(request):
            raise PermissionDenied
        return self._change(request, campaign)

    def _write(self, request: StaffRequest, campaign: Campaign) -> HttpResponse:
        seen = plan_mark(campaign, ["rules"])  # before they are read for the page
        form = DraftTermsForm(
            request.POST or None,
            current=campaign.terms.newest(),
            initial={"seen": seen},
        )
        if form.is_valid():
            try:
                actions.set_terms(
                    campaign=campaign,
                    terms=form.rules,
                    districts=form.cleaned_data["districts"],
                    seen=form.cleaned_data["seen"],
                    by=request.user,
                )
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("The rules are written down."))
                return HttpResponseRedirect(page_of(campaign))
        return show(
            self,
            request,
            "admin/vouchers/rules.html",
            row=campaign,
            title=_("Rules: %(campaign)s") % {"campaign": campaign},
            form=form,
            button=_("Save"),
        )

    def _change(self, request: StaffRequest, campaign: Campaign) -> HttpResponse:
        """First what would be different for citizens, then publishing it."""
        current = campaign.terms.published().newest()
        form = ChangeForm(request.POST or None, current=current)
        preview: dict[str, Any] = {}
        if form.is_valid():
            given = form.cleaned_data
            if "publish" in request.POST:
                try:
                    actions.change_terms(
                        campaign=campaign,
                        terms=form.rules,
                        districts=given["districts"],
                        reason=given["reason"],
                        since=given["since"],
                        confirmed=request.POST.getlist("confirmed"),
                        by=request.user,
                    )
                except DomainError as refusal:
                    form.add_error(None, str(refusal))
                else:
                    messages.success(
                        request, _("The rules are changed for what is claimed now.")
                    )
                    return HttpResponseRedirect(page_of(campaign))
            districts = list(given["districts"])
            says = queries.rules_in_words(form.rules, districts)
            said = queries.rules_in_words(current)
            preview = {
                "added": [one for one in says if one not in said],
                "removed": [one for one in said if one not in says],
                "found": queries.contradictions_of(
                    campaign, terms=form.rules, districts=districts, at=clock.now()
                ),
            }
        return show(
            self,
            request,
            "admin/vouchers/rules.html",
            row=campaign,
            title=_("Change the rules: %(campaign)s") % {"campaign": campaign},
            form=form,
            version=current.version,
            is_change=True,
            is_preview=bool(preview),
            **preview,
        )

    # --- The check list, and publishing -------------------------------------------

    @action(
        description=gettext_lazy("Check and publish"),
        url_path="check",
        permissions=["write"],
    )
    def check_list(self, request: StaffRequest, object_id: str) -> HttpResponse:
        campaign: Campaign = self.get_object(request, object_id)
        seen = plan_mark(campaign)  # before it is read for the page
        found = queries.contradictions_of(campaign, at=clock.now())
        drawn = campaign.rounds.exclude(way=Round.Way.RUSH).order_by("number")
        is_draft = campaign.state == State.DRAFT
        form = PublishForm(
            request.POST or None,
            draws=list(drawn) if is_draft else [],
            has_warnings=is_draft and any(not one.blocks for one in found),
        )
        may_publish = is_draft and self.has_publish_permission(request)
        if request.method == "POST" and not may_publish:
            raise PermissionDenied
        if form.is_valid():
            try:
                with transaction.atomic():
                    actions.publish_campaign(
                        campaign=campaign,
                        confirmed=request.POST.getlist("confirmed"),
                        seen=request.POST.get("seen", ""),
                        beacons=form.beacons,
                        by=request.user,
                    )
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("The campaign is published."))
                return HttpResponseRedirect(page_of(campaign))
        return show(
            self,
            request,
            "admin/vouchers/check.html",
            row=campaign,
            title=_("Check list: %(campaign)s") % {"campaign": campaign},
            form=form,
            found=found,
            seen=seen,
            blocks=any(one.blocks for one in found),
            is_draft=is_draft,
            may_publish=may_publish,
            groups=queries.rule_groups(campaign.terms.newest()),
            preview_url=self.view_on_site(campaign),
        )

    # --- From a spreadsheet -------------------------------------------------------

    @action(
        description=gettext_lazy("Read a spreadsheet"),
        url_path="import",
        permissions=["write"],
    )
    def import_file(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """First what the file says, row by row; then entering it."""
        campaign: Campaign = self.get_object(request, object_id)
        if "template" in request.GET:
            answer = HttpResponse(plan_workbook(campaign), content_type=CONTENT_TYPE)
            name = f"{campaign.slug}.xlsx"
            answer["Content-Disposition"] = f'attachment; filename="{name}"'
            return answer
        seen = plan_mark(campaign, OF_A_FILE)
        form = PlanFileForm(request.POST or None, request.FILES or None)
        said = None
        if form.is_valid():
            is_dry = "enter" not in request.POST
            try:
                said = import_plan(
                    campaign=campaign,
                    content=form.content,
                    dry_run=is_dry,
                    seen=None if is_dry else form.cleaned_data["seen"],
                    by=request.user,
                )
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                if not is_dry and not said.wrong:
                    messages.success(request, _imported(len(said.rounds)))
                    return HttpResponseRedirect(page_of(campaign))
        return show(
            self,
            request,
            "admin/vouchers/import.html",
            row=campaign,
            title=_("Read a spreadsheet: %(campaign)s") % {"campaign": campaign},
            form=form,
            said=said,
            tiers=[(plan, _sports(plan)) for plan in said.tiers] if said else [],
            rounds=[
                (plan, [(said.tier_names[n], m) for n, m in plan.lots.items() if m])
                for plan in said.rounds
            ]
            if said
            else [],
            looked_at=form.content_text if said and not said.wrong else "",
            seen=seen,
        )


@admin.register(Appropriation)
class AppropriationAdmin(ReadOnly, HistoryFromAudit, OrNotFound):
    """Entered on the page of the campaign; never changed."""

    list_display = ["document", "campaign", "yuan", "entered_at", "entered_by"]
    list_filter = [("campaign", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["campaign", "entered_by"]
    search_fields = ["document", "campaign__name"]
    date_hierarchy = "entered_at"
    ordering = ["-entered_at", "-pk"]
    fields = readonly_fields = [
        "campaign",
        "document",
        "yuan",
        "entered_at",
        "entered_by",
    ]

    @display(description=gettext_lazy("amount, yuan"), ordering="amount_fen")
    def yuan(self, money: Appropriation) -> str:
        return yuan(money.amount_fen)


def _sports(of: Tier | TierPlan) -> str:
    return listed(Sport(sport).label for sport in of.sports)


def _imported(rounds: int) -> str:
    return ngettext(
        "Entered. The campaign has %(n)s round now.",
        "Entered. The campaign has %(n)s rounds now.",
        rounds,
    ) % {"n": rounds}


def _steps(campaign: Any) -> list[Step]:
    """What became of the money; `campaign` comes from `with_progress`."""
    whole = max(campaign.appropriated_fen, 1)
    steps = [
        ("appropriated", _("appropriated"), campaign.appropriated_fen),
        ("promised", _("promised"), campaign.promised_fen),
        ("claimed", _("claimed"), campaign.claimed_fen),
        ("redeemed", _("redeemed"), campaign.redeemed_fen),
    ]
    return [
        Step(key, name, _yuan(fen), round(min(fen * 100 / whole, 100), 1))
        for key, name, fen in steps
    ]


def _yuan(fen: int) -> str:
    """¥1,200,000: large sums are compared at a glance."""
    return f"¥{fen / 100:,.2f}".removesuffix(".00")
