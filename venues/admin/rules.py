from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display

from bureau.accounts.models import User
from bureau.audit.admin import ReadOnly
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.fields import clock_text, clock_words
from bureau.common.money import yuan
from bureau.common.words import listed
from bureau.regions.queries import districts_of
from venues import actions
from venues.admin.closures import ClosingPages
from venues.admin.forms import BlockForm, MarketPriceForm, VenueChoiceForm
from venues.admin.pages import chosen_venue, page_of, show
from venues.admin.scope import ScopedAdmin, StaffRequest
from venues.errors.closures import UnitsTaken
from venues.errors.rules import HoursInThePast
from venues.models import (
    Block,
    Booking,
    HoursException,
    MarketPrice,
    PriceException,
    PriceRule,
    Quota,
    Unit,
    Venue,
)


class ExceptionForm(ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = HoursException
        fields = ["venue", "bookable", "on", "opens", "closes", "reason", "is_weather"]

    def clean(self) -> dict[str, Any]:
        super().clean()
        given = self.cleaned_data
        court, venue = given.get("bookable"), given.get("venue")
        if court and venue and court.venue_id != venue.pk:
            self.add_error("bookable", ValidationError(_("Not a court of this venue.")))
        on = given.get("on") or self.instance.on
        if on and on < clock.today() and given.get("opens") is not None:
            self.add_error("opens", ValidationError(str(HoursInThePast.message)))
        return given


@admin.register(HoursException)
class HoursExceptionAdmin(ScopedAdmin):
    records_own_writes = False
    form = ExceptionForm
    list_display = ["on", "venue", "bookable", "times", "reason"]
    list_filter = [
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["venue", "bookable__venue"]
    search_fields = ["venue__name", "venue__name_en", "reason"]
    date_hierarchy = "on"
    ordering = ["-on", "-pk"]

    @display(description=gettext_lazy("opening hours"))
    def times(self, row: HoursException) -> str:
        if row.opens is None or row.closes is None:
            return _("closed all day")
        return f"{clock_text(row.opens)}–{clock_words(row.closes)}"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["venue", "bookable", "on"] if obj else []

    def save_model(
        self, request: StaffRequest, obj: HoursException, form: Any, change: bool
    ) -> None:
        is_shut = obj.opens is None or obj.closes is None
        made = actions.set_hours_exception(
            venue=obj.venue,
            bookable=obj.bookable,
            on=obj.on,
            hours=None if is_shut else (obj.opens or 0, obj.closes or 0),
            reason=obj.reason,
            is_weather=obj.is_weather,
            by=request.user,
        )
        obj.pk = made.pk

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was other on a day that is over stays on record."""
        is_over = obj is not None and obj.on < clock.today()
        return not is_over and super().has_delete_permission(request, obj)

    def delete_model(self, request: StaffRequest, obj: HoursException) -> None:
        actions.drop_hours_exception(exception=obj, by=request.user)

    def delete_queryset(
        self, request: StaffRequest, queryset: QuerySet[HoursException]
    ) -> None:
        for row in queryset.filter(on__gte=clock.today()).order_by("pk"):
            self.delete_model(request, row)


class CityOrMine(ScopedAdmin):
    """Rows of a place, or of the whole city, which is for the city's staff alone.

    `place` names the field that is empty on a row of the whole city.
    """

    place = "venue"
    records_own_writes = False

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        form = super().get_form(request, *args, **kwargs)
        if self.place in form.base_fields and isinstance(request.user, User):
            is_citys = districts_of(request.user) is None
            form.base_fields[self.place].required = not is_citys
        return form


@admin.register(Quota)
class QuotaAdmin(CityOrMine):
    """How much one person may book; in place of one for the same people and period."""

    list_display = ["place_words", "sport", "group", "per", "limits"]
    list_filter = [
        "per",
        "sport",
        "group",
        ("venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["venue"]
    search_fields = ["venue__name", "venue__name_en"]
    ordering = ["venue__name", "sport", "group", "per", "pk"]
    fields = ["venue", "sport", "group", "per", "most_minutes", "most_bookings"]

    @display(description=gettext_lazy("venue"), ordering="venue__name")
    def place_words(self, quota: Quota) -> str:
        return str(quota.venue) if quota.venue else _("all venues")

    @display(description=gettext_lazy("at most"))
    def limits(self, quota: Quota) -> str:
        minutes = _("%(n)s min") % {"n": quota.most_minutes}
        bookings = _("%(n)s bookings") % {"n": quota.most_bookings}
        shown = [
            text
            for limit, text in (
                (quota.most_minutes, minutes),
                (quota.most_bookings, bookings),
            )
            if limit
        ]
        return listed(shown)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["venue", "sport", "group", "per"] if obj else []

    def save_model(
        self, request: StaffRequest, obj: Quota, form: Any, change: bool
    ) -> None:
        made = actions.set_quota(
            venue=obj.venue,
            sport=obj.sport,
            group=obj.group,
            per=obj.per,
            most_minutes=obj.most_minutes,
            most_bookings=obj.most_bookings,
            by=request.user,
        )
        obj.pk = made.pk

    def delete_model(self, request: StaffRequest, obj: Quota) -> None:
        actions.drop_quota(quota=obj, by=request.user)

    def delete_queryset(self, request: StaffRequest, queryset: QuerySet[Quota]) -> None:
        for row in queryset.order_by("pk"):
            self.delete_model(request, row)


@admin.register(MarketPrice)
class MarketPriceAdmin(CityOrMine):
    """What the market asks for; a new one from a day on, the old ones stay readable."""

    place = "district"
    district_path = "district"
    list_display = ["sport", "place_words", "price", "valid_from", "source"]
    list_filter = ["sport", ("district", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["district"]
    search_fields = ["source"]
    date_hierarchy = "valid_from"
    ordering = ["sport", "district__position", "-valid_from", "pk"]
    form = MarketPriceForm
    fields = ["sport", "district", "yuan", "source", "valid_from"]

    @display(description=gettext_lazy("district"), ordering="district__position")
    def place_words(self, row: MarketPrice) -> str:
        return str(row.district) if row.district else _("whole city")

    @display(description=gettext_lazy("yuan per hour"), ordering="fen_per_hour")
    def price(self, row: MarketPrice) -> str:
        return yuan(row.fen_per_hour)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # a new one from a day on, so that the old one stays readable

    def save_model(
        self, request: StaffRequest, obj: MarketPrice, form: Any, change: bool
    ) -> None:
        made = actions.set_market_price(
            sport=obj.sport,
            district=obj.district,
            fen_per_hour=obj.fen_per_hour,
            source=obj.source,
            valid_from=obj.valid_from,
            by=request.user,
        )
        obj.pk = made.pk

    def delete_model(self, request: StaffRequest, obj: MarketPrice) -> None:
        actions.drop_market_price(price=obj, by=request.user)

    def delete_queryset(
        self, request: StaffRequest, queryset: QuerySet[MarketPrice]
    ) -> None:
        for row in queryset.order_by("pk"):
            self.delete_model(request, row)


@admin.register(PriceException)
class PriceExceptionAdmin(ReadOnly, ScopedAdmin):
    """Prices that break the low-fee rule with leave, and why."""

    district_path = "rule__venue__district"
    list_display = ["rule", "venue", "breach", "reason", "granted_by", "granted_at"]
    list_select_related = ["rule__venue", "granted_by"]
    search_fields = ["rule__venue__name", "reason"]
    date_hierarchy = "granted_at"
    ordering = ["-granted_at", "-pk"]

    @display(description=gettext_lazy("venue"))
    def venue(self, row: PriceException) -> str:
        return str(row.rule.venue)


@admin.register(PriceRule)
class PriceRuleAdmin(ReadOnly, ScopedAdmin):
    """To look things up. A price is set on its venue's or court's own page."""

    list_display = [
        "venue",
        "court",
        "sport",
        "group",
        "day",
        "times",
        "price",
        "is_peak",
        "valid",
    ]
    list_filter = [
        "sport",
        "group",
        "weekday",
        "day_type",
        "is_peak",
        ("venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["venue", "bookable__venue", "set_by"]
    search_fields = ["venue__name", "venue__name_en", "bookable__name"]
    ordering = ["venue__name", "sport", "group", "weekday", "starts", "pk"]

    @display(description=gettext_lazy("on"), ordering="weekday")
    def day(self, rule: PriceRule) -> str:
        if rule.day_type:
            return str(rule.get_day_type_display())
        return str(rule.get_weekday_display())

    @display(description=gettext_lazy("times"))
    def times(self, rule: PriceRule) -> str:
        return f"{clock_text(rule.starts)}–{clock_words(rule.ends)}"

    @display(description=gettext_lazy("court"), ordering="bookable__name")
    def court(self, rule: PriceRule) -> str:
        """Its name alone: the venue stands beside it."""
        return rule.bookable.name if rule.bookable else "–"

    @display(description=gettext_lazy("yuan per hour"), ordering="price_fen")
    def price(self, rule: PriceRule) -> str:
        return yuan(rule.price_fen)

    @display(description=gettext_lazy("valid"), ordering="valid_from")
    def valid(self, rule: PriceRule) -> str:
        last = f" {rule.valid_until}" if rule.valid_until else ""
        return f"{rule.valid_from} –{last}"


@admin.register(Block)
class BlockAdmin(ReadOnly, ClosingPages, ScopedAdmin):
    """Blocks are set and lifted, never edited."""

    list_display = ["venue", "reason", "starts_at", "ends_at", "set_by", "lifted_at"]
    list_filter = [
        ("lifted_at", admin.EmptyFieldListFilter),
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["venue", "set_by"]
    search_fields = ["venue__name", "venue__name_en", "reason"]
    date_hierarchy = "starts_at"
    ordering = ["-starts_at", "-pk"]
    fields = readonly_fields = [
        "venue",
        "kind",
        "progress",
        "units",
        "starts_at",
        "ends_at",
        "reason",
        "is_weather",
        "announced_at",
        "set_by",
        "created_at",
        "lifted_at",
    ]
    actions_detail = ["lift"]

    def offers(self, name: str, row: Block, request: HttpRequest) -> bool:
        return row.lifted_at is None

    @display(description=gettext_lazy("units"))
    def units(self, block: Block) -> str:
        units = Unit.objects.filter(pk__in=block.unit_ids).in_order()
        return listed(unit.name for unit in units)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("venues.add_block")

    def has_lift_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_block")

    @action(description=gettext_lazy("Lift"), url_path="lift", permissions=["lift"])
    def lift(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """A link brings one here, so the change itself waits for a POST."""
        block: Block = self.get_object(request, object_id)
        form = VenueChoiceForm()
        if request.method == "POST":
            try:
                actions.lift_block(block=block, by=request.user)
            except DomainError as refusal:
                messages.error(request, str(refusal))
            else:
                messages.success(request, _("The block is lifted."))
            return HttpResponseRedirect(page_of(block))
        return show(
            self,
            request,
            "admin/venues/lift_block.html",
            row=block,
            title=_("Lift the block?"),
            form=form,
            units=self.units(block),
        )

    def add_view(
        self, request: Any, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """First the venue, then its units: this works without a script."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        venue = chosen_venue(self, request, title=_("Block courts: which venue?"))
        if not isinstance(venue, Venue):
            return venue
        return self._ask_and_block(request, venue)

    def _ask_and_block(self, request: StaffRequest, venue: Venue) -> HttpResponse:
        form = BlockForm(request.POST or None, venue=venue)
        in_the_way: QuerySet[Booking] | None = None
        if form.is_valid():
            given = form.cleaned_data
            try:
                block = actions.block_units(
                    venue=venue,
                    units=list(given["units"]),
                    starts_at=given["starts_at"],
                    ends_at=given["ends_at"],
                    reason=given["reason"],
                    by=request.user,
                )
            except UnitsTaken as refusal:
                in_the_way = Booking.objects.filter(
                    number__in=str(refusal.values["numbers"]).split(", ")
                ).order_by("starts_at", "pk")
                form.add_error(None, str(refusal))
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                messages.success(request, _("The units are blocked."))
                return HttpResponseRedirect(page_of(block))
        return show(
            self,
            request,
            "admin/venues/block.html",
            title=_("Block courts: %(venue)s") % {"venue": venue},
            form=form,
            venue=venue,
            in_the_way=_links(in_the_way),
        )


def _links(bookings: QuerySet[Booking] | None) -> str:
    return format_html_join(
        ", ",
        '<a class="text-primary-600 underline" href="{}">{}</a>',
        (
            (reverse("admin:venues_booking_change", args=[row.pk]), row.number)
            for row in bookings or ()
        ),
    )
