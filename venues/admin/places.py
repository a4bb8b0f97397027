from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import transaction
from django.db.models import QuerySet
from django.forms import Media
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from leaflet.admin import LeafletAdminWidget, LeafletGeoAdminMixin
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action, display

from bureau.common import clock
from bureau.common.sports import Sport
from bureau.common.words import listed
from venues import actions
from venues.admin.forms import BandsFormSet, PinForm
from venues.admin.pages import day_types_page, hours_page, prices_page
from venues.admin.scope import ScopedAdmin, StaffRequest
from venues.admin.statistics import StatisticsPages
from venues.admin.subsidies import SubsidyPages
from venues.models import (
    Bookable,
    BookableUnit,
    BookingLine,
    CancelBand,
    OpenSession,
    Unit,
    Venue,
    VenueStaff,
)
from venues.querysets import UnitQuerySet, VenueQuerySet


class SportFilter(admin.SimpleListFilter):
    title = _("sport")
    parameter_name = "sport"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(sport.value, str(sport.label)) for sport in Sport]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.offering(self.value()) if self.value() else queryset


class PinWidget(LeafletAdminWidget):
    """The pin alone: no drawing tools, and the districts as the ground."""

    geometry_field_class = "BureauPin"

    @property
    def media(self) -> Media:
        return super().media + Media(js=["js/admin-pin.js"])


class StaffInline(TabularInline):
    model = VenueStaff
    extra = 0
    raw_id_fields = ["user"]
    tab = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[VenueStaff]:
        rows: QuerySet[VenueStaff] = super().get_queryset(request)
        return rows.select_related("user", "venue")


class UnitInline(TabularInline):
    model = Unit
    extra = 0
    tab = True

    def get_queryset(self, request: HttpRequest) -> UnitQuerySet:
        rows: UnitQuerySet = super().get_queryset(request)
        return rows.select_related("venue").in_order()

    def has_delete_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


class BandInline(TabularInline):
    """What comes back to who cancels how early; for bookings made from now on."""

    model = CancelBand
    formset = BandsFormSet
    extra = 0
    tab = True

    def get_queryset(self, request: HttpRequest) -> QuerySet[CancelBand]:
        rows: QuerySet[CancelBand] = super().get_queryset(request)
        return rows.order_by("-minutes_before")


class OpeningPages(ModelAdmin):
    """Who sees the pages of hours and prices; what is set on them, they ask for."""

    def has_see_hours_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.view_weeklyhours")

    def has_see_prices_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.view_pricerule")


@admin.register(Venue)
class VenueAdmin(
    LeafletGeoAdminMixin, StatisticsPages, SubsidyPages, OpeningPages, ScopedAdmin
):
    form = PinForm
    widget = PinWidget
    district_path = "district"
    list_display = [
        "__str__",
        "district",
        "kind",
        "sports_text",
        "court_count",
        "phone",
        "closed_on",
    ]
    list_filter = [
        "kind",
        ("district", admin.RelatedOnlyFieldListFilter),
        SportFilter,
        ("closed_on", admin.EmptyFieldListFilter),
    ]
    list_per_page = 50
    search_fields = ["name", "name_en", "address", "=code", "=national_code"]
    ordering = ["district__position", "name", "pk"]
    readonly_fields = ["code"]
    inlines = [UnitInline, StaffInline, BandInline]
    actions_list = ["statistics"]
    actions_detail = ["weekly_hours", "day_type_hours", "prices", "subsidy"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("code", "national_code"),
                    "kind",
                    ("name", "name_en"),
                    "district",
                    ("address", "address_en"),
                    "phone",
                    "transport",
                    "panorama_url",
                    "sports",
                    "facilities",
                    ("open_area_m2", "core_area_m2"),
                    "is_low_fee",
                    "closed_on",
                ]
            },
        ),
        (_("Place"), {"fields": ["location", "datum"]}),
        (
            _("Booking rules"),
            {
                "fields": [
                    ("days_ahead", "max_slots"),
                    ("hold_minutes", "lead_minutes", "releases_at"),
                    ("walk_in_percent", "walk_in_until_minutes"),
                    ("entry_minutes", "companion_minutes"),
                    ("no_show_minutes", "offer_minutes", "most_inside"),
                ]
            },
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Venue]:
        rows: Any = super().get_queryset(request)
        narrowed: VenueQuerySet = rows.with_district().with_court_count()
        return narrowed

    def get_view_on_site_url(self, obj: Any = None) -> str | None:
        """A place that is inspected, or that closed for good, has no public page."""
        if obj is not None and not Venue.objects.public().filter(pk=obj.pk).exists():
            return None
        return super().get_view_on_site_url(obj)

    @display(description=_("sports"))
    def sports_text(self, venue: Venue) -> str:
        return listed(venue.sport_labels)

    @display(description=_("courts"), ordering="court_count")
    def court_count(self, venue: Any) -> int:
        return int(venue.court_count)

    def has_delete_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False  # a venue that is gone has a day on which it closed for good

    @transaction.atomic
    def save_model(
        self, request: StaffRequest, obj: Venue, form: Any, change: bool
    ) -> None:
        """A moved pin goes through its own action; the rest is recorded as a whole."""
        moved_to = obj.location if change and "location" in form.changed_data else None
        if moved_to:
            obj.location = form.initial["location"]
        super().save_model(request, obj, form, change)
        if moved_to:
            actions.move_pin(
                venue=obj, location=moved_to, datum=obj.datum, by=request.user
            )
        if not obj.district.boundary.covers(obj.location):
            outside = _("The pin stands outside %(district)s.")
            messages.warning(request, outside % {"district": obj.district})

    def save_formset(
        self, request: StaffRequest, form: Any, formset: Any, change: bool
    ) -> None:
        """The bands are set as a whole, by their action; other rows one by one."""
        if formset.model is not CancelBand:
            super().save_formset(request, form, formset, change)
            return
        formset.new_objects, formset.changed_objects = [], []
        formset.deleted_objects = []
        if formset.has_changed():
            actions.set_cancel_bands(
                venue=form.instance, bands=formset.bands, by=request.user
            )

    @action(
        description=_("Hours by type of day"),
        url_path="day-types",
        permissions=["see_hours"],
    )
    def day_type_hours(self, request: StaffRequest, object_id: str) -> HttpResponse:
        venue: Venue = self.get_object(request, object_id)
        return day_types_page(self, request, row=venue, venue=venue, court=None)

    @action(description=_("Weekly hours"), url_path="hours", permissions=["see_hours"])
    def weekly_hours(self, request: StaffRequest, object_id: str) -> HttpResponse:
        venue: Venue = self.get_object(request, object_id)
        return hours_page(self, request, row=venue, venue=venue, court=None)

    @action(description=_("Prices"), url_path="prices", permissions=["see_prices"])
    def prices(self, request: StaffRequest, object_id: str) -> HttpResponse:
        venue: Venue = self.get_object(request, object_id)
        return prices_page(self, request, row=venue, venue=venue, court=None)


class PartInline(TabularInline):
    """The units of a court. They stay while it is booked or has an open session."""

    model = BookableUnit
    extra = 0

    def formfield_for_foreignkey(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "unit":
            match = request.resolver_match
            court_id = match.kwargs.get("object_id") if match else None
            kwargs["queryset"] = (
                Unit.objects.filter(venue__bookables=court_id)
                .select_related("venue")
                .in_order()
            )
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _is_booked(self, court: Bookable | None) -> bool:
        lines = BookingLine.objects.filter(
            bookable=court,
            booking__state__in=["held", "confirmed"],
            ends_at__gt=clock.now(),
        )
        sessions = OpenSession.objects.filter(
            bookable=court, cancelled_at=None, ends_at__gt=clock.now()
        )
        return court is not None and (lines.exists() or sessions.exists())

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # A new court gets its units on the next page, when its venue is known.
        return bool(
            obj is not None
            and not self._is_booked(obj)
            and super().has_add_permission(request, obj)
        )

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self._is_booked(obj) and super().has_change_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return not self._is_booked(obj) and super().has_delete_permission(request, obj)


@admin.register(Bookable)
class BookableAdmin(OpeningPages, ScopedAdmin):
    list_display = ["name", "venue", "sport", "slot_minutes", "position", "is_open"]
    list_filter = [
        "sport",
        "is_open",
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["venue"]
    list_per_page = 50
    search_fields = ["name", "venue__name", "venue__name_en"]
    ordering = ["venue__name", "position", "pk"]
    inlines = [PartInline]
    actions_detail = ["weekly_hours", "day_type_hours", "prices"]
    fields = [
        "venue",
        "name",
        "sport",
        ("slot_minutes", "buffer_minutes"),
        "party_size",
        "position",
        "is_open",
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["venue"] if obj else []

    def has_delete_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False  # shut it instead: bookings and prices of the past point at it

    @action(
        description=_("Hours by type of day"),
        url_path="day-types",
        permissions=["see_hours"],
    )
    def day_type_hours(self, request: StaffRequest, object_id: str) -> HttpResponse:
        court: Bookable = self.get_object(request, object_id)
        return day_types_page(self, request, row=court, venue=court.venue, court=court)

    @action(description=_("Weekly hours"), url_path="hours", permissions=["see_hours"])
    def weekly_hours(self, request: StaffRequest, object_id: str) -> HttpResponse:
        court: Bookable = self.get_object(request, object_id)
        return hours_page(self, request, row=court, venue=court.venue, court=court)

    @action(description=_("Prices"), url_path="prices", permissions=["see_prices"])
    def prices(self, request: StaffRequest, object_id: str) -> HttpResponse:
        court: Bookable = self.get_object(request, object_id)
        return prices_page(self, request, row=court, venue=court.venue, court=court)
