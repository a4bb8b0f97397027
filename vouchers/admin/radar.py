"""What the radar found: evidence beside the market, and one decision with a reason."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.decorators import action, display

from bureau.accounts.models import User
from bureau.audit.admin import HistoryFromAudit, ReadOnly
from bureau.common import clock
from bureau.common.charts import Bar, Chart
from bureau.common.staff_tables import Badge
from bureau.regions.queries import districts_of
from venues.admin.pages import ask
from venues.admin.scope import OrNotFound, StaffRequest
from vouchers import actions
from vouchers.forms.radar import DecideForm, ScanForm
from vouchers.models import Flag
from vouchers.queries.evidence import MOST_SHOWN, STEPS, Evidence, evidence_of, flags_in
from vouchers.queries.radar import SIGNS

_TONES = {"open": "warning", "cleared": "success", "confirmed": "danger"}


class SignFilter(admin.SimpleListFilter):
    title = gettext_lazy("sign")
    parameter_name = "sign"

    def lookups(self, *_args: Any) -> list[tuple[str, str]]:
        return [(sign.code, str(sign.title)) for sign in SIGNS.values()]

    def queryset(
        self, _request: HttpRequest, queryset: QuerySet[Flag]
    ) -> QuerySet[Flag]:
        return queryset.filter(rule=self.value()) if self.value() else queryset


@admin.register(Flag)
class FlagAdmin(ReadOnly, HistoryFromAudit, OrNotFound):
    """Raised by the radar, decided by people, edited by nobody."""

    list_display = ["merchant", "sign", "day", "weight", "holds", "state_shown"]
    list_filter = ["state", SignFilter, ("campaign", admin.RelatedOnlyFieldListFilter)]
    list_select_related = ["merchant"]
    search_fields = ["merchant__name", "=merchant__number", "=redemptions__number"]
    date_hierarchy = "day"
    ordering = ["-day", "-score", "pk"]
    fields = readonly_fields = [
        "campaign",
        "merchant",
        "sign",
        "day",
        "weight",
        "state",
        "raised_at",
        "decided_at",
        "decided_by",
        "reason",
    ]
    change_form_before_template = "admin/vouchers/flag.html"
    actions_list = ["scan"]
    actions_detail = ["clear", "confirm"]

    def offers(self, name: str, row: Flag, request: HttpRequest) -> bool:
        return row.state == Flag.State.OPEN

    def get_queryset(self, request: HttpRequest) -> QuerySet[Flag]:
        rows = super().get_queryset(request)
        if not isinstance(request.user, User):
            return rows.none()
        mine = flags_in(districts_of(request.user))
        return rows.filter(pk__in=mine).annotate(held=Count("redemptions"))

    @display(description=gettext_lazy("sign"), ordering="rule")
    def sign(self, flag: Flag) -> str:
        return str(SIGNS[flag.rule].title)

    @display(description=gettext_lazy("weight"), ordering="score")
    def weight(self, flag: Flag) -> str:
        return f"{flag.score:.2f}"

    @display(description=gettext_lazy("redemptions"), ordering="held")
    def holds(self, flag: Flag) -> int:
        return flag.held  # type: ignore[attr-defined]

    @display(description=gettext_lazy("state"), ordering="state", label=_TONES)
    def state_shown(self, flag: Flag) -> Badge:
        return Badge(flag.state, str(flag.get_state_display()))

    def has_decide_permission(
        self, request: HttpRequest, object_id: str | None = None
    ) -> bool:
        return request.user.has_perm("vouchers.decide_flag")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        flag: Flag = self.get_object(request, object_id)
        found = evidence_of(flag)
        context = {
            "evidence": found,
            "charts": charts_of(found),
            "most_shown": MOST_SHOWN,
            "titles": [(one, SIGNS[one.rule].title) for one in found.beside],
        }
        return super().change_view(
            request, object_id, form_url, {**context, **(extra_context or {})}
        )

    @action(
        description=gettext_lazy("In order"),
        url_path="clear",
        permissions=["decide"],
        icon="check",
    )
    def clear(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """Let its redemptions be settled."""
        return self._decide(request, object_id, is_in_order=True)

    @action(
        description=gettext_lazy("Confirm"),
        url_path="confirm",
        permissions=["decide"],
        icon="gavel",
    )
    def confirm(self, request: StaffRequest, object_id: str) -> HttpResponse:
        """Keep its redemptions from being settled for good."""
        return self._decide(request, object_id, is_in_order=False)

    def _decide(
        self, request: StaffRequest, object_id: str, *, is_in_order: bool
    ) -> HttpResponse:
        flag: Flag = self.get_object(request, object_id)
        others = Flag.objects.open().filter(
            campaign=flag.campaign, merchant=flag.merchant
        )
        beside = list(others.exclude(pk=flag.pk))
        held = {one.pk: one.redemptions.count() for one in [flag, *beside]}

        def act(given: dict[str, Any]) -> tuple[str, Flag]:
            case = [flag, *beside] if given["with_others"] else [flag]
            actions.decide_flags(
                flags=case,
                is_in_order=is_in_order,
                reason=given["reason"],
                seen=given["seen"],
                by=request.user,
            )
            return _("Decided."), flag

        count = held[flag.pk]
        if is_in_order:
            lead = ngettext(
                "%(count)s redemption can be settled again, unless another flag holds "
                "it. The radar does not hold it for this sign a second time.",
                "%(count)s redemptions can be settled again, unless another flag holds "
                "them. The radar does not hold them for this sign a second time.",
                count,
            )
        else:
            lead = ngettext(
                "%(count)s redemption stays unpaid. Nothing else happens by itself: "
                "refunding it or suspending the merchant are steps of their own.",
                "%(count)s redemptions stay unpaid. Nothing else happens by itself: "
                "refunding them or suspending the merchant are steps of their own.",
                count,
            )
        return ask(
            self,
            request,
            row=flag,
            title=_("In order: %(flag)s") % {"flag": _title(flag)}
            if is_in_order
            else _("Confirm: %(flag)s") % {"flag": _title(flag)},
            form=DecideForm(request.POST or None, held=held),
            lead=lead % {"count": count},
            button=_("In order") if is_in_order else _("Confirm"),
            act=act,
        )

    @action(
        description=gettext_lazy("Look at a day now"),
        url_path="scan",
        permissions=["decide"],
        icon="radar",
    )
    def scan(self, request: StaffRequest) -> HttpResponse:
        """What the night does by itself, for one day."""
        if districts_of(request.user) is not None:
            raise PermissionDenied  # it looks at merchants of all districts
        form = ScanForm(request.POST or None, initial={"day": clock.today()})
        if form.is_valid():
            new = actions.scan_with_radar(
                **form.cleaned_data, at=clock.now(), by=request.user
            )
            told = ngettext("%(count)s new flag.", "%(count)s new flags.", len(new))
            messages.success(request, told % {"count": len(new)})
            return HttpResponseRedirect(reverse("admin:vouchers_flag_changelist"))
        return ask(
            self,
            request,
            title=_("Look at a day now"),
            form=form,
            lead=_(
                "The radar compares every merchant with the market over the two weeks "
                "up to that day. Looking twice changes nothing."
            ),
            button=_("Look"),
            act=_never,
        )


def _never(_given: dict[str, Any]) -> tuple[str, Flag]:
    raise AssertionError("a valid form is answered before")


def _title(flag: Flag) -> str:
    return f"{flag.merchant}, {SIGNS[flag.rule].title}, {flag.day}"


def charts_of(found: Evidence) -> list[Chart]:
    """The merchant beside the market; when it was; how high the bills were."""
    figures = found.figures
    share, market = 100 * figures["share"], 100 * figures["market"]
    edges = [_("up to %(percent)s %%") % {"percent": edge} for edge in STEPS]
    steps = [*edges, _("more")]
    return [
        Chart(
            "share",
            _("Marked, of all that this sign looks at"),
            (_("Who"), _("percent")),
            [
                Bar(_("this merchant"), share, f"{share:.0f} %"),
                Bar(_("the market, or what is usual"), market, f"{market:.0f} %"),
            ],
            kind="rows",
            most=100.0,
        ),
        Chart(
            "hours",
            _("Marked redemptions by hour of the day"),
            (_("Hour"), _("redemptions")),
            [Bar(str(hour), n, str(n)) for hour, n in enumerate(found.hours)],
        ),
        Chart(
            "bills-here",
            _("Bills above the threshold: this merchant"),
            (_("Above the threshold"), _("percent of the bills")),
            [
                Bar(step, 100 * here, f"{100 * here:.0f} %")
                for step, (here, _others) in zip(steps, found.bills, strict=True)
            ],
            kind="rows",
            most=100.0,
        ),
        Chart(
            "bills-others",
            _("Bills above the threshold: all others"),
            (_("Above the threshold"), _("percent of the bills")),
            [
                Bar(step, 100 * others, f"{100 * others:.0f} %")
                for step, (_here, others) in zip(steps, found.bills, strict=True)
            ],
            kind="rows",
            most=100.0,
        ),
    ]
