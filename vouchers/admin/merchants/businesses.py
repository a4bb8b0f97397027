"""Businesses: what waits is first; each decision is a page of its own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Case, Exists, IntegerField, OuterRef, QuerySet, When
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import TabularInline
from unfold.decorators import action, display

from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common import clock
from bureau.common.money import yuan
from bureau.common.staff_tables import Badge
from bureau.regions.queries import districts_of
from venues.admin.pages import ask
from venues.admin.places import SportFilter
from venues.admin.scope import OrNotFound, StaffRequest
from vouchers import actions, queries
from vouchers.admin.merchants.campaigns import CampaignPages
from vouchers.admin.merchants.deciding import Decides, papers, twins, verdict
from vouchers.admin.merchants.imports import ImportPages
from vouchers.forms.staff_merchants import ReasonForm, SeenMerchant, SeenMerchantReason
from vouchers.models import Member, Merchant, MerchantChange, Participation, Shop
from vouchers.queries.merchants import ENDS_SOON

State = Merchant.State


class LookOnlyInline(TabularInline):
    extra = 0
    can_delete = False
    tab = True

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    def has_change_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


class ShopInline(LookOnlyInline):
    model = Shop
    fields = readonly_fields = ["name", "district", "address", "is_open", "waits_since"]
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shop]:
        rows: QuerySet[Shop] = super().get_queryset(request)
        return rows.select_related("district", "merchant").order_by("name", "pk")


class MemberInline(LookOnlyInline):
    model = Member
    fields = readonly_fields = ["name", "person", "role", "joined_at", "left_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        rows: QuerySet[Member] = super().get_queryset(request)
        return rows.select_related("person", "merchant").order_by("left_at", "pk")


class PartInline(LookOnlyInline):
    model = Participation
    fields = readonly_fields = ["campaign", "cap", "redeemed", "since", "until"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Participation]:
        rows: QuerySet[Participation] = super().get_queryset(request)
        return rows.select_related("campaign", "merchant").order_by("-pk")

    @display(description=gettext_lazy("cap, yuan"))
    def cap(self, part: Participation) -> str:
        return "–" if part.cap_fen is None else yuan(part.cap_fen)

    @display(description=gettext_lazy("redeemed, yuan"))
    def redeemed(self, part: Participation) -> str:
        return yuan(part.redeemed_fen)


class WorkFilter(admin.SimpleListFilter):
    title = gettext_lazy("to be done")
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("check", _("to be checked")),
            ("change", _("a change to be checked")),
            ("shop", _("a shop to be checked")),
            ("permit", _("permit running out")),
            ("over", _("permit over")),
        ]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        today = clock.today()
        wanted: dict[str, dict[str, Any]] = {
            "check": {"state": State.APPLIED},
            "change": {"has_change": True},
            "shop": {"state": State.APPROVED, "has_shop": True},
            "permit": {
                "permit_until__gte": today,
                "permit_until__lte": today + ENDS_SOON,
            },
            "over": {"permit_until__lt": today},
        }
        return queryset.filter(**wanted.get(self.value() or "", {}))


# In which state a business has which button.
_FITS = {
    "approve": State.APPLIED,
    "refuse": State.APPLIED,
    "suspend": State.APPROVED,
    "reinstate": State.SUSPENDED,
    "join_campaign": State.APPROVED,
}


@admin.register(Merchant)
class MerchantAdmin(
    Decides, CampaignPages, ImportPages, ReadOnly, HistoryFromAudit, OrNotFound
):
    """What waits for staff comes first; each decision is a page of its own."""

    list_display = [
        "name",
        "credit_code",
        "state_shown",
        "waiting",
        "permit_until",
        "applied_at",
    ]
    list_display_links = ["name"]
    list_filter = [
        WorkFilter,
        "state",
        SportFilter,
        ("shops__district", admin.RelatedOnlyFieldListFilter),
        ("participations__campaign", admin.RelatedOnlyFieldListFilter),
        "is_large",
    ]
    search_fields = ["name", "=credit_code", "=number", "=shops__name"]
    date_hierarchy = "applied_at"
    inlines = [ShopInline, PartInline, MemberInline]
    fields = readonly_fields = [
        "number",
        "state",
        "reason",
        "name",
        "code",
        "sports_text",
        "permit_number",
        "permit",
        "bank_name",
        "account_name",
        "masked_account",
        "is_large",
        "contact",
        "papers_shown",
        "twins_shown",
        "applied_at",
        "decided_at",
        "decided_by",
    ]
    actions_list = ["put_into_campaign", "import_file"]
    actions_detail = ["approve", "refuse", "suspend", "reinstate", "join_campaign"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Merchant]:
        # Not the parent's: it would order by the turn before there is one.
        rows = Merchant.objects.all()
        mine = districts_of(request.user)  # type: ignore[arg-type]
        if mine is not None:
            rows = rows.in_districts(mine)
        changes = MerchantChange.objects.filter(
            merchant=OuterRef("pk"), state=MerchantChange.State.ASKED
        )
        shops = Shop.objects.filter(merchant=OuterRef("pk"), waits_since__isnull=False)
        marked: QuerySet[Merchant] = rows.annotate(
            has_change=Exists(changes), has_shop=Exists(shops)
        ).annotate(
            turn=Case(
                When(state=State.APPLIED, then=0),
                When(has_change=True, then=1),
                When(state=State.APPROVED, has_shop=True, then=1),
                default=2,
                output_field=IntegerField(),
            )
        )
        return marked.select_related("contact", "decided_by")

    def get_ordering(self, request: HttpRequest) -> list[str]:
        return ["turn", "applied_at", "pk"]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        known = ("shops__district__id__exact", "participations__campaign__id__exact")
        return lookup in known or super().lookup_allowed(lookup, value, request)

    @display(
        description=gettext_lazy("state"),
        ordering="state",
        label={
            State.APPLIED: "warning",
            State.APPROVED: "success",
            State.REFUSED: "danger",
            State.SUSPENDED: "danger",
        },
    )
    def state_shown(self, merchant: Merchant) -> Badge:
        return Badge(merchant.state, str(merchant.get_state_display()))

    @display(description=gettext_lazy("to be done"))
    def waiting(self, merchant: Any) -> str:
        if merchant.state == State.APPLIED:
            return _("to be checked")
        if merchant.has_change:
            return _("a change to be checked")
        if merchant.has_shop and merchant.state == State.APPROVED:
            return _("a shop to be checked")
        permit = queries.permit_state(merchant, on=clock.today())
        return {
            "ends": _("permit running out"),
            "over": _("permit over"),
            "missing": _("permit over"),
        }.get(permit, "")

    @display(description=gettext_lazy("unified social credit code"))
    def code(self, merchant: Merchant) -> str:
        return f"{merchant.credit_code} · {verdict(merchant.credit_code)}"

    @display(description=gettext_lazy("sports"))
    def sports_text(self, merchant: Merchant) -> str:
        return ", ".join(merchant.sport_labels)

    @display(description=gettext_lazy("permit valid until"))
    def permit(self, merchant: Merchant) -> str:
        words = {
            "missing": _("missing"),
            "over": _("over"),
            "ends": _("runs out soon"),
            "valid": _("valid"),
        }.get(queries.permit_state(merchant, on=clock.today()), "–")
        return f"{merchant.permit_until or ''} {words}".strip()

    @display(description=gettext_lazy("licence and permit"))
    def papers_shown(self, merchant: Merchant) -> SafeString:
        return papers(merchant)

    @display(description=gettext_lazy("in common with other businesses"))
    def twins_shown(self, merchant: Merchant) -> SafeString:
        return twins(merchant)

    # --- Decisions ----------------------------------------------------------------

    def offers(self, name: str, row: Merchant, request: HttpRequest) -> bool:
        return row.state == _FITS.get(name, row.state) and super().offers(
            name, row, request
        )

    @action(
        description=gettext_lazy("Approve"), url_path="approve", permissions=["decide"]
    )
    def approve(self, request: StaffRequest, object_id: str) -> HttpResponse:
        merchant: Merchant = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Merchant]:
            merchant.applied_at = given["seen_at"]
            actions.approve_merchant(merchant=merchant, by=request.user)
            return _("The business is approved, with its shops."), merchant

        lead = _(
            "Compare with the licence: %(name)s, %(code)s. %(verdict)s Look at its "
            "shops (%(shops)s) and at what it has in common with others, and at the "
            "permit where a sport needs one: %(sports)s."
        ) % {
            "name": merchant.name,
            "code": merchant.credit_code,
            "verdict": verdict(merchant.credit_code),
            "shops": merchant.shops.count(),
            "sports": self.sports_text(merchant),
        }
        return ask(
            self,
            request,
            row=merchant,
            title=_("Approve: %(name)s") % {"name": merchant},
            form=SeenMerchant(request.POST or None, initial=_seen(merchant)),
            lead=lead,
            button=_("Approve"),
            act=act,
        )

    @action(
        description=gettext_lazy("Refuse"), url_path="refuse", permissions=["decide"]
    )
    def refuse(self, request: StaffRequest, object_id: str) -> HttpResponse:
        merchant: Merchant = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Merchant]:
            merchant.applied_at = given["seen_at"]
            actions.refuse_merchant(
                merchant=merchant, reason=given["reason"], by=request.user
            )
            return _("The managers are told to correct it."), merchant

        return ask(
            self,
            request,
            row=merchant,
            title=_("Refuse: %(name)s") % {"name": merchant},
            form=SeenMerchantReason(request.POST or None, initial=_seen(merchant)),
            button=_("Refuse"),
            act=act,
        )

    @action(
        description=gettext_lazy("Suspend"), url_path="suspend", permissions=["decide"]
    )
    def suspend(self, request: StaffRequest, object_id: str) -> HttpResponse:
        merchant: Merchant = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Merchant]:
            actions.suspend_merchant(
                merchant=merchant, reason=given["reason"], by=request.user
            )
            return _("Nothing is redeemed there from now on."), merchant

        return ask(
            self,
            request,
            row=merchant,
            title=_("Suspend: %(name)s") % {"name": merchant},
            form=ReasonForm(request.POST or None),
            lead=_("From now on nothing is redeemed there. All of it can be read."),
            button=_("Suspend"),
            act=act,
        )

    @action(
        description=gettext_lazy("Reinstate"),
        url_path="reinstate",
        permissions=["decide"],
    )
    def reinstate(self, request: StaffRequest, object_id: str) -> HttpResponse:
        merchant: Merchant = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Merchant]:
            actions.reinstate_merchant(
                merchant=merchant, reason=given["reason"], by=request.user
            )
            return _("Vouchers are redeemed there again."), merchant

        return ask(
            self,
            request,
            row=merchant,
            title=_("Reinstate: %(name)s") % {"name": merchant},
            form=ReasonForm(request.POST or None),
            button=_("Reinstate"),
            act=act,
        )


def _seen(merchant: Merchant) -> dict[str, str]:
    return {"seen_at": merchant.applied_at.isoformat()}
