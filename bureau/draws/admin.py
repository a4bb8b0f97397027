"""Staff announce draws here, type the results of the sources, and may declare void."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
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

from bureau.accounts.models import User
from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.staff_tables import Badge
from bureau.draws import actions
from bureau.draws.forms import (
    AnnounceForm,
    ConfirmForm,
    EntriesForm,
    ReadingForm,
    TimesForm,
    VoidForm,
)
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
        row: models.Model | None,
        *,
        form: forms.Form,
        title: str,
        button: str,
        answer: Callable[[dict[str, Any]], str],
        lead: str = "",
    ) -> HttpResponse:
        """Ask, do it, say what happened; a refusal is shown on the form.

        Without a row it is about a new one, and the list comes next.
        """
        view = f"admin:{self.opts.app_label}_{self.opts.model_name}"
        back = (
            reverse(f"{view}_change", args=[row.pk])
            if row
            else reverse(f"{view}_changelist")
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
            "subtitle": None,
            "opts": self.opts,
            "object": row,
            "form": form,
            "media": self.media + form.media,
            "lead": lead,
            "button": button,
            "back_url": back,
        }
        status = 422 if form.is_bound and form.errors else 200
        return TemplateResponse(request, "admin/ask.html", context, status=status)

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
    actions_detail = [
        "put_in",
        "freeze_now",
        "draw_now",
        "declare_void",
        "redo",
    ]

    @display(description=_("state"), ordering="state", label=LOOK_ALIKE)
    def state_badge(self, draw: Draw) -> Badge:
        return Badge(draw.state, draw.get_state_display())

    @display(description=_("draw at"), ordering="draws_at")
    def draws(self, draw: Draw) -> str:
        return clock.at_text(draw.draws_at)

    def has_add_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return request.user.has_perm("draws.add_draw")

    # A button stands where its step can be taken, and only there.

    def has_open_permission(self, request: HttpRequest, pk: Any = None) -> bool:
        return self._may_lead(request, pk, Draw.State.OPEN)

    def has_frozen_permission(self, request: HttpRequest, pk: Any = None) -> bool:
        return self._may_lead(request, pk, Draw.State.FROZEN)

    def has_standing_permission(self, request: HttpRequest, pk: Any = None) -> bool:
        standing = [Draw.State.OPEN, Draw.State.FROZEN, Draw.State.DRAWN]
        return self._may_lead(request, pk, *standing)

    def has_redo_permission(self, request: HttpRequest, pk: Any = None) -> bool:
        return request.user.has_perm("draws.add_draw") and _is_in(pk, Draw.State.VOID)

    def _may_lead(self, request: HttpRequest, pk: Any, *states: Draw.State) -> bool:
        return request.user.has_perm("draws.change_draw") and _is_in(pk, *states)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Announce a draw: from then on its rules are public and never changed."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = AnnounceForm(request.POST or None, initial=_usual_times())

        def answer(given: dict[str, Any]) -> str:
            actions.announce_draw(
                title=given["title"],
                pools=given["pools"],
                by=_staff(request),
                **form.plan,
            )
            return gettext("The draw is announced.")

        return self.question(
            request,
            None,
            form=form,
            title=gettext("Announce a draw"),
            lead=gettext(
                "The rules are public from now on and are never changed. A mistake "
                "means: declare it void, and announce it again."
            ),
            button=gettext("Announce"),
            answer=answer,
        )

    @action(description=_("Put people in"), url_path="put-in", permissions=["open"])
    def put_in(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """By ID number or credit code, while entries are open."""
        draw = self.row_or_404(request, object_id)

        def answer(given: dict[str, Any]) -> str:
            made = actions.enter_all(
                draw=draw,
                pool=given["pool"],
                id_numbers=given["numbers"],
                by=_staff(request),
            )
            told = gettext("%(new)s are in; %(before)s were in before.")
            before = len(set(given["numbers"])) - len(made)
            return told % {"new": len(made), "before": max(before, 0)}

        return self.question(
            request,
            draw,
            form=EntriesForm(request.POST or None, draw=draw),
            title=gettext("Put people in: %(draw)s") % {"draw": draw},
            button=gettext("Put in"),
            answer=answer,
        )

    @action(
        description=_("Freeze the list now"), url_path="freeze", permissions=["open"]
    )
    def freeze_now(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """The portal does it at the announced minute; this is for when it was down."""
        draw = self.row_or_404(request, object_id)

        def answer(_given: dict[str, Any]) -> str:
            actions.freeze_draw(draw=draw, by=_staff(request))
            return gettext("The list is frozen and published.")

        return self._step(
            request,
            draw,
            title=gettext("Freeze the list now?"),
            button=gettext("Freeze the list"),
            answer=answer,
        )

    @action(description=_("Draw now"), url_path="draw", permissions=["frozen"])
    def draw_now(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """As soon as every number is known; the portal does it within a minute, too."""
        draw = self.row_or_404(request, object_id)

        def answer(_given: dict[str, Any]) -> str:
            actions.run_draw(draw=draw, by=_staff(request))
            return gettext("It is drawn. The result is published.")

        return self._step(
            request,
            draw,
            title=gettext("Compute the result now?"),
            button=gettext("Draw"),
            answer=answer,
        )

    @action(description=_("Declare void"), url_path="void", permissions=["standing"])
    def declare_void(self, request: HttpRequest, object_id: int) -> HttpResponse:
        draw = self.row_or_404(request, object_id)

        def answer(given: dict[str, Any]) -> str:
            actions.void_draw(draw=draw, reason=given["reason"], by=_staff(request))
            return gettext("The draw is void. Everybody can read why.")

        return self.question(
            request,
            draw,
            form=VoidForm(request.POST or None),
            title=gettext("Declare this draw void? It cannot be taken back."),
            button=gettext("Declare void"),
            answer=answer,
        )

    @action(description=_("Announce it again"), url_path="redo", permissions=["redo"])
    def redo(self, request: HttpRequest, object_id: int) -> HttpResponse:
        """A void draw under a new number, with everybody in it, by a second person."""
        draw = self.row_or_404(request, object_id)
        start = {**_usual_times(), "draw_id": f"{draw.draw_id[:38]}-R"}
        form = TimesForm(request.POST or None, initial=start)

        def answer(_given: dict[str, Any]) -> str:
            again = actions.redo_draw(draw=draw, by=_staff(request), **form.plan)
            told = gettext("It is announced again as %(number)s.")
            return told % {"number": again.draw_id}

        lead = gettext(
            "It was declared void by %(who)s: %(reason)s Everybody who was in is in "
            "again; the rules stay. A second person announces it."
        )
        who = draw.voided_by or gettext("the portal")
        return self.question(
            request,
            draw,
            form=form,
            title=gettext("Announce again: %(draw)s") % {"draw": draw},
            lead=lead % {"who": who, "reason": draw.void_reason},
            button=gettext("Announce again"),
            answer=answer,
        )

    def _step(
        self,
        request: HttpRequest,
        draw: Draw,
        *,
        title: str,
        button: str,
        answer: Callable[[dict[str, Any]], str],
    ) -> HttpResponse:
        lead = gettext(
            "%(draw)s: entries close %(closes)s, the list is frozen %(freezes)s, it is "
            "drawn %(draws)s. The portal takes each step by itself at its time."
        )
        times = {
            "draw": draw,
            "closes": clock.at_text(draw.entries_close_at),
            "freezes": clock.at_text(draw.freezes_at),
            "draws": clock.at_text(draw.draws_at),
        }
        return self.question(
            request,
            draw,
            form=ConfirmForm(request.POST if request.method == "POST" else None),
            title=title,
            lead=lead % times,
            button=button,
            answer=answer,
        )


def _staff(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # noqa: S101 - the admin lets nobody else in
    return request.user


def _is_in(pk: Any, *states: Draw.State) -> bool:
    """Whether the draw is there; who asks of none in particular may see the buttons."""
    return pk is None or Draw.objects.filter(pk=pk, state__in=states).exists()


def _usual_times() -> dict[str, Any]:
    """Open for a week, frozen at 18:00, drawn after the evening's lottery."""
    day = clock.today() + timedelta(days=7)
    return {
        "draw_id": f"DRAW-{day:%Y%m%d}",
        "entries_close_at": clock.at(day, 18 * 60),
        "freezes_at": clock.at(day, 18 * 60),
        "draws_at": clock.at(day, 21 * 60 + 30),
    }


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
    def work_badge(self, beacon: Beacon) -> Badge:
        if beacon.known_at is not None:
            return Badge("known", gettext("known"))
        if beacon.draw.state == "frozen" and beacon.draw.draws_at <= clock.now():
            return Badge("now", gettext("to be read now"))
        return Badge("later", gettext("later"))

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
        beacon = self.row_or_404(request, object_id)
        return redirect("admin:draws_beacon_read", beacon.pk)

    def read_view(self, request: HttpRequest, object_id: int) -> HttpResponse:
        beacon = self.row_or_404(request, object_id)
        if not self.has_read_permission(request):
            raise PermissionDenied

        def answer(given: dict[str, Any]) -> str:
            read = actions.read_beacon(
                beacon=beacon,
                value=given["value"],
                by=_staff(request),
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
