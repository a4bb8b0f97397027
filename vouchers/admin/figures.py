"""The staff's dashboard of a campaign: live figures, filters, alerts, a workbook."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext
from unfold.decorators import action

from bureau.audit.admin import ReadOnly
from bureau.common import clock
from bureau.common.charts import Chart
from bureau.common.money import yuan
from bureau.common.workbooks import CONTENT_TYPE, Cell, Sheet, workbook
from bureau.regions.models import District
from bureau.regions.queries import districts_of
from venues.admin.pages import show
from venues.admin.scope import StaffRequest, in_my_districts
from vouchers import queries
from vouchers.forms.radar import FiguresForm
from vouchers.models import Campaign, HourFigure, Merchant
from vouchers.queries.alerts import alerts_of
from vouchers.queries.evidence import flags_in, open_flags
from vouchers.queries.figures import Figures, Part, Scope, named_parts
from vouchers.serializers.charts import (
    claims_chart,
    part_charts,
    percent,
    tier_charts,
    times,
)


@admin.register(HourFigure)
class HourFigureAdmin(ReadOnly):
    """The hours themselves; the dashboard stands above them."""

    list_display = ["hour", "shop", "tier", "sport", "redeemed", "bills", "subsidies"]
    list_filter = [("campaign", admin.RelatedOnlyFieldListFilter), "sport"]
    list_select_related = ["shop", "tier"]
    date_hierarchy = "hour"
    ordering = ["-hour", "pk"]
    show_full_result_count = False
    actions_list = ["dashboard"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[HourFigure]:
        rows = super().get_queryset(request)
        return in_my_districts(rows, request, path="shop__district")

    @admin.display(description=gettext_lazy("bills"), ordering="bill_fen")
    def bills(self, figure: HourFigure) -> str:
        return yuan(figure.bill_fen)

    @admin.display(description=gettext_lazy("subsidy"), ordering="subsidy_fen")
    def subsidies(self, figure: HourFigure) -> str:
        return yuan(figure.subsidy_fen)

    def has_dashboard_permission(self, request: HttpRequest, *_args: Any) -> bool:
        return request.user.has_perm("vouchers.view_hourfigure")

    @action(
        description=gettext_lazy("Dashboard"),
        url_path="dashboard",
        permissions=["dashboard"],
        icon="bar_chart",
    )
    def dashboard(self, request: StaffRequest) -> HttpResponse:
        """A plain GET form, so that an answer can be kept and sent as a link."""
        if not self.has_dashboard_permission(request):
            raise PermissionDenied
        asked = request.GET.dict()
        newest = Campaign.objects.public().order_by("-pk").first()
        if "campaign" not in asked and newest:
            asked["campaign"] = str(newest.pk)
        districts: Any = in_my_districts(
            District.objects.order_by("position", "pk"), request, path="pk"
        )
        form = FiguresForm(
            asked if newest else None,
            districts=districts,
            merchants=_merchants(request),
        )
        found, alerts, flags = None, [], None
        if newest and form.is_valid():
            found = Found(form, request)
            alerts = alerts_of(found.campaign, at=clock.now())
            mine = flags_in(districts_of(request.user))
            flags = open_flags(mine.filter(campaign=found.campaign))
            if asked.get("format") == "xlsx":
                return _as_workbook(found)
        query = request.GET.copy()
        query["format"] = "xlsx"
        return show(
            self,
            request,
            "admin/vouchers/dashboard.html",
            title=_("What the money did"),
            form=form,
            found=found,
            alerts=alerts,
            flags=flags,
            workbook_url=f"?{query.urlencode()}",
        )


def _merchants(request: StaffRequest) -> QuerySet[Merchant]:
    merchants = Merchant.objects.filter(participations__isnull=False)
    mine = in_my_districts(merchants, request, path="shops__district")
    return mine.distinct().order_by("name", "pk")


def _as_workbook(found: Found) -> HttpResponse:
    answer = HttpResponse(found.workbook, content_type=CONTENT_TYPE)
    name = f"vouchers-{found.campaign.slug}.xlsx"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


class Found:
    """What the page and the workbook show."""

    def __init__(self, form: FiguresForm, request: StaffRequest) -> None:
        """After `form.is_valid()`."""
        given = form.cleaned_data
        self.campaign: Campaign = given["campaign"]
        self.all: Figures = queries.figures_of(self.campaign)
        mine = districts_of(request.user)
        district = given["district"]
        chosen = None if mine is None else tuple(mine)
        if district:
            chosen = (district.pk,)
        self.scope = Scope(
            self.campaign,
            first=given["first"],
            last=given["last"],
            districts=chosen,
            merchant_id=given["merchant"].pk if given["merchant"] else None,
            sport=given["sport"],
        )
        parts = queries.parts_in(self.scope)
        self.parts = named_parts(parts)
        self.total = Part("", _("all"), *parts.total[1:])

    @property
    def figures(self) -> list[tuple[str, str, str]]:
        """(what, figure, how it came about) of the cards on top."""
        states, everything = self.all.states, self.all
        issued = sum(one.tier.count for one in everything.tiers)
        return [
            (
                _("Claimed"),
                str(states["claimed"]),
                _("of %(issued)s issued, whole campaign") % {"issued": issued},
            ),
            (
                _("On offer now"),
                str(sum(one.remaining for one in everything.tiers)),
                _("in rounds that are laid out"),
            ),
            (
                _("Usable"),
                str(states["live"]),
                _("claimed and not used; %(expired)s expired")
                % {"expired": states["expired"]},
            ),
            (
                _("Used"),
                str(self.total.redeemed),
                _("in what is chosen below; whole campaign: %(percent)s of the claimed")
                % {"percent": percent(everything.rate)},
            ),
            (
                _("Bills"),
                f"¥{yuan(self.total.bill_fen)}",
                _("of which ¥%(subsidy)s subsidy")
                % {"subsidy": yuan(self.total.subsidy_fen)},
            ),
            (
                _("Leverage"),
                times(self.total.leverage),
                _("bills ÷ subsidy; floor of the campaign %(floor)s")
                % {"floor": times(everything.floor)},
            ),
        ]

    @property
    def charts(self) -> list[Chart]:
        return [
            *tier_charts(self.all.tiers),
            claims_chart(self.all.claims_by_day),
            *part_charts(**self.parts),
        ]

    @property
    def workbook(self) -> bytes:
        head: list[Cell] = [
            _("What"),
            _("used"),
            _("bills, yuan"),
            _("subsidy, yuan"),
            _("leverage"),
        ]
        titles = {
            "districts": _("By district"),
            "merchants": _("By merchant"),
            "sports": pgettext("figures", "By sport"),
            "days": _("By day"),
            "hours": _("By hour of the day"),
        }
        return workbook(
            [
                Sheet(
                    _("Summary"),
                    [
                        [_("What"), _("Figure"), _("How it came about")],
                        [_("Campaign"), self.campaign.name, None],
                        [_("Counted"), clock.at_text(self.all.counted_at), None],
                        *([*row] for row in self.figures),
                    ],
                ),
                Sheet(_("By tier"), self._tier_rows()),
                *(
                    Sheet(title, [head, *(_row(one) for one in self.parts[name])])
                    for name, title in titles.items()
                ),
            ]
        )

    def _tier_rows(self) -> list[list[Cell]]:
        rows: list[list[Cell]] = [
            [
                _("Tier"),
                _("issued"),
                _("claimed"),
                _("usable"),
                _("used"),
                _("expired"),
                _("given up"),
                _("cancelled"),
                _("bills, yuan"),
                _("subsidy, yuan"),
                _("leverage"),
                _("floor"),
            ]
        ]
        rows += [
            [
                str(one.tier),
                one.tier.count,
                one.claimed,
                one.live,
                one.redeemed,
                one.expired,
                one.lost,
                one.void,
                one.bill_fen / 100,
                one.subsidy_fen / 100,
                one.leverage,
                one.floor,
            ]
            for one in self.all.tiers
        ]
        return rows


def _row(one: Part) -> list[Cell]:
    return [
        one.label,
        one.redeemed,
        one.bill_fen / 100,
        one.subsidy_fen / 100,
        one.leverage,
    ]
