from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import TabularInline
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from bureau.audit.admin import ReadOnly
from bureau.common import clock, codes
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from bureau.common.staff_tables import Badge
from bureau.payments.models import Payment
from venues import actions
from venues.admin.forms import CallOffForm
from venues.admin.pages import show
from venues.admin.scope import ScopedAdmin, StaffRequest
from venues.models import Admission, Booking, BookingLine, EntryPass
from venues.models.rules import PriceGroup

MOST_AT_ONCE = 200


class LineInline(TabularInline):
    model = BookingLine
    extra = 0
    can_delete = False
    fields = readonly_fields = ["court", "when", "state", "price", "breakdown"]

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    def get_queryset(self, request: HttpRequest) -> QuerySet[BookingLine]:
        rows: QuerySet[BookingLine] = super().get_queryset(request)
        return rows.select_related("bookable__venue").order_by("starts_at", "pk")

    @display(description=gettext_lazy("court"))
    def court(self, line: BookingLine) -> str:
        return line.bookable.name

    @display(description=gettext_lazy("when"))
    def when(self, line: BookingLine) -> str:
        return _period(line.starts_at, line.ends_at)

    @display(description=gettext_lazy("yuan"))
    def price(self, line: BookingLine) -> str:
        return yuan(line.price_fen)

    @display(description=gettext_lazy("price breakdown"))
    def breakdown(self, line: BookingLine) -> SafeString:
        return _breakdown(line)


class PassInline(TabularInline):
    model = EntryPass
    extra = 0
    can_delete = False
    fields = readonly_fields = ["code", "state", "issued_at", "entered"]

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    @display(description=gettext_lazy("let in"))
    def entered(self, entry_pass: EntryPass) -> str:
        return _entered(entry_pass)


@admin.register(Booking)
class BookingAdmin(ReadOnly, ScopedAdmin):
    list_display = [
        "number",
        "venue",
        "who",
        "when",
        "total",
        "state_now",
    ]
    list_filter = [
        "state",
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
        ("starts_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    list_select_related = ["venue", "booked_by", "dependant"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["=number", "=booked_by__phone", "venue__name", "venue__name_en"]
    search_help_text = gettext_lazy("Booking number, mobile number, or venue")
    date_hierarchy = "starts_at"
    ordering = ["-starts_at", "-pk"]
    inlines = [LineInline, PassInline]
    actions = ["call_off"]
    fields = readonly_fields = [
        "number",
        "venue",
        "who",
        "state_now",
        "starts_at",
        "ends_at",
        "total",
        "created_at",
        "hold_until",
        "cancelled_at",
        "cancel_reason",
        "money",
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """A number may be typed as it is printed, in groups and with an O for a 0."""
        typed = codes.normalise(search_term)
        if len(typed) == codes.LENGTH and not set(typed) - set(codes.ALPHABET):
            return queryset.filter(number=typed), False
        return super().get_search_results(request, queryset, search_term)

    @display(description=gettext_lazy("booked by"))
    def who(self, booking: Booking) -> str:
        person = str(booking.booked_by)
        if booking.dependant is None:
            return person
        return _("%(person)s for %(other)s") % {
            "person": person,
            "other": booking.dependant,
        }

    @display(description=gettext_lazy("when"), ordering="starts_at")
    def when(self, booking: Booking) -> str:
        return _period(booking.starts_at, booking.ends_at)

    @display(description=gettext_lazy("total, yuan"), ordering="total_fen")
    def total(self, booking: Booking) -> str:
        return yuan(booking.total_fen)

    @display(
        description=gettext_lazy("state"),
        ordering="state",
        label={
            "held": "warning",
            "confirmed": "success",
            "cancelled": "info",
            "expired": "info",
            "no_show": "danger",
        },
    )
    def state_now(self, booking: Booking) -> Badge:
        shown = Booking.State(booking.shown_state_at(clock.now()))
        return Badge(shown.value, str(shown.label))

    @display(description=gettext_lazy("payments and refunds"))
    def money(self, booking: Booking) -> SafeString:
        payments = Payment.objects.for_owner(booking).prefetch_related("refunds")
        return format_html_join(
            "",
            "<p>{}</p>",
            ((line,) for payment in payments.order_by("pk") for line in _told(payment)),
        ) or SafeString("–")

    def has_call_off_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("venues.change_booking")

    @admin.action(
        description=gettext_lazy("Call off and refund"), permissions=["call_off"]
    )
    def call_off(
        self, request: StaffRequest, queryset: QuerySet[Booking]
    ) -> HttpResponse | None:
        """Ask for the reason first; one refusal does not keep the others."""
        chosen = queryset.order_by("starts_at", "pk")
        if chosen.count() > MOST_AT_ONCE:
            messages.error(
                request, _("At most %(most)s at once.") % {"most": MOST_AT_ONCE}
            )
            return None
        form = CallOffForm(request.POST if "confirmed" in request.POST else None)
        if form.is_valid():
            reason = form.cleaned_data["reason"]
            self._call_off(request, chosen, reason=reason)
            return None
        return show(
            self,
            request,
            "admin/venues/call_off.html",
            title=_("Call off and refund"),
            form=form,
            bookings=chosen,
            total_fen=sum(booking.total_fen for booking in chosen),
            checkbox_name=ACTION_CHECKBOX_NAME,
        )

    def _call_off(
        self, request: StaffRequest, chosen: QuerySet[Booking], *, reason: str
    ) -> None:
        done = 0
        for booking in chosen:
            try:
                actions.call_off_booking(
                    booking=booking, reason=reason, by=request.user
                )
            except DomainError as refusal:
                messages.error(request, f"{booking.number}: {refusal}")
            else:
                done += 1
        if done:
            told = ngettext(
                "%(count)s booking is called off.",
                "%(count)s bookings are called off.",
                done,
            )
            messages.success(request, told % {"count": done})


@admin.register(EntryPass)
class EntryPassAdmin(ReadOnly, ScopedAdmin):
    """The code alone opens no gate: the key behind the live proof is never shown."""

    district_path = "booking__venue__district"
    list_display = ["__str__", "booking", "venue", "state", "issued_at", "entered"]
    list_filter = [
        "state",
        ("booking__venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["booking__venue", "admission"]
    search_fields = ["=code", "=booking__number"]
    date_hierarchy = "issued_at"
    ordering = ["-issued_at", "-pk"]
    show_full_result_count = False
    fields = readonly_fields = [
        "code",
        "booking",
        "venue",
        "state",
        "issued_at",
        "entered",
    ]

    @display(description=gettext_lazy("venue"))
    def venue(self, entry_pass: EntryPass) -> str:
        return str(entry_pass.booking.venue)

    @display(description=gettext_lazy("let in"))
    def entered(self, entry_pass: EntryPass) -> str:
        return _entered(entry_pass)


@admin.register(Admission)
class AdmissionAdmin(ReadOnly, ScopedAdmin):
    list_display = ["admitted_at", "venue", "entry_pass", "admitted_by"]
    list_filter = [
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["venue", "entry_pass", "admitted_by"]
    search_fields = ["=entry_pass__code", "=entry_pass__booking__number"]
    date_hierarchy = "admitted_at"
    ordering = ["-admitted_at", "-pk"]
    show_full_result_count = False
    fields = readonly_fields = ["admitted_at", "venue", "entry_pass", "admitted_by"]


def _period(starts_at: datetime, ends_at: datetime) -> str:
    """On one line, since a booking lies within one day: 2026-11-22 21:00–24:00."""
    ends = f"{ends_at.astimezone(clock.CHINA):%H:%M}"
    return f"{clock.at_text(starts_at)}–{'24:00' if ends == '00:00' else ends}"


def _breakdown(line: BookingLine) -> SafeString:
    """How the price came about: a row each for the rate, for whom, and the rule."""
    quote = line.quote
    rows: list[tuple[str, str | SafeString]] = []
    if "fen_per_hour" in quote:
        rows.append((_("yuan per hour"), yuan(quote["fen_per_hour"])))
    if "group" in quote:
        known = dict(PriceGroup.choices)
        rows.append((_("for"), str(known.get(quote["group"], quote["group"]))))
    for tickets in quote.get("tickets", ()):
        words = _("reduced tickets") if tickets["reduced"] else _("tickets")
        rows.append((words, f"{tickets['places']} × {yuan(tickets['fen'])}"))
    if rule := quote.get("rule"):
        address = reverse("admin:venues_pricerule_change", args=[rule])
        link = format_html('<a class="underline" href="{}">{}</a>', address, rule)
        rows.append((_("price rule"), link))
    cells = format_html_join(
        "", '<tr><th class="pr-4 text-left font-normal">{}</th><td>{}</td></tr>', rows
    )
    return format_html("<table>{}</table>", cells) if rows else SafeString("–")


def _entered(entry_pass: EntryPass) -> str:
    admission = getattr(entry_pass, "admission", None)
    return clock.at_text(admission.admitted_at) if admission else "–"


def _told(payment: Payment) -> list[SafeString]:
    """A payment and its refunds, one line each."""
    lines = [
        format_html(
            "{} · ¥{} · {} · {}",
            payment.number,
            yuan(payment.amount_fen),
            payment.get_state_display(),
            clock.at_text(payment.paid_at or payment.created_at),
        )
    ]
    lines += [
        format_html(
            "↩ {} · ¥{} · {} · {}",
            refund.number,
            yuan(refund.amount_fen),
            refund.get_state_display(),
            clock.at_text(refund.done_at or refund.created_at),
        )
        for refund in payment.refunds.all()
    ]
    return lines
