"""What the money did, for everybody: a page, and the same as open data."""

from __future__ import annotations

import csv

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from vouchers import queries
from vouchers.models import Account, Campaign
from vouchers.queries.figures import NAMED_FROM, Figures
from vouchers.serializers.charts import public_charts
from vouchers.serializers.figures import HEAD, lines_of

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


@require_safe
def figures(request: HttpRequest, slug: str) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.public(), slug=slug)
    found = queries.figures_of(campaign)
    charts = public_charts(found)
    context = {
        "campaign": campaign,
        "found": found,
        "money": _money(found),
        "tier_charts": charts[:2],
        "charts": charts[2:],
        "named_from": NAMED_FROM,
    }
    return render(request, "vouchers/figures/figures.html", context)


@require_safe
def figures_csv(_request: HttpRequest, slug: str) -> HttpResponse:
    """With a byte order mark: without one, Excel does not know Chinese."""
    campaign = get_object_or_404(Campaign.objects.public(), slug=slug)
    answer = HttpResponse("\ufeff", content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{campaign.slug}.csv"'
    lines = csv.writer(answer)
    lines.writerow(HEAD)
    for line in lines_of(queries.figures_of(campaign)):
        lines.writerow([_harmless(cell) for cell in line])
    return answer


def _harmless(cell: str | int) -> str | int:
    """A merchant's name is no formula."""
    risky = isinstance(cell, str) and cell.startswith(_FORMULAS)
    return f"'{cell}" if risky else cell


def _money(found: Figures) -> list[tuple[str, int, float]]:
    """(what became of it, fen, percent of the appropriation)."""
    whole = -found.money.get(Account.Kind.TREASURY, 0)
    names = {
        Account.Kind.POOL: _("not claimed yet"),
        Account.Kind.LIVE: _("claimed, can still be used"),
        Account.Kind.PAYABLE: _("used, to be paid to merchants"),
        Account.Kind.SETTLED: _("used and paid to merchants"),
        Account.Kind.LAPSED: _("lapsed"),
        Account.Kind.RETURNED: _("returned to the treasury"),
    }
    return [
        (name, found.money.get(kind, 0), 100 * found.money.get(kind, 0) / (whole or 1))
        for kind, name in names.items()
    ]
