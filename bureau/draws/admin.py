"""Staff look at draws here, type the results of the sources, and may declare void."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.decorators import action, display

from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.draws import actions
from bureau.draws.forms import ReadingForm, VoidForm
from bureau.draws.models import Beacon, BeaconReading, Draw, DrawEntry, LogLine, Pool

LOOK_ALIKE = {
    "open": "warning",
    "frozen": "info",
    "drawn": "success",
    "void": "danger",
}


class Part(TabularInline):
    """Rows of a draw, to look at."""

    extra = 0
    can_delete = False

    def has_add_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False

    def has_change_permission(self, *_args: Any, **_kwargs: Any) -> bool:
        return False


class PoolInline(Part):
    model = Pool
    fields = readonly_fields = ["prefix", "name", "quota", "cutoff"]


class BeaconInline(Part):
    model = Beacon
    ordering = ["position"]
    fields = readonly_fields = ["source", "issue", "value", "known_at"]
    show_change_link = True


class LogInline(Part):
    model = LogLine
    ordering = ["position"]
    fields = readonly_fields = ["position", "step", "at", "detail", "line_hash"]


class ReadingInline(Part):
    model = BeaconReading
    ordering = ["read_at"]
    fields = readonly_fields = ["value", "read_by", "read_at"]


class Asking(HistoryFromAudit, ReadOnly):
    """A table with pages that ask one question and call one action."""

    def question(
        self,
        request: HttpRequest,
        row: models.Model,
        *,
        form: forms.Form,
        title: str,
        button: str,
        answer: Callable[[dict[str, Any]], str],
    ) -> HttpResponse:
        back = reverse(
            f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk]
        )
        if request.method == "POST" and form.is_valid():
            try:
                self.message_user(request, answer(form.cleaned_data))
            except DomainError as refusal:
                form.add_error(None, str(refusal))
            else:
                return redirect(back)
        context = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "object": row,
            "form": form,
            "button": button,
            "back_url": back,
        }
        return TemplateResponse(request, "draws/admin/question.html", context)

    def row_or_404(self, request: HttpRequest, object_id: int) -> Any:
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404
        return row


@admin.register(Draw)
class DrawAdmin(Asking):
    list_display = ["draw_id", "title", "state_badge", "draws", "entry_count"]
    list_filter = ["state"]
    search_fields = ["draw_id", "title"]
    date_hierarchy = "draws_at"
    ordering = ["-draws_at", "-id"]
    list_per_page = 50
    inlines = [PoolInline, BeaconInline, LogInline]
    actions_detail = ["declare_void"]

    @display(description=_("state"), ordering="state", label=LOOK_ALIKE)
    def state_badge(self, draw: Draw) -> tuple[str, str]:
        return draw.state, draw.get_state_display()

    @display(description=_("draw at"), ordering="draws_at")
    def draws(self, draw: Draw) -> str:
        return clock.at_text(draw.draws_at)

    def get_urls(self) -> list[URLPattern]:
        void = self.admin_site.admin_view(self.void_view)
        return [
            path("<int:object_id>/declare-void/", void, name="draws_draw_void"),
            *super().get_urls(),
        ]

    def has_void_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("draws.change_draw")

    @action(description=_("Declare void"), url_path="void", permissions=["void"])
    def declare_void(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:draws_draw_void", object_id)

    def void_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        draw = self.row_or_404(request, object_id)
        if not self.has_void_permission(request):
            raise PermissionDenied

        def answer(given: dict[str, Any]) -> str:
            actions.void_draw(draw=draw, reason=given["reason"], by=request.user)  # type: ignore[arg-type]
            return gettext("The draw is void. Everybody can read why.")

        return self.question(
            request,
            draw,
            form=VoidForm(request.POST or None),
            title=gettext("Declare this draw void? It cannot be taken back."),
            button=gettext("Declare void"),
            answer=answer,
        )


class Reading(admin.SimpleListFilter):
    """The work list: what is to be read now comes first, and alone."""

    title = _("work")
    parameter_name = "work"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, Any]]:
        return [("now", _("to be read now")), ("known", _("known"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "now":
            return queryset.to_read_at(clock.now())
        if self.value() == "known":
            return queryset.exclude(known_at=None)
        return queryset


@admin.register(Beacon)
class BeaconAdmin(Asking):
    list_display = ["draw", "source", "issue", "due", "work_badge", "value"]
    list_filter = [Reading, "source"]
    list_select_related = ["draw"]
    search_fields = ["draw__draw_id", "issue"]
    ordering = ["-draw__draws_at", "draw_id", "position"]
    list_per_page = 50
    inlines = [ReadingInline]
    actions_detail = ["type_result"]
    actions_row = ["type_result"]

    @display(description=_("draw at"), ordering="draw__draws_at")
    def due(self, beacon: Beacon) -> str:
        return clock.at_text(beacon.draw.draws_at)

    @display(
        description=_("work"),
        label={"now": "danger", "later": "info", "known": "success"},
    )
    def work_badge(self, beacon: Beacon) -> tuple[str, str]:
        if beacon.known_at is not None:
            return "known", gettext("known")
        if beacon.draw.state == "frozen" and beacon.draw.draws_at <= clock.now():
            return "now", gettext("to be read now")
        return "later", gettext("later")

    def get_urls(self) -> list[URLPattern]:
        read = self.admin_site.admin_view(self.read_view)
        return [
            path("<int:object_id>/read/", read, name="draws_beacon_read"),
            *super().get_urls(),
        ]

    def has_read_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("draws.read_beacon")

    @action(
        description=_("Type the result"), url_path="type-result", permissions=["read"]
    )
    def type_result(self, request: HttpRequest, object_id: int) -> HttpResponse:
        return redirect("admin:draws_beacon_read", object_id)

    def read_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        beacon = self.row_or_404(request, object_id)
        if not self.has_read_permission(request):
            raise PermissionDenied

        def answer(given: dict[str, Any]) -> str:
            read = actions.read_beacon(
                beacon=beacon,
                value=given["value"],
                by=request.user,  # type: ignore[arg-type]
            )
            if read.known_at is not None:
                return gettext("Two people have read the same: the result is settled.")
            return gettext("Noted. A second person must now read the same.")

        return self.question(
            request,
            beacon,
            form=ReadingForm(request.POST or None, beacon=beacon),
            title=gettext("Type the result as it was drawn, from its official page"),
            button=gettext("Save the reading"),
            answer=answer,
        )


@admin.register(DrawEntry)
class EntryAdmin(Asking):
    list_display = ["entry_id", "draw", "pool", "person", "weight", "rank", "outcome"]
    list_filter = ["outcome", "draw__state"]
    list_select_related = ["draw", "pool__draw", "person"]
    search_fields = ["entry_id__exact", "draw__draw_id__exact"]
    ordering = ["-id"]
    list_per_page = 50
    show_full_result_count = False
    fields = readonly_fields = [
        "entry_id",
        "draw",
        "pool",
        "person",
        "commit",
        "weight",
        "group_size",
        "entered_at",
        "rank",
        "score",
        "outcome",
    ]
