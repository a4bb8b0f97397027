"""The drawer: what was taken and paid out on a day, and what waits."""

from __future__ import annotations

from datetime import date, timedelta
from http import HTTPStatus
from io import BytesIO

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from openpyxl import Workbook  # type: ignore[import-untyped]

from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.payments.models import Refund
from venues import actions
from venues.forms import read_day
from venues.models import Venue
from venues.queries.desk import CashSheet, cash_sheet, refunds_to_pay_out
from venues.views.desk.visits import elsewhere, venue_here
from venues.views.posts import person


@never_cache
@require_safe
@login_required
def desk_cash(request: HttpRequest) -> HttpResponse:
    """What was taken and paid out on a day, by whom; and what waits to be paid out."""
    venue = venue_here(request)
    if venue is None:
        return elsewhere()
    return _show_cash(request, venue, None)


def _show_cash(
    request: HttpRequest, venue: Venue, refusal: DomainError | None
) -> HttpResponse:
    on = _day(request)
    today = clock.today()
    context = {
        "venue": venue,
        "sheet": cash_sheet(venue, on),
        "on": on,
        "yesterday": on - timedelta(days=1),
        "tomorrow": on + timedelta(days=1) if on < today else None,
        "to_pay_out": refunds_to_pay_out(venue),
        "refusal": refusal,
    }
    status = refusal.status if refusal else HTTPStatus.OK
    return render(request, "venues/desk_cash.html", context, status=status)


@never_cache
@require_POST
@login_required
def desk_pay_out(request: HttpRequest, number: str) -> HttpResponse:
    """Confirm that the cash of a refund was put into the person's hand."""
    venue = venue_here(request)
    if venue is None:
        return elsewhere()
    refund = get_object_or_404(Refund.objects.select_related("payment"), number=number)
    try:
        actions.pay_out_refund(refund=refund, venue=venue, by=person(request))
    except DomainError as refusal:
        return _show_cash(request, venue, refusal)
    messages.success(request, _("Paid out."))
    return redirect("venues:desk-cash")


@never_cache
@require_safe
@login_required
def desk_cash_xlsx(request: HttpRequest) -> HttpResponse:
    venue = venue_here(request)
    if venue is None:
        return elsewhere()
    sheet = cash_sheet(venue, _day(request))
    answer = HttpResponse(
        _as_xlsx(venue, sheet),
        content_type=(
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        ),
    )
    name = f"cash-{venue.code}-{sheet.on}.xlsx"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _as_xlsx(venue: Venue, sheet: CashSheet) -> bytes:
    book = Workbook()
    page = book.active
    page.title = _("Cash")
    page.append([_("Cash of a day"), venue.display_name, sheet.on.isoformat()])
    page.append([])
    page.append([_("Staff"), _("Cash taken"), _("Paid out"), _("In the drawer")])
    for drawer in sheet.drawers:
        page.append(
            [
                _plain(drawer.person.display_name),
                drawer.taken_fen / 100,
                drawer.paid_out_fen / 100,
                drawer.left_fen / 100,
            ]
        )
    page.append(
        [
            _("Total"),
            sheet.taken_fen / 100,
            sheet.paid_out_fen / 100,
            sheet.left_fen / 100,
        ]
    )
    page.append([])
    page.append([_("Receipt"), _("Time"), _("Yuan"), _("For"), _("By")])
    for movement in sheet.movements:
        page.append(
            [
                movement.number,
                f"{movement.moved_at.astimezone(clock.CHINA):%H:%M}",
                movement.fen / 100,
                _plain(movement.payment.title),
                _plain(movement.moved_by.display_name),
            ]
        )
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def _plain(text: str) -> str:
    """No cell begins with what a spreadsheet would run."""
    return f"'{text}" if text[:1] in "=+-@" else text


def _day(request: HttpRequest) -> date:
    today = clock.today()
    asked = read_day(request.GET.get("on", "")) or today
    return min(asked, today)
