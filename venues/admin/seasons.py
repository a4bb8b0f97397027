"""Seasons of clubs: opened, allocated, approved; invoices, and bank transfers."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from bureau.accounts import actions as accounts
from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.fields import MinuteOfDayFormField
from bureau.common.money import yuan
from bureau.payments.models import Payment
from venues import actions
from venues.admin.pages import ask, chosen_venue, show
from venues.admin.scope import (
    ForPostedStaff,
    ScopedAdmin,
    StaffRequest,
)
from venues.models import (
    Bookable,
    Club,
    Invoice,
    Season,
    SeasonRequest,
    TransferBack,
    Venue,
)
from venues.models.rules import Weekday
from venues.queries.seasons import WeeklyTime, seed_hash, weigh


class SeenClub(forms.Form):
    """What the staff looked at comes back with their click."""

    name = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)
    credit_code = forms.CharField(widget=forms.HiddenInput, required=False)
    priority = forms.IntegerField(widget=forms.HiddenInput, required=False)


class EmptyForm(forms.Form):
    """Nothing to fill in, only to confirm."""


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("The club will read it."),
    )


class ContactForm(forms.Form):
    """Who the new contact is, and why."""

    number = forms.CharField(
        label=gettext_lazy("Mobile number of the new contact"),
        max_length=30,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("They have confirmed their real name here."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Both contacts will read it."),
    )


class SeasonForm(forms.Form):
    name = forms.CharField(
        label=gettext_lazy("name"), max_length=60, widget=UnfoldAdminTextInputWidget
    )
    first_on = forms.DateField(
        label=gettext_lazy("first day"), widget=UnfoldAdminDateWidget
    )
    last_on = forms.DateField(
        label=gettext_lazy("last day"), widget=UnfoldAdminDateWidget
    )
    applies_until = forms.SplitDateTimeField(
        label=gettext_lazy("applications until"),
        widget=UnfoldAdminSplitDateTimeWidget,
    )


class MoveForm(ReasonForm):
    """Another weekly time for a request."""

    bookable = forms.ModelChoiceField(
        label=gettext_lazy("court"),
        queryset=Bookable.objects.none(),
        widget=UnfoldAdminSelectWidget,
    )
    weekday = forms.TypedChoiceField(
        label=gettext_lazy("weekday"),
        choices=Weekday.choices,
        coerce=int,
        widget=UnfoldAdminSelectWidget,
    )
    starts = MinuteOfDayFormField(
        label=gettext_lazy("from"), widget=UnfoldAdminTextInputWidget
    )
    ends = MinuteOfDayFormField(
        label=gettext_lazy("until"), widget=UnfoldAdminTextInputWidget
    )
    first_on = forms.DateField(
        label=gettext_lazy("first day"), widget=UnfoldAdminDateWidget
    )
    last_on = forms.DateField(
        label=gettext_lazy("last day"), widget=UnfoldAdminDateWidget
    )
    field_order = (
        "bookable",
        "weekday",
        "starts",
        "ends",
        "first_on",
        "last_on",
        "reason",
    )

    def __init__(self, *args: Any, request: SeasonRequest, **kwargs: Any) -> None:
        names = ("bookable", "weekday", "starts", "ends", "first_on", "last_on")
        kwargs["initial"] = {name: getattr(request, name) for name in names}
        super().__init__(*args, **kwargs)
        courts = request.season.venue.bookables.offered().in_order()
        self.fields["bookable"].queryset = courts  # type: ignore[attr-defined]


class TransferForm(forms.Form):
    reference = forms.CharField(
        label=gettext_lazy("reference of the transfer"),
        max_length=64,
        widget=UnfoldAdminTextInputWidget,
    )
    paid_on = forms.DateField(
        label=gettext_lazy("arrived on"), widget=UnfoldAdminDateWidget
    )


class TransferBackForm(forms.Form):
    reference = forms.CharField(
        label=gettext_lazy("reference of the transfer"),
        max_length=64,
        widget=UnfoldAdminTextInputWidget,
    )


@admin.register(Club)
class ClubAdmin(ReadOnly, HistoryFromAudit, ForPostedStaff):
    """Clubs belong to the whole city; staff check them once."""

    list_display = ["name", "credit_code", "priority", "contact", "is_approved"]
    list_filter = ["is_approved", "priority"]
    list_select_related = ["contact"]
    search_fields = ["name", "=credit_code"]
    ordering = ["is_approved", "name", "pk"]
    fields = readonly_fields = [
        "name",
        "credit_code",
        "priority",
        "contact",
        "is_approved",
        "refusal",
    ]
    actions_detail = ["approve", "refuse", "hand_over"]

    def offers(self, name: str, row: Club, request: HttpRequest) -> bool:
        return name == "hand_over" or not row.is_approved

    def has_check_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_club")

    @action(
        description=gettext_lazy("Approve"), url_path="approve", permissions=["check"]
    )
    def approve(self, request: StaffRequest, object_id: str) -> HttpResponse:
        club: Club = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Club]:
            club.name, club.credit_code = given["name"], given["credit_code"]
            club.priority = given["priority"]
            actions.approve_club(club=club, by=request.user)
            return _("The club is approved."), club

        lead = _(
            "Compare name, code and kind with the certificate or the public register: "
            "%(name)s, %(code)s, %(kind)s. The kind decides who comes first."
        ) % {
            "name": club.name,
            "code": club.credit_code,
            "kind": club.get_priority_display(),
        }
        return ask(
            self,
            request,
            row=club,
            title=_("Approve: %(club)s") % {"club": club},
            form=SeenClub(request.POST or None, initial=model_to_dict(club)),
            lead=lead,
            button=_("Approve"),
            act=act,
        )

    @action(
        description=gettext_lazy("Refuse"), url_path="refuse", permissions=["check"]
    )
    def refuse(self, request: StaffRequest, object_id: str) -> HttpResponse:
        club: Club = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Club]:
            actions.refuse_club(club=club, reason=given["reason"], by=request.user)
            return _("The contact is told to correct it."), club

        return ask(
            self,
            request,
            row=club,
            title=_("Refuse: %(club)s") % {"club": club},
            form=ReasonForm(request.POST or None),
            button=_("Refuse"),
            act=act,
        )

    @action(
        description=gettext_lazy("Hand to another contact"),
        url_path="hand-over",
        permissions=["check"],
    )
    def hand_over(self, request: StaffRequest, object_id: str) -> HttpResponse:
        club: Club = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Club]:
            contact = accounts.find_person(number=given["number"], by=request.user)
            actions.hand_over_club(
                club=club, contact=contact, reason=given["reason"], by=request.user
            )
            return _("The club has a new contact. Both are told."), club

        lead = _(
            "Ask both, or see the club's letter. Its requests, its invoices and its "
            "bookings to come move to the new contact, with new passes; what is over "
            "stays with the old one."
        )
        return ask(
            self,
            request,
            row=club,
            title=_("Hand to another contact: %(club)s") % {"club": club},
            form=ContactForm(request.POST or None),
            lead=lead,
            button=_("Hand over"),
            act=act,
        )


@admin.register(Season)
class SeasonAdmin(ReadOnly, ScopedAdmin):
    """Opened with a venue, allocated by the table; never edited: clubs rely on it."""

    list_display = ["name", "venue", "first_on", "last_on", "applies_until", "state"]
    list_filter = [
        "state",
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["venue"]
    search_fields = ["name", "venue__name", "venue__name_en"]
    ordering = ["-first_on", "-pk"]
    fields = readonly_fields = [
        "name",
        "venue",
        "first_on",
        "last_on",
        "applies_until",
        "state",
        "asked",
        "hash_of_seed",
    ]
    actions_detail = ["allocation"]

    @display(description=gettext_lazy("requests"))
    def asked(self, season: Season) -> int:
        return season.requests.count()

    @display(description=gettext_lazy("SHA-256 of the seed"))
    def hash_of_seed(self, season: Season) -> str:
        return seed_hash(season)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("venues.add_season")

    def has_allocate_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_season")

    def add_view(
        self, request: Any, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        venue = chosen_venue(self, request, title=_("Open a season: which venue?"))
        if not isinstance(venue, Venue):
            return venue

        def act(given: dict[str, Any]) -> tuple[str, Season]:
            season = actions.open_season(venue=venue, by=request.user, **given)
            return _("The season is open for applications."), season

        return ask(
            self,
            request,
            title=_("Open a season: %(venue)s") % {"venue": venue},
            form=SeasonForm(request.POST or None),
            lead=_("Approved clubs can ask for weekly times at once."),
            button=_("Open the season"),
            act=act,
        )

    @action(
        description=gettext_lazy("Allocation"),
        url_path="allocation",
        permissions=["allocate"],
    )
    def allocation(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """The table of who comes first and what is in the way; propose, approve."""
        season: Season = self.get_object(request, object_id)
        form = EmptyForm(request.POST or None)
        if form.is_valid():
            try:
                told = self._carry_out(request, season)
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, told)
                return HttpResponseRedirect(request.path)
        season.refresh_from_db()
        rows = weigh(season, at=clock.now(), afresh=False)
        return show(
            self,
            request,
            "admin/venues/allocation.html",
            row=season,
            title=_("Allocation: %(season)s") % {"season": season},
            form=form,
            season=season,
            rows=[(row, WeeklyTime.of(row.request)) for row in rows],
            proposed=sum(row.request.state == "proposed" for row in rows),
            approved=sum(row.request.state == "approved" for row in rows),
        )

    def _carry_out(self, request: StaffRequest, season: Season) -> str:
        if "approve" not in request.POST:
            actions.propose_allocation(season=season, by=request.user)
            return _("The proposal is made. Look through it, then approve it.")
        approved = actions.approve_proposal(season=season, by=request.user)
        words = ngettext(
            "%(number)s request is approved. Its dates are being booked.",
            "%(number)s requests are approved. Their dates are being booked.",
            len(approved),
        )
        return words % {"number": len(approved)}


@admin.register(SeasonRequest)
class SeasonRequestAdmin(ReadOnly, ScopedAdmin):
    district_path = "season__venue__district"
    list_display = ["number", "club", "season", "time", "wish", "state"]
    list_filter = [
        "state",
        ("season__venue__district", admin.RelatedOnlyFieldListFilter),
        ("season", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["club", "season__venue", "bookable__venue"]
    search_fields = ["=number", "club__name"]
    ordering = ["-asked_at", "-pk"]
    fields = readonly_fields = [
        "number",
        "season",
        "club",
        "bookable",
        "time",
        "first_on",
        "last_on",
        "wish",
        "note",
        "state",
        "asked_at",
        "decided_at",
        "decided_by",
        "reason",
        "skipped_dates",
    ]
    actions_detail = ["approve", "move", "deny"]

    def offers(self, name: str, row: SeasonRequest, request: HttpRequest) -> bool:
        asked = SeasonRequest.State
        return row.state in (asked.ASKED, asked.PROPOSED)

    @display(description=gettext_lazy("weekly time"))
    def time(self, request: SeasonRequest) -> str:
        return WeeklyTime.of(request).in_words

    @display(description=gettext_lazy("skipped dates"))
    def skipped_dates(self, request: SeasonRequest) -> SafeString:
        rows = request.skipped.order_by("on").values_list("on", "reason")
        return format_html_join("", "<p>{} {}</p>", rows) or SafeString("–")

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_seasonrequest")

    @action(
        description=gettext_lazy("Approve"), url_path="approve", permissions=["decide"]
    )
    def approve(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: SeasonRequest = self.get_object(request, object_id)

        def act(_given: dict[str, Any]) -> tuple[str, Invoice]:
            invoice = actions.approve_request(request=row, by=request.user)
            skipped = row.skipped.count()
            words = _("Booked: %(booked)s dates; skipped: %(skipped)s.")
            counts = {"booked": invoice.bookings.count(), "skipped": skipped}
            return words % counts, invoice

        return ask(
            self,
            request,
            row=row,
            title=_("Approve: %(request)s") % {"request": row},
            form=EmptyForm(request.POST or None),
            lead=_(
                "Every date that is still free is booked, the others are skipped with "
                "their reason, and the club gets its invoice."
            ),
            button=_("Approve"),
            act=act,
        )

    @action(
        description=gettext_lazy("Propose another time"),
        url_path="move",
        permissions=["decide"],
    )
    def move(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: SeasonRequest = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, SeasonRequest]:
            reason = given.pop("reason")
            weekly = WeeklyTime(bookable_id=given.pop("bookable").pk, **given)
            actions.move_request(
                request=row, weekly=weekly, reason=reason, by=request.user
            )
            return _("The request is proposed for this time."), row

        return ask(
            self,
            request,
            row=row,
            title=_("Propose another time: %(request)s") % {"request": row},
            form=MoveForm(request.POST or None, request=row),
            button=_("Propose this time"),
            act=act,
        )

    @action(description=gettext_lazy("Deny"), url_path="deny", permissions=["decide"])
    def deny(self, request: StaffRequest, object_id: str) -> HttpResponse:
        row: SeasonRequest = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, SeasonRequest]:
            actions.deny_request(request=row, reason=given["reason"], by=request.user)
            return _("The request is denied."), row

        return ask(
            self,
            request,
            row=row,
            title=_("Deny: %(request)s") % {"request": row},
            form=ReasonForm(request.POST or None),
            button=_("Deny"),
            act=act,
        )


@admin.register(Invoice)
class InvoiceAdmin(ReadOnly, ScopedAdmin):
    district_path = "request__season__venue__district"
    list_display = ["number", "club", "season", "total", "state", "due_on"]
    list_filter = [
        "state",
        ("request__season__venue__district", admin.RelatedOnlyFieldListFilter),
        ("request__season__venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["club", "request__season__venue"]
    search_fields = ["=number", "club__name"]
    date_hierarchy = "issued_at"
    ordering = ["-issued_at", "-pk"]
    fields = readonly_fields = [
        "number",
        "request",
        "club",
        "state",
        "total",
        "kept",
        "issued_at",
        "due_on",
        "reminded_at",
        "reminded_late_at",
        "paid_at",
        "transfer_reference",
        "transfer_noted_by",
        "money",
    ]
    actions_detail = ["note_transfer"]

    def offers(self, name: str, row: Invoice, request: HttpRequest) -> bool:
        return row.state == Invoice.State.OPEN

    @display(description=gettext_lazy("season"))
    def season(self, invoice: Invoice) -> str:
        return str(invoice.request.season)

    @display(description=gettext_lazy("total, yuan"), ordering="total_fen")
    def total(self, invoice: Invoice) -> str:
        return yuan(invoice.total_fen)

    @display(description=gettext_lazy("kept for what was given up, yuan"))
    def kept(self, invoice: Invoice) -> str:
        return yuan(invoice.retained_fen)

    @display(description=gettext_lazy("payments and refunds"))
    def money(self, invoice: Invoice) -> SafeString:
        told = [
            f"{payment.number} {payment.get_state_display()} "
            f"¥{yuan(payment.amount_fen)} - ¥{yuan(payment.refunded_fen)}"
            for payment in Payment.objects.for_owner(invoice).order_by("pk")
        ]
        told += [
            f"{transfer.reason} ¥{yuan(transfer.fen)} {transfer.reference}"
            for transfer in invoice.transfers_back.order_by("pk")
        ]
        return format_html_join("", "<p>{}</p>", ((one,) for one in told)) or (
            SafeString("–")
        )

    def has_note_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_invoice")

    @action(
        description=gettext_lazy("Note a transfer"),
        url_path="note-transfer",
        permissions=["note"],
    )
    def note_transfer(self, request: StaffRequest, object_id: str) -> HttpResponse:
        invoice: Invoice = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Invoice]:
            actions.note_transfer(invoice=invoice, by=request.user, **given)
            return _("The invoice is paid."), invoice

        lead = _("The account shows the whole sum: %(sum)s yuan, no more and no less.")
        return ask(
            self,
            request,
            row=invoice,
            title=_("Paid by transfer: %(invoice)s") % {"invoice": invoice},
            form=TransferForm(request.POST or None, initial={"paid_on": clock.today()}),
            lead=lead % {"sum": yuan(invoice.total_fen)},
            button=_("It has arrived"),
            act=act,
        )


@admin.register(TransferBack)
class TransferBackAdmin(ReadOnly, ScopedAdmin):
    """What staff have to pay back by transfer; the open ones first."""

    district_path = "invoice__request__season__venue__district"
    list_display = ["invoice", "club", "sum", "reason", "asked_at", "done_at"]
    list_filter = [("done_at", admin.EmptyFieldListFilter)]
    list_select_related = ["invoice__club", "done_by"]
    search_fields = ["=invoice__number", "invoice__club__name", "reference"]
    ordering = ["-done_at", "asked_at", "pk"]  # NULL is the greatest: open ones first
    fields = readonly_fields = [
        "invoice",
        "booking",
        "club",
        "sum",
        "reason",
        "asked_at",
        "done_at",
        "done_by",
        "reference",
    ]
    actions_detail = ["note_done"]

    def offers(self, name: str, row: TransferBack, request: HttpRequest) -> bool:
        return row.done_at is None

    @display(description=gettext_lazy("club"))
    def club(self, transfer: TransferBack) -> str:
        return transfer.invoice.club.name

    @display(description=gettext_lazy("yuan"), ordering="fen")
    def sum(self, transfer: TransferBack) -> str:
        return yuan(transfer.fen)

    def has_note_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_transferback")

    @action(
        description=gettext_lazy("Paid back"), url_path="done", permissions=["note"]
    )
    def note_done(self, request: StaffRequest, object_id: str) -> HttpResponse:
        transfer: TransferBack = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, TransferBack]:
            actions.note_transfer_back(transfer=transfer, by=request.user, **given)
            return _("Noted. The club is told."), transfer

        return ask(
            self,
            request,
            row=transfer,
            title=_("Paid back: %(transfer)s") % {"transfer": transfer},
            form=TransferBackForm(request.POST or None),
            button=_("It is paid back"),
            act=act,
        )
