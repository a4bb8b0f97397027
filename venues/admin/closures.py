"""Closing a hall: first what it would do, then doing it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.staff_tables import Badge
from venues import actions, queries
from venues.admin.forms import BlockForm
from venues.admin.pages import chosen_venue, page_of, show
from venues.admin.scope import StaffRequest
from venues.models import Block, Venue


class ClosureForm(BlockForm):
    """What to close, when and why, and since when the public knows it."""

    is_weather = forms.BooleanField(
        label=gettext_lazy("Because of the weather"),
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=gettext_lazy("Then it may come without notice."),
    )
    announced_at = forms.SplitDateTimeField(
        label=gettext_lazy("Announced at"),
        required=False,
        widget=UnfoldAdminSplitDateTimeWidget,
        help_text=gettext_lazy("Empty: now. Fill it in when a notice hung out before."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=120,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Everybody whose booking is called off will read it."),
    )

    def __init__(self, *args: Any, venue: Venue, **kwargs: Any) -> None:
        super().__init__(*args, venue=venue, **kwargs)
        self.fields["units"].initial = list(venue.units.values_list("pk", flat=True))


class ClosingPages(ModelAdmin):
    """The part of the blocks' staff pages that closes halls."""

    actions_list = ["close_hall", "openness"]

    def has_close_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return request.user.has_perm("venues.add_block")

    @display(
        description=gettext_lazy("kind"),
        label={"closure": "danger", "block": "info"},
    )
    def kind(self, block: Block) -> Badge:
        if block.is_closure:
            return Badge("closure", _("closure"))
        return Badge("block", _("block"))

    @display(description=gettext_lazy("how far it is"))
    def progress(self, block: Block) -> str:
        if not block.is_closure:
            return "–"
        if block.lifted_at:
            return _("Open again.")
        progress = queries.progress_of(block, at=clock.now())
        if progress.left:
            told = _(
                "%(left)s slots are still to be called off. Look again in a moment."
            )
            return told % {"left": progress.left}
        if progress.inside:
            told = _("Done. %(inside)s slots are left to people who are inside.")
            return told % {"inside": progress.inside}
        return _("Done: everybody is called off, refunded and told.")

    @action(
        description=gettext_lazy("Close a hall"),
        url_path="close",
        permissions=["close"],
    )
    def close_hall(self, request: StaffRequest) -> HttpResponse:
        """The venue, then the courts and times, then what it would do, then do it."""
        if not self.has_close_permission(request):
            raise PermissionDenied
        venue = chosen_venue(self, request, title=_("Close a hall: which venue?"))
        if not isinstance(venue, Venue):
            return venue
        return self._preview_or_close(request, venue)

    @action(description=gettext_lazy("Free and low-fee opening"), url_path="openness")
    def openness(self, request: StaffRequest) -> HttpResponse:
        """The same page as everybody's: the lights, the reasons, the sentences."""
        return HttpResponseRedirect(reverse("venues:openness"))

    def _preview_or_close(self, request: StaffRequest, venue: Venue) -> HttpResponse:
        form = ClosureForm(request.POST or None, venue=venue)
        preview, warnings = None, []
        if form.is_valid():
            given = form.cleaned_data
            if "confirmed" in request.POST:
                try:
                    block = actions.close_units(venue=venue, by=request.user, **given)
                except DomainError as refusal:
                    form.add_error(None, str(refusal))
                else:
                    messages.success(
                        request, _("The hall is closed. Bookings are being called off.")
                    )
                    return HttpResponseRedirect(page_of(block))
            elif given["starts_at"] < given["ends_at"]:
                preview = queries.preview_closure(
                    unit_ids=[unit.pk for unit in given["units"]],
                    starts_at=given["starts_at"],
                    ends_at=given["ends_at"],
                    is_weather=given["is_weather"],
                    announced_at=given["announced_at"],
                    at=clock.now(),
                )
                warnings = _warnings(venue, given)
            else:
                form.add_error("ends_at", _("A closure ends after it starts."))
        return show(
            self,
            request,
            "admin/venues/close_hall.html",
            title=_("Close a hall: %(venue)s") % {"venue": venue},
            form=form,
            venue=venue,
            preview=preview,
            warnings=warnings,
        )


def _warnings(venue: Venue, given: dict[str, Any]) -> list[str]:
    """The rules of free and low-fee opening that the closure would break."""
    if not venue.is_low_fee:
        return []
    planned = queries.PlannedClosure(
        unit_ids=[unit.pk for unit in given["units"]],
        starts_at=given["starts_at"],
        ends_at=given["ends_at"],
    )
    return queries.warnings_about(venue, planned, at=clock.now())
