"""Seasons of clubs: opened, allocated, approved."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
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

from bureau.audit.admin import ReadOnly
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.fields import MinuteOfDayFormField
from venues import actions
from venues.admin.clubs import ReasonForm
from venues.admin.pages import ask, chosen_venue, show
from venues.admin.scope import ScopedAdmin, StaffRequest
from venues.models import Bookable, Invoice, Season, SeasonRequest, Venue
from venues.models.rules import Weekday
from venues.queries.seasons import WeeklyTime, seed_hash, weigh


class EmptyForm(forms.Form):
    """Nothing to fill in, only to confirm."""


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
        """To propose and to approve; who sees a season sees how it is given out."""
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
        permissions=["view"],
    )
    def allocation(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """The table of who comes first and what is in the way; propose, approve."""
        season: Season = self.get_object(request, object_id)
        may_allocate = self.has_allocate_permission(request)
        if request.method == "POST" and not may_allocate:
            raise PermissionDenied
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
            may_allocate=may_allocate,
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
