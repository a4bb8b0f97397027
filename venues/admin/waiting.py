"""Who waits for what, and which bookings were changed: to look at, not to arrange.

Nobody is moved up in a line by hand: the order is a promise.
"""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import display

from bureau.audit.admin import ReadOnly
from bureau.common import clock
from bureau.common.money import yuan
from venues.admin.scope import ScopedAdmin
from venues.models import BookingChange, WaitingEntry
from venues.queries import people_ahead


@admin.register(WaitingEntry)
class WaitingEntryAdmin(ReadOnly, ScopedAdmin):
    list_display = ["when", "venue", "where", "who", "state", "joined_at", "offer"]
    list_filter = [
        "state",
        "sport",
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
        ("starts_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    list_select_related = [
        "venue",
        "bookable",
        "session",
        "person",
        "dependant",
        "booking",
    ]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["=person__phone", "=booking__number", "venue__name"]
    search_help_text = gettext_lazy("Mobile number, booking number, or venue")
    ordering = ["-starts_at", "turn", "joined_at", "pk"]
    fields = readonly_fields = [
        "who",
        "venue",
        "where",
        "when",
        "state",
        "ahead",
        "turn",
        "joined_at",
        "offered_at",
        "offer",
    ]

    @display(description=gettext_lazy("time"), ordering="starts_at")
    def when(self, entry: WaitingEntry) -> str:
        return clock.at_text(entry.starts_at)

    @display(description=gettext_lazy("court"))
    def where(self, entry: WaitingEntry) -> str:
        if entry.session:
            return f"{entry.session.name} × {entry.places}"
        if entry.bookable:
            return entry.bookable.name
        return _("any court for %(sport)s") % {"sport": entry.get_sport_display()}

    @display(description=gettext_lazy("person"))
    def who(self, entry: WaitingEntry) -> str:
        name = entry.person.display_name
        return f"{name} ({entry.dependant})" if entry.dependant else name

    @display(description=gettext_lazy("people ahead"))
    def ahead(self, entry: WaitingEntry) -> str:
        return str(people_ahead([entry])[entry.pk]) if entry.is_live else "–"

    @display(description=gettext_lazy("offered booking"))
    def offer(self, entry: WaitingEntry) -> str:
        return entry.booking.number if entry.booking else "–"


@admin.register(BookingChange)
class BookingChangeAdmin(ReadOnly, ScopedAdmin):
    district_path = "booking__venue__district"
    list_display = ["number", "booking", "venue", "state", "money", "created_at"]
    list_filter = [
        "state",
        ("booking__venue__district", admin.RelatedOnlyFieldListFilter),
        ("created_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    list_select_related = ["booking__venue", "asked_by"]
    list_per_page = 50
    show_full_result_count = False
    search_fields = ["=number", "=booking__number"]
    search_help_text = gettext_lazy("Number of the change or of the booking")
    ordering = ["-created_at", "-pk"]
    fields = readonly_fields = [
        "number",
        "booking",
        "venue",
        "asked_by",
        "state",
        "leaves",
        "arrives",
        "money",
        "created_at",
        "hold_until",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("booking__venue")

    @display(description=gettext_lazy("venue"))
    def venue(self, change: BookingChange) -> str:
        return str(change.booking.venue)

    @display(description=gettext_lazy("difference, yuan"))
    def money(self, change: BookingChange) -> str:
        if change.refund_fen:
            return f"-{yuan(change.refund_fen)}"
        return yuan(change.pay_fen)

    @display(description=gettext_lazy("leaves"))
    def leaves(self, change: BookingChange) -> str:
        return "; ".join(str(line) for line in _in_order(change.leaving))

    @display(description=gettext_lazy("arrives"))
    def arrives(self, change: BookingChange) -> str:
        return "; ".join(str(line) for line in _in_order(change.arriving))


def _in_order(lines: Any) -> Any:
    return lines.select_related("bookable__venue").order_by("starts_at", "pk")
