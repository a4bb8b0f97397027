"""No-shows with due process: points, bans, appeals, and the rule behind them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import RangeDateTimeFilter
from unfold.decorators import action, display
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminSplitDateTimeWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from bureau.accounts.models import User
from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common import clock
from bureau.common.money import yuan
from bureau.regions.queries import districts_of
from venues import actions
from venues.admin.pages import ask, page_of, show
from venues.admin.scope import (
    ForPostedStaff,
    OrNotFound,
    ScopedAdmin,
    StaffRequest,
    in_my_districts,
)
from venues.models import Appeal, Ban, ConductPoint, ConductRule, Venue
from venues.queries.conduct import no_shows_of

MOST_SHOWN = 200


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=200,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("The person will read it."),
    )


class ExcuseForm(ReasonForm):
    with_refund = forms.BooleanField(
        label=gettext_lazy("Give the money back, too"),
        required=False,
        widget=UnfoldBooleanWidget,
    )


class ExcuseManyForm(ExcuseForm):
    """A venue and a period in which nobody could be expected to come."""

    venue = forms.ModelChoiceField(
        label=gettext_lazy("Venue"),
        queryset=Venue.objects.none(),
        widget=UnfoldAdminSelectWidget,
    )
    starts_at = forms.SplitDateTimeField(
        label=gettext_lazy("From"), widget=UnfoldAdminSplitDateTimeWidget
    )
    ends_at = forms.SplitDateTimeField(
        label=gettext_lazy("Until"), widget=UnfoldAdminSplitDateTimeWidget
    )
    field_order = ["venue", "starts_at", "ends_at", "reason", "with_refund"]


class DecisionForm(forms.Form):
    answer = forms.CharField(
        label=gettext_lazy("Answer"),
        max_length=500,
        widget=UnfoldAdminTextareaWidget,
        help_text=gettext_lazy("The person will read it."),
    )


@admin.register(ConductPoint)
class ConductPointAdmin(ReadOnly, ScopedAdmin):
    """Given by the portal, excused by staff with a reason."""

    district_path = "booking__venue__district"
    list_display = [
        "given_at",
        "person",
        "reason",
        "points",
        "venue",
        "booking",
        "state",
    ]
    list_filter = [
        "reason",
        ("excused_at", admin.EmptyFieldListFilter),
        ("booking__venue", admin.RelatedOnlyFieldListFilter),
        ("given_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    list_select_related = ["person", "booking__venue"]
    search_fields = ["=booking__number", "=person__phone"]
    date_hierarchy = "given_at"
    ordering = ["-given_at", "-pk"]
    fields = readonly_fields = [
        "person",
        "booking",
        "venue",
        "reason",
        "points",
        "given_at",
        "counts_until",
        "excused_at",
        "excuse",
        "excused_by",
    ]
    actions_detail = ["excuse_one"]
    actions_list = ["excuse_many"]

    def offers(self, name: str, row: ConductPoint, request: HttpRequest) -> bool:
        return row.excused_at is None

    @display(description=gettext_lazy("venue"))
    def venue(self, point: ConductPoint) -> str:
        return str(point.booking.venue)

    @display(description=gettext_lazy("state"))
    def state(self, point: ConductPoint) -> str:
        if point.excused_at:
            return _("excused")
        return _("counts") if clock.now() < point.counts_until else _("run out")

    def has_excuse_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_conductpoint")

    @action(
        description=gettext_lazy("Excuse"), url_path="excuse", permissions=["excuse"]
    )
    def excuse_one(self, request: StaffRequest, object_id: str) -> HttpResponse:
        point: ConductPoint = self.get_object(request, object_id)
        form = ExcuseForm(request.POST or None)
        if form.is_valid():
            done = actions.excuse_no_shows(
                points=[point],
                excuse=form.cleaned_data["reason"],
                with_refund=form.cleaned_data["with_refund"],
                by=request.user,
            )
            if done:
                messages.success(request, _("The points are excused."))
            else:
                messages.error(request, _("These points are excused already."))
            return HttpResponseRedirect(page_of(point))
        return show(
            self,
            request,
            "admin/ask.html",
            row=point,
            title=_("Excuse: %(point)s") % {"point": point},
            form=form,
            button=_("Excuse"),
        )

    @action(
        description=gettext_lazy("Excuse a venue and a period"),
        url_path="excuse-many",
        permissions=["excuse"],
    )
    def excuse_many(self, request: StaffRequest) -> HttpResponse:
        """A closure or rain: first look whom it concerns, then excuse them all."""
        form = ExcuseManyForm(request.POST or None)
        mine = in_my_districts(Venue.objects.public(), request, path="district")
        form.fields["venue"].queryset = mine.by_district()  # type: ignore[attr-defined]
        points: list[ConductPoint] | None = None
        if form.is_valid():
            given = form.cleaned_data
            points = list(
                no_shows_of(given["venue"], given["starts_at"], given["ends_at"])
            )
            if "confirmed" in request.POST:
                done = actions.excuse_no_shows(
                    points=points,
                    excuse=given["reason"],
                    with_refund=given["with_refund"],
                    by=request.user,
                )
                told = _("%(count)s no-shows are excused.") % {"count": done}
                messages.success(request, told)
                return HttpResponseRedirect(
                    reverse("admin:venues_conductpoint_changelist")
                )
        found = points or []
        unpaid = [p for p in found if p.booking.state == "no_show"]
        return show(
            self,
            request,
            "admin/venues/excuse_many.html",
            title=_("Excuse a venue and a period"),
            form=form,
            is_preview=points is not None,
            points=found[:MOST_SHOWN],
            count=len(found),
            money=yuan(sum(point.booking.total_fen for point in unpaid)),
        )


@admin.register(Appeal)
class AppealAdmin(ReadOnly, ScopedAdmin):
    """What people say against points, the oldest open ones first."""

    district_path = "point__booking__venue__district"
    list_display = ["asked_at", "person", "venue", "words", "state", "decided_by"]
    list_filter = [
        "state",
        ("point__booking__venue", admin.RelatedOnlyFieldListFilter),
    ]
    list_select_related = ["point__person", "point__booking__venue", "decided_by"]
    search_fields = ["=point__booking__number", "=point__person__phone"]
    date_hierarchy = "asked_at"
    fields = readonly_fields = [
        "person",
        "booking",
        "venue",
        "words",
        "asked_at",
        "state",
        "answer",
        "decided_at",
        "decided_by",
    ]
    actions_detail = ["grant", "deny"]

    def offers(self, name: str, row: Appeal, request: HttpRequest) -> bool:
        return row.state == Appeal.State.OPEN

    def get_ordering(self, request: HttpRequest) -> list[Any]:
        return ["-state", "asked_at", "pk"]  # "open" is the last of the states

    @display(description=gettext_lazy("person"))
    def person(self, appeal: Appeal) -> str:
        return str(appeal.point.person)

    @display(description=gettext_lazy("booking"))
    def booking(self, appeal: Appeal) -> str:
        return str(appeal.point.booking)

    @display(description=gettext_lazy("venue"))
    def venue(self, appeal: Appeal) -> str:
        return str(appeal.point.booking.venue)

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("venues.change_appeal")

    @action(description=gettext_lazy("Grant"), url_path="grant", permissions=["decide"])
    def grant(self, request: StaffRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, is_granted=True)

    @action(description=gettext_lazy("Deny"), url_path="deny", permissions=["decide"])
    def deny(self, request: StaffRequest, object_id: str) -> HttpResponse:
        return self._decide(request, object_id, is_granted=False)

    def _decide(
        self, request: StaffRequest, object_id: str, *, is_granted: bool
    ) -> HttpResponse:
        appeal: Appeal = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Appeal]:
            actions.decide_appeal(
                appeal=appeal,
                is_granted=is_granted,
                answer=given["answer"],
                by=request.user,
            )
            return _("The appeal is decided."), appeal

        return ask(
            self,
            request,
            row=appeal,
            title=_("Grant the appeal") if is_granted else _("Deny the appeal"),
            form=DecisionForm(request.POST or None),
            lead=appeal.words,
            button=_("Grant") if is_granted else _("Deny"),
            act=act,
        )


class _OfTheCity(HistoryFromAudit, OrNotFound):
    """Tables that know no district: all staff read them, the city's staff write."""

    def _is_citys(self, request: HttpRequest) -> bool:
        return isinstance(request.user, User) and districts_of(request.user) is None


@admin.register(Ban)
class BanAdmin(ReadOnly, ForPostedStaff, _OfTheCity):
    list_display = ["person", "starts_at", "ends_at", "points", "state", "lift_reason"]
    list_filter = [
        ("lifted_at", admin.EmptyFieldListFilter),
        ("starts_at", RangeDateTimeFilter),
    ]
    list_filter_submit = True
    list_select_related = ["person"]
    search_fields = ["=person__phone"]
    date_hierarchy = "starts_at"
    ordering = ["-starts_at", "-pk"]
    fields = readonly_fields = [
        "person",
        "starts_at",
        "ends_at",
        "points",
        "lifted_at",
        "lifted_by",
        "lift_reason",
    ]
    actions_detail = ["lift"]

    def offers(self, name: str, row: Ban, request: HttpRequest) -> bool:
        return row.is_in_force_at(clock.now())

    @display(description=gettext_lazy("state"))
    def state(self, ban: Ban) -> str:
        if ban.lifted_at:
            return _("lifted")
        return _("in force") if ban.is_in_force_at(clock.now()) else _("over")

    def has_lift_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return self._is_citys(request) and request.user.has_perm("venues.change_ban")

    @action(description=gettext_lazy("Lift"), url_path="lift", permissions=["lift"])
    def lift(self, request: StaffRequest, object_id: str) -> HttpResponse:
        ban: Any = self.get_object(request, object_id)

        def act(given: dict[str, Any]) -> tuple[str, Ban]:
            actions.lift_ban(ban=ban, reason=given["reason"], by=request.user)
            return _("The ban is lifted."), ban

        return ask(
            self,
            request,
            row=ban,
            title=_("Lift the ban: %(ban)s") % {"ban": ban},
            form=ReasonForm(request.POST or None),
            button=_("Lift the ban"),
            act=act,
        )


class RuleForm(forms.ModelForm[ConductRule]):
    class Meta:
        model = ConductRule
        fields = [
            "valid_from",
            "no_show_points",
            "late_cancel_points",
            "ban_from_points",
            "count_days",
            "ban_days",
            "appeal_days",
        ]

    def clean_valid_from(self) -> Any:
        valid_from = self.cleaned_data["valid_from"]
        if valid_from <= clock.today():
            raise forms.ValidationError(
                _("A rule of conduct begins tomorrow at the earliest.")
            )
        return valid_from


@admin.register(ConductRule)
class ConductRuleAdmin(_OfTheCity):
    """A new rule from a later day on; what was in force stays readable."""

    form = RuleForm
    records_own_writes = False
    list_display = [
        "valid_from",
        "no_show_points",
        "late_cancel_points",
        "ban_from_points",
        "count_days",
        "ban_days",
        "appeal_days",
    ]
    ordering = ["-valid_from"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._is_citys(request) and super().has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(
        self, request: StaffRequest, obj: ConductRule, form: Any, change: bool
    ) -> None:
        actions.set_conduct_rule(rule=obj, by=request.user)
