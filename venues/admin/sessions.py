"""Open sessions: the weekly plans, the dates, and what may be done with them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Sum
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
)

from bureau.audit.admin import ReadOnly
from bureau.common import clock
from bureau.common.fields import clock_text
from bureau.common.money import yuan
from venues import actions
from venues.actions import Prices
from venues.actions.sessions import plan_days
from venues.admin.forms import CallOffForm, VenueChoiceForm
from venues.admin.pages import ask, chosen_venue, show
from venues.admin.scope import ScopedAdmin, StaffRequest
from venues.errors.sessions import ConcessionTooDear
from venues.models import (
    Bookable,
    BookingLine,
    OpenSession,
    SessionPlan,
    Venue,
    WaitingEntry,
)
from venues.queries.sessions import dates_of, live_tickets


class _YuanField(forms.DecimalField):
    """Yuan on the page, fen behind it."""

    widget = UnfoldAdminDecimalFieldWidget

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            min_value=Decimal(0),
            max_value=Decimal(10_000),
            decimal_places=2,
            help_text=gettext_lazy("0 means free of charge."),
            **kwargs,
        )


class PlanForm(forms.ModelForm[SessionPlan]):
    full_yuan = _YuanField(label=gettext_lazy("yuan a ticket"))
    concession_yuan = _YuanField(
        label=gettext_lazy("yuan a ticket for entitled groups")
    )

    class Meta:
        model = SessionPlan
        fields = [
            "venue",
            "bookable",
            "name",
            "weekday",
            "starts",
            "ends",
            "capacity",
            "valid_from",
            "valid_until",
        ]
        # A number box would show nothing of 18:00.
        widgets = {
            "starts": UnfoldAdminTextInputWidget,
            "ends": UnfoldAdminTextInputWidget,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, fen in (
            ("full_yuan", self.instance.price_fen),
            ("concession_yuan", self.instance.concession_fen),
        ):
            if name in self.fields:
                self.fields[name].initial = Decimal(fen) / 100

    def clean(self) -> dict[str, Any]:
        super().clean()
        given = self.cleaned_data
        court, venue = given.get("bookable"), given.get("venue")
        if court and venue and court.venue_id != venue.pk:
            self.add_error("bookable", _("Not a court of this venue."))
        full, concession = given.get("full_yuan"), given.get("concession_yuan")
        if full is not None and concession is not None:
            if concession > full:
                self.add_error("concession_yuan", str(ConcessionTooDear.message))
            self.instance.price_fen = int(full * 100)
            self.instance.concession_fen = int(concession * 100)
        return given


@admin.register(SessionPlan)
class SessionPlanAdmin(ScopedAdmin):
    """A plan is ended by a date, never deleted: its sessions point at it."""

    form = PlanForm
    records_own_writes = False
    fields = [
        "venue",
        "bookable",
        "name",
        "weekday",
        ("starts", "ends"),
        "capacity",
        ("full_yuan", "concession_yuan"),
        ("valid_from", "valid_until"),
    ]
    list_display = ["name", "venue", "floor", "when", "capacity", "prices", "valid"]
    list_filter = [
        "weekday",
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["venue", "bookable"]
    search_fields = ["name", "venue__name", "venue__name_en"]
    ordering = ["venue__name", "weekday", "starts", "pk"]
    actions_detail = ["dates"]

    @display(description=gettext_lazy("floor"))
    def floor(self, plan: SessionPlan) -> str:
        return plan.bookable.name

    @display(description=gettext_lazy("when"), ordering="weekday")
    def when(self, plan: SessionPlan) -> str:
        day = plan.get_weekday_display()
        return f"{day} {clock_text(plan.starts)}–{clock_text(plan.ends)}"

    @display(description=gettext_lazy("yuan (reduced)"))
    def prices(self, plan: SessionPlan) -> str:
        return f"{yuan(plan.price_fen)} ({yuan(plan.concession_fen)})"

    @display(description=gettext_lazy("valid"), ordering="valid_from")
    def valid(self, plan: SessionPlan) -> str:
        last = f" {plan.valid_until}" if plan.valid_until else ""
        return f"{plan.valid_from} –{last}"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["venue", "bookable"] if obj else []

    def has_delete_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    def save_model(
        self, request: StaffRequest, obj: SessionPlan, form: Any, change: bool
    ) -> None:
        laid_out = actions.set_session_plan(plan=obj, by=request.user)
        told = _("%(count)s dates are laid out. See “Dates” for those that are not.")
        messages.info(request, told % {"count": len(laid_out)})

    @action(description=gettext_lazy("Dates"), url_path="dates", permissions=["view"])
    def dates(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """What became of the coming dates: laid out, or what stands in the way."""
        plan: SessionPlan = self.get_object(request, object_id)
        now = clock.now()
        days = plan_days(plan, today=clock.local_day(now))
        return show(
            self,
            request,
            "admin/venues/plan_dates.html",
            row=plan,
            title=_("Dates: %(plan)s") % {"plan": plan},
            form=VenueChoiceForm(),
            dates=dates_of(plan, days, at=now) if days else [],
        )


class SessionForm(forms.Form):
    """One date of shared play on a court or hall of a venue."""

    bookable = forms.ModelChoiceField(
        label=gettext_lazy("floor"),
        queryset=Bookable.objects.none(),
        widget=UnfoldAdminSelectWidget,
    )
    name = forms.CharField(
        label=gettext_lazy("name"), max_length=60, widget=UnfoldAdminTextInputWidget
    )
    starts_at = forms.SplitDateTimeField(
        label=gettext_lazy("From"), widget=UnfoldAdminSplitDateTimeWidget
    )
    ends_at = forms.SplitDateTimeField(
        label=gettext_lazy("Until"), widget=UnfoldAdminSplitDateTimeWidget
    )
    capacity = forms.IntegerField(
        label=gettext_lazy("places"),
        min_value=1,
        max_value=100_000,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    full_yuan = _YuanField(label=gettext_lazy("yuan a ticket"), initial=0)
    concession_yuan = _YuanField(
        label=gettext_lazy("yuan a ticket for entitled groups"), initial=0
    )

    def __init__(self, *args: Any, venue: Venue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        courts = venue.bookables.order_by("position", "pk")
        self.fields["bookable"].queryset = courts  # type: ignore[attr-defined]
        self.fields["bookable"].label_from_instance = (  # type: ignore[attr-defined]
            lambda court: court.name
        )


class CapacityForm(forms.Form):
    capacity = forms.IntegerField(
        label=gettext_lazy("places"),
        min_value=1,
        max_value=100_000,
        widget=UnfoldAdminIntegerFieldWidget,
    )


@admin.register(OpenSession)
class OpenSessionAdmin(ReadOnly, ScopedAdmin):
    """Dates are opened, resized and called off, never edited."""

    list_display = ["starts_at", "name", "venue", "floor", "sold", "prices", "is_on"]
    list_filter = [
        ("cancelled_at", admin.EmptyFieldListFilter),
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
        ("starts_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    list_select_related = ["venue", "bookable", "plan"]
    search_fields = ["name", "venue__name", "venue__name_en"]
    date_hierarchy = "starts_at"
    ordering = ["-starts_at", "-pk"]
    fields = readonly_fields = [
        "name",
        "venue",
        "bookable",
        "plan",
        "starts_at",
        "ends_at",
        "sold",
        "prices",
        "in_line",
        "takings",
        "cancelled_at",
        "set_by",
    ]
    actions_detail = ["resize", "call_off"]

    @display(description=gettext_lazy("floor"))
    def floor(self, session: OpenSession) -> str:
        return session.bookable.name

    @display(description=gettext_lazy("places taken"), ordering="taken")
    def sold(self, session: OpenSession) -> str:
        return f"{session.taken} / {session.capacity}"

    @display(description=gettext_lazy("people in line"))
    def in_line(self, session: OpenSession) -> str:
        """How many wait, for how many places; an offer counts until it is taken."""
        live = WaitingEntry.objects.filter(session=session).live()
        wanted = live.aggregate(people=Count("pk"), places=Sum("places"))
        return f"{wanted['people']} ({wanted['places'] or 0})"

    @display(description=gettext_lazy("yuan (reduced)"))
    def prices(self, session: OpenSession) -> str:
        return f"{yuan(session.price_fen)} ({yuan(session.concession_fen)})"

    @display(description=gettext_lazy("takes place"), boolean=True)
    def is_on(self, session: OpenSession) -> bool:
        return session.cancelled_at is None

    @display(description=gettext_lazy("takings, yuan"))
    def takings(self, session: OpenSession) -> str:
        sold = BookingLine.objects.standing().filter(
            session=session, booking__state__in=["confirmed", "no_show"]
        )
        return yuan(sold.aggregate(fen=Sum("price_fen"))["fen"] or 0)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("venues.add_opensession")

    def has_resize_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_opensession")

    def has_call_off_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_opensession")

    def add_view(
        self, request: Any, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """First the venue, then its floors: this works without a script."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        venue = chosen_venue(self, request, title=_("Open a session: which venue?"))
        if not isinstance(venue, Venue):
            return venue
        return self._ask_and_open(request, venue)

    def _ask_and_open(self, request: StaffRequest, venue: Venue) -> HttpResponse:
        def act(given: dict[str, Any]) -> tuple[str, OpenSession]:
            session = actions.open_session(
                bookable=given["bookable"],
                name=given["name"],
                starts_at=given["starts_at"],
                ends_at=given["ends_at"],
                capacity=given["capacity"],
                prices=Prices(
                    int(given["full_yuan"] * 100), int(given["concession_yuan"] * 100)
                ),
                by=request.user,
            )
            return _("The session is open."), session

        return ask(
            self,
            request,
            title=_("Open a session: %(venue)s") % {"venue": venue},
            form=SessionForm(request.POST or None, venue=venue),
            button=_("Open the session"),
            act=act,
        )

    @action(
        description=gettext_lazy("Change the number of places"),
        url_path="resize",
        permissions=["resize"],
    )
    def resize(self, request: StaffRequest, object_id: str) -> HttpResponse:
        session: OpenSession = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, OpenSession]:
            actions.set_session_capacity(
                session=session, capacity=given["capacity"], by=request.user
            )
            return _("The number of places is changed."), session

        before = {"capacity": session.capacity}
        return ask(
            self,
            request,
            row=session,
            title=_("Places: %(session)s") % {"session": session},
            form=CapacityForm(request.POST or None, initial=before),
            lead=_("%(taken)s places are taken.") % {"taken": session.taken},
            button=_("Change"),
            act=act,
        )

    @action(
        description=gettext_lazy("Call off and refund all"),
        url_path="call-off",
        permissions=["call_off"],
    )
    def call_off(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """Say first whom it hits and what goes back."""
        session: OpenSession = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, OpenSession]:
            done = actions.cancel_session(
                session=session, reason=given["reason"], by=request.user
            )
            told = _("The session is called off; %(count)s bookings are refunded.")
            return told % {"count": len(done)}, session

        tickets = live_tickets(session)
        paid = [line for line in tickets if line.booking.state == "confirmed"]
        lead = _(
            "%(bookings)s bookings with %(people)s places are called off, and "
            "%(money)s yuan go back in full. Everybody gets a message with the reason. "
            "The floor is free for others at once. Who is inside already keeps the "
            "ticket."
        )
        return ask(
            self,
            request,
            row=session,
            title=_("Call off: %(session)s") % {"session": session},
            form=CallOffForm(request.POST or None),
            lead=lead
            % {
                "bookings": len(tickets),
                "people": sum(line.places for line in tickets),
                "money": yuan(sum(line.price_fen for line in paid)),
            },
            button=_("Call off and refund all"),
            act=act,
        )
