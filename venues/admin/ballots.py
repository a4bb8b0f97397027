"""Ballots: planned with a preview of what is drawn, called off with a reason."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminDateWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
)

from bureau.audit.admin import ReadOnly
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.fields import MinuteOfDayFormField
from bureau.common.sports import Sport
from bureau.draws.forms import SourcesForm
from venues import actions
from venues.actions import BallotTimes, Pick
from venues.admin.forms import CallOffForm
from venues.admin.pages import ask, chosen_venue, page_of, show
from venues.admin.scope import ScopedAdmin, StaffRequest
from venues.models import Ballot, Venue
from venues.queries.ballots import Candidate, candidates, starts_of


class BallotForm(SourcesForm):
    """Which times are drawn, when, and by which public randomness."""

    sport = forms.ChoiceField(
        label=gettext_lazy("sport"), widget=UnfoldAdminSelectWidget
    )
    on = forms.DateField(
        label=gettext_lazy("day that is drawn"), widget=UnfoldAdminDateWidget
    )
    since = MinuteOfDayFormField(label=gettext_lazy("first start"), initial=18 * 60)
    until = MinuteOfDayFormField(
        label=gettext_lazy("last start before"), initial=21 * 60
    )
    opens_at = forms.SplitDateTimeField(
        label=gettext_lazy("requests from"), widget=UnfoldAdminSplitDateTimeWidget
    )
    closes_at = forms.SplitDateTimeField(
        label=gettext_lazy("requests until"), widget=UnfoldAdminSplitDateTimeWidget
    )
    draws_at = forms.SplitDateTimeField(
        label=gettext_lazy("draw at"),
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text=gettext_lazy(
            "An hour and ten minutes after requests close or later."
        ),
    )
    pay_until = forms.SplitDateTimeField(
        label=gettext_lazy("winners pay until"),
        widget=UnfoldAdminSplitDateTimeWidget,
    )
    # The sources, which are the base form's, come last.
    field_order = [
        "sport",
        "on",
        "since",
        "until",
        "opens_at",
        "closes_at",
        "draws_at",
        "pay_until",
    ]

    def __init__(self, *args: Any, venue: Venue, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sports = venue.bookables.offered().sports()
        self.fields["sport"].choices = [  # type: ignore[attr-defined]
            (sport, Sport(sport).label) for sport in sports
        ]

    @property
    def times(self) -> BallotTimes:
        given = self.cleaned_data
        return BallotTimes(
            given["opens_at"],
            given["closes_at"],
            given["draws_at"],
            given["pay_until"],
        )


@admin.register(Ballot)
class BallotAdmin(ReadOnly, ScopedAdmin):
    """Ballots are planned and called off, never edited: their rules are public."""

    list_display = ["number", "venue", "sport", "on", "state", "closes_at", "asked"]
    list_filter = [
        "state",
        ("venue__district", admin.RelatedOnlyFieldListFilter),
        ("venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["venue"]
    search_fields = ["number", "venue__name", "venue__name_en"]
    ordering = ["-on", "-pk"]
    fields = readonly_fields = [
        "number",
        "venue",
        "sport",
        "on",
        "state",
        "opens_at",
        "closes_at",
        "draws_at",
        "pay_until",
        "draw",
        "asked",
        "times",
        "set_by",
    ]
    actions_detail = ["call_off"]

    def offers(self, name: str, row: Ballot, request: HttpRequest) -> bool:
        return row.state in ("planned", "open", "closed")

    @display(description=gettext_lazy("requests"))
    def asked(self, ballot: Ballot) -> int:
        return ballot.requests.count()

    @display(description=gettext_lazy("times"))
    def times(self, ballot: Ballot) -> str:
        return "; ".join(
            _("%(time)s: %(courts)s courts, %(requests)s requests")
            % {
                "time": clock.at_text(start.starts_at),
                "courts": len(start.courts),
                "requests": start.requests,
            }
            for start in starts_of(ballot)
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("venues.add_ballot")

    def has_call_off_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_ballot")

    def add_view(
        self, request: Any, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """First the venue, then what is drawn; a preview before it is announced."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        venue = chosen_venue(self, request, title=_("Plan a ballot: which venue?"))
        if not isinstance(venue, Venue):
            return venue
        return self._plan(request, venue)

    def _plan(self, request: StaffRequest, venue: Venue) -> HttpResponse:
        form = BallotForm(request.POST or None, venue=venue, initial=_usual_times())
        rows: list[Candidate] = []
        if form.is_valid():
            given = form.cleaned_data
            rows = candidates(
                venue,
                given["sport"],
                given["on"],
                since=given["since"],
                until=given["until"],
                at=clock.now(),
            )
            free = [row for row in rows if not row.is_taken]
            if not free:
                form.add_error(None, _("Nothing of this is free to be drawn."))
            elif "announce" in request.POST:
                try:
                    ballot = actions.plan_ballot(
                        venue=venue,
                        sport=given["sport"],
                        on=given["on"],
                        picks=[Pick(row.court.pk, row.offer.starts_at) for row in free],
                        times=form.times,
                        beacons=form.beacons,
                        by=request.user,
                    )
                except DomainError as refusal:
                    form.add_error(None, str(refusal))
                else:
                    messages.success(request, _("The ballot is announced."))
                    return HttpResponseRedirect(page_of(ballot))
        return show(
            self,
            request,
            "admin/venues/plan_ballot.html",
            title=_("Plan a ballot: %(venue)s") % {"venue": venue},
            form=form,
            rows=rows,
        )

    @action(
        description=gettext_lazy("Call off"),
        url_path="call-off",
        permissions=["call_off"],
    )
    def call_off(self, request: StaffRequest, object_id: str) -> HttpResponse:
        ballot: Ballot = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Ballot]:
            actions.call_off_ballot(
                ballot=ballot, reason=given["reason"], by=request.user
            )
            return _("The ballot is called off."), ballot

        lead = _(
            "%(count)s people have asked. They are told, the draw is declared void, "
            "and the times are open to everybody at once."
        )
        return ask(
            self,
            request,
            row=ballot,
            title=_("Call off: %(ballot)s") % {"ballot": ballot},
            form=CallOffForm(request.POST or None),
            lead=lead % {"count": ballot.requests.count()},
            button=_("Call off"),
            act=act,
        )


def _usual_times() -> dict[str, datetime | Any]:
    """A week ahead: asked until the fifth evening, drawn at 21:30, paid in a day."""
    today = clock.today()
    day = timedelta(days=1)
    return {
        "on": today + 8 * day,
        "opens_at": clock.at(today + day, 9 * 60),
        "closes_at": clock.at(today + 5 * day, 18 * 60),
        "draws_at": clock.at(today + 5 * day, 21 * 60 + 30),
        "pay_until": clock.at(today + 7 * day, 12 * 60),
    }
