"""Businesses: what waits is first; checked, suspended, put into campaigns, imported."""

from __future__ import annotations

import base64
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Exists, IntegerField, OuterRef, QuerySet, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import TabularInline
from unfold.decorators import action, display

from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common import clock, credit_codes
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from bureau.common.workbooks import CONTENT_TYPE
from bureau.photos.models import Photo
from bureau.regions.queries import districts_of
from venues.admin.pages import ask, page_of, show
from venues.admin.places import PinWidget, SportFilter
from venues.admin.scope import OrNotFound, ScopedAdmin, StaffRequest
from vouchers import actions, queries
from vouchers.actions.merchant_imports import Outcome, read_rows, template
from vouchers.admin.shop_map import ShopMapPages
from vouchers.errors.merchants import PartRefused
from vouchers.forms.staff_merchants import (
    ImportForm,
    PartForm,
    ReasonForm,
    SeenMerchant,
    SeenMerchantReason,
    SeenShop,
    YesForm,
)
from vouchers.models import (
    Device,
    Member,
    Merchant,
    MerchantChange,
    Participation,
    Shop,
)
from vouchers.queries.merchants import ENDS_SOON

State = Merchant.State


class _LookOnlyInline(TabularInline):
    extra = 0
    can_delete = False
    tab = True

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    def has_change_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


class ShopInline(_LookOnlyInline):
    model = Shop
    fields = readonly_fields = ["name", "district", "address", "is_open", "waits_since"]
    show_change_link = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[Shop]:
        rows: QuerySet[Shop] = super().get_queryset(request)
        return rows.select_related("district", "merchant").order_by("name", "pk")


class MemberInline(_LookOnlyInline):
    model = Member
    fields = readonly_fields = ["name", "person", "role", "joined_at", "left_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Member]:
        rows: QuerySet[Member] = super().get_queryset(request)
        return rows.select_related("person", "merchant").order_by("left_at", "pk")


class PartInline(_LookOnlyInline):
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


class _Decides:
    """Who may decide about businesses."""

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("vouchers.decide_merchant")


def papers(row: Merchant | MerchantChange) -> SafeString:
    """Photos of licence and permit; the same file sent for another is said so."""
    found = []
    for photo in queries.papers_of(row):
        again = Photo.objects.used_before(photo).count()
        words = _("This very file was sent before for something else.") if again else ""
        address, what = photo.get_absolute_url(), photo.get_purpose_display()
        found.append((address, address, what, what, words))
    return format_html_join(
        "",
        '<figure class="inline-block mr-4"><a href="{}"><img src="{}" width="320" '
        'alt="{}"></a><figcaption>{} <strong>{}</strong></figcaption></figure>',
        found,
    ) or SafeString("–")


def verdict(code: str) -> str:
    """What the check digit says of a code."""
    try:
        credit_codes.parse(code)
    except credit_codes.BadCreditCode:
        return _("The check digit is wrong.")
    return _("The check digit is right.")


def twins(merchant: Merchant, change: MerchantChange | None = None) -> SafeString:
    """Other businesses with something in common."""
    rows = [
        (page_of(twin.merchant), twin.merchant, twin.same)
        for twin in queries.twins_of(merchant, change)
    ]
    line = '<p><a class="text-primary-600 underline" href="{}">{}</a>: {}</p>'
    return format_html_join("", line, rows) or SafeString("–")


@admin.register(Merchant)
class MerchantAdmin(_Decides, ReadOnly, HistoryFromAudit, OrNotFound):
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
    def state_shown(self, merchant: Merchant) -> tuple[str, str]:
        return merchant.state, str(merchant.get_state_display())

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

    # --- Campaigns ----------------------------------------------------------------

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
        mine = self.get_queryset(request).filter(state=State.APPROVED)
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

    # --- Import -------------------------------------------------------------------

    @action(
        description=gettext_lazy("Import"), url_path="import", permissions=["decide"]
    )
    def import_file(self, request: StaffRequest) -> HttpResponse:
        """Look first, then enter: the second step brings the same file along."""
        if districts_of(request.user) is not None:
            raise PermissionDenied  # shops of all districts may be in it
        if "template" in request.GET:
            response = HttpResponse(template(), content_type=CONTENT_TYPE)
            response["Content-Disposition"] = 'attachment; filename="merchants.xlsx"'
            return response
        form = ImportForm(request.POST or None, request.FILES or None)
        outcomes: list[Outcome] = []
        content = b""
        if form.is_valid():
            content = form.content
            is_sure = "enter" in request.POST
            try:
                outcomes = actions.import_merchants(
                    rows=read_rows(content), dry_run=not is_sure, by=request.user
                )
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                wrong = any(one.what == "wrong" for one in outcomes)
                if is_sure and not wrong:
                    messages.success(request, _told(outcomes))
                    return HttpResponseRedirect(
                        reverse("admin:vouchers_merchant_changelist")
                    )
        return show(
            self,
            request,
            "admin/vouchers/import_merchants.html",
            title=_("Import businesses and shops"),
            form=form,
            outcomes=outcomes,
            is_good=bool(outcomes) and all(one.what != "wrong" for one in outcomes),
            told=_told(outcomes),
            content=base64.b64encode(content).decode(),
        )


def _told(outcomes: list[Outcome]) -> str:
    counts = dict.fromkeys(("new", "shop", "same", "wrong"), 0)
    for outcome in outcomes:
        counts[outcome.what] += 1
    words = _(
        "New businesses: %(new)s; further shops: %(shop)s; known already: %(same)s; "
        "wrong: %(wrong)s."
    )
    return words % counts


def _seen(merchant: Merchant) -> dict[str, str]:
    return {"seen_at": merchant.applied_at.isoformat()}


@admin.register(MerchantChange)
class MerchantChangeAdmin(_Decides, ReadOnly, HistoryFromAudit, OrNotFound):
    """What approved businesses want to have changed, beside what is in force."""

    list_display = ["merchant", "what", "state", "asked_at", "asked_by"]
    list_filter = ["state"]
    list_select_related = ["merchant", "asked_by"]
    search_fields = ["merchant__name", "=merchant__credit_code"]
    fields = readonly_fields = [
        "merchant",
        "state",
        "reason",
        "what",
        "papers_shown",
        "twins_shown",
        "asked_at",
        "asked_by",
        "decided_at",
        "decided_by",
    ]
    actions_detail = ["approve", "refuse"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[MerchantChange]:
        rows: QuerySet[MerchantChange] = MerchantChange.objects.all()
        mine = districts_of(request.user)  # type: ignore[arg-type]
        if mine is not None:
            firms = Merchant.objects.in_districts(mine)
            rows = rows.filter(merchant__in=firms.values("pk"))
        return rows.annotate(
            turn=Case(When(state="asked", then=0), default=1)
        ).select_related("merchant", "asked_by", "decided_by")

    def get_ordering(self, request: HttpRequest) -> list[str]:
        return ["turn", "-asked_at", "-pk"]

    @display(description=gettext_lazy("what changes"))
    def what(self, change: MerchantChange) -> SafeString:
        now = change.merchant
        rows = []
        for name in _COMPARED:
            old, new = getattr(now, name), getattr(change, name)
            if old != new:
                label = Merchant._meta.get_field(name).verbose_name  # type: ignore[union-attr]
                rows.append((label, _plain(old), _plain(new)))
        # Two numbers may look alike when they are masked; both are sealed.
        return format_html_join("", "<p>{}: {} → {}</p>", rows) or SafeString(
            _("only photos, or digits of the account that are masked")
        )

    @display(description=gettext_lazy("licence and permit"))
    def papers_shown(self, change: MerchantChange) -> SafeString:
        return papers(change)

    @display(description=gettext_lazy("in common with other businesses"))
    def twins_shown(self, change: MerchantChange) -> SafeString:
        return twins(change.merchant, change)

    @action(
        description=gettext_lazy("Approve"), url_path="approve", permissions=["decide"]
    )
    def approve(self, request: StaffRequest, object_id: str) -> HttpResponse:
        change: MerchantChange = self.get_object(request, object_id)

        def act(_given: dict[str, Any]) -> tuple[str, MerchantChange]:
            actions.approve_change(change=change, by=request.user)
            return _("The change is in force."), change

        return ask(
            self,
            request,
            row=change,
            title=_("Approve the change: %(name)s") % {"name": change},
            form=YesForm(request.POST or None),
            lead=format_html(
                "{} {}",
                _("It is in force at once, also for the next settlement."),
                self.what(change),
            ),
            button=_("Approve"),
            act=act,
        )

    @action(
        description=gettext_lazy("Refuse"), url_path="refuse", permissions=["decide"]
    )
    def refuse(self, request: StaffRequest, object_id: str) -> HttpResponse:
        change: MerchantChange = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, MerchantChange]:
            actions.refuse_change(
                change=change, reason=given["reason"], by=request.user
            )
            return _("What was in force stays. The managers are told."), change

        return ask(
            self,
            request,
            row=change,
            title=_("Refuse the change: %(name)s") % {"name": change},
            form=ReasonForm(request.POST or None),
            button=_("Refuse"),
            act=act,
        )


_COMPARED = (
    "name",
    "credit_code",
    "sports",
    "permit_number",
    "permit_until",
    "bank_name",
    "account_name",
    "masked_account",
)


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return "–" if value in (None, "") else str(value)


@admin.register(Shop)
class ShopAdmin(ShopMapPages, _Decides, ReadOnly, ScopedAdmin):
    """Shops of the reader's districts; new and moved ones first."""

    district_path = "district"
    list_display = ["name", "merchant", "district", "address", "is_open", "waits_since"]
    list_filter = [
        ("waits_since", admin.EmptyFieldListFilter),
        "is_open",
        SportFilter,
        ("district", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["merchant", "district"]
    search_fields = ["name", "address", "merchant__name", "=number"]
    ordering = ["waits_since", "merchant__name", "name", "pk"]  # NULL is the greatest
    fields = readonly_fields = [
        "number",
        "name",
        "merchant",
        "district",
        "address",
        "phone",
        "place",
        "sports_text",
        "is_open",
        "waits_since",
    ]
    actions_list = ["shops_map"]
    actions_detail = ["look"]

    @display(description=gettext_lazy("latitude, longitude (WGS-84)"))
    def place(self, shop: Shop) -> str:
        return shop.centre

    @display(description=gettext_lazy("sports"))
    def sports_text(self, shop: Shop) -> str:
        return ", ".join(shop.sport_labels)

    @action(
        description=gettext_lazy("On the map, and check"),
        url_path="look",
        permissions=["decide"],
    )
    def look(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """Where it is; a shop that waits is let in."""
        shop: Shop = self.get_object(request, object_id)
        initial = {
            "seen_at": shop.waits_since.isoformat() if shop.waits_since else "",
            "location": shop.location,
        }

        def act(given: dict[str, Any]) -> tuple[str, Shop]:
            shop.waits_since = given["seen_at"]
            actions.check_shop(shop=shop, by=request.user)
            return _("The shop takes vouchers."), shop

        nonce = getattr(request, "csp_nonce", None)
        return ask(
            self,
            request,
            row=shop,
            title=_("Check: %(shop)s") % {"shop": shop},
            form=SeenShop(
                request.POST or None, initial=initial, pin=PinWidget, nonce=nonce
            ),
            lead=f"{shop.merchant}: {shop.district}, {shop.address} ({shop.centre})",
            button=_("The shop takes vouchers"),
            act=act,
        )


@admin.register(Participation)
class ParticipationAdmin(_Decides, ReadOnly, HistoryFromAudit, OrNotFound):
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


@admin.register(Device)
class DeviceAdmin(ReadOnly, HistoryFromAudit, OrNotFound):
    """What is redeemed on; managers block, staff look."""

    list_display = ["name", "member", "merchant", "last_seen_at", "blocked_at"]
    list_filter = [("blocked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["member__merchant"]
    search_fields = ["member__merchant__name", "member__name"]
    ordering = ["-last_seen_at", "-pk"]
    fields = readonly_fields = [
        "name",
        "member",
        "merchant",
        "first_seen_at",
        "last_seen_at",
        "blocked_at",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Device]:
        rows: QuerySet[Device] = super().get_queryset(request)
        mine = districts_of(request.user)  # type: ignore[arg-type]
        if mine is not None:
            firms = Merchant.objects.in_districts(mine)
            rows = rows.filter(member__merchant__in=firms.values("pk"))
        return rows.select_related("member__merchant")

    @display(description=gettext_lazy("merchant"))
    def merchant(self, device: Device) -> str:
        return device.member.merchant.name
