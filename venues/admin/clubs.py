"""Clubs: checked, corrected, and who speaks for them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.forms.models import model_to_dict
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import action
from unfold.widgets import UnfoldAdminTextInputWidget

from bureau.accounts import actions as accounts
from bureau.audit.admin import HistoryFromAudit, ReadOnly
from venues import actions
from venues.admin.pages import ask
from venues.admin.scope import ForPostedStaff, StaffRequest
from venues.models import Club


class SeenClub(forms.Form):
    """What the staff looked at comes back with their click."""

    name = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)
    credit_code = forms.CharField(widget=forms.HiddenInput, required=False)
    priority = forms.IntegerField(widget=forms.HiddenInput, required=False)


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
