"""What the bureau pays to a merchant, for those who manage it."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bureau.accounts.http import SignedInRequest
from bureau.common import papers, workbooks
from bureau.common.pagination import page_of
from vouchers.models import Member, Settlement
from vouchers.queries.settlements import (
    Statement,
    owed_to,
    statement_file_name,
    statement_of,
    statement_pdf,
    statement_workbook,
)

PER_PAGE = 20
LINES_PER_PAGE = 50
_KINDS = {Settlement.State.APPROVED: "warn", Settlement.State.PAID: "ok"}
_FILES = {
    "xlsx": (statement_workbook, workbooks.CONTENT_TYPE),
    "pdf": (statement_pdf, papers.CONTENT_TYPE),
}


@never_cache
@require_safe
@login_required
def statement_list(request: SignedInRequest) -> HttpResponse:
    """Statements of all merchants that the person manages, the newest first."""
    managed = Member.objects.of(request.user).managers()
    if not managed.exists():
        raise Http404
    mine = Settlement.objects.visible_to(request.user).select_related(
        "campaign", "merchant"
    )
    page = page_of(mine.newest_first(), request, per_page=PER_PAGE)
    context = {
        "page": page,
        "rows": [(one, _KINDS[Settlement.State(one.state)]) for one in page],
        "owed": owed_to(list(managed.values_list("merchant", flat=True))),
    }
    return render(request, "vouchers/statements/list.html", context)


@never_cache
@require_safe
@login_required
def statement(request: SignedInRequest, number: str) -> HttpResponse:
    found = _mine(request, number)
    row = found.settlement
    lines = [
        *((line, "") for line in found.redeemed),
        *((line, "earlier") for line in found.earlier),
        *((line, "back") for line in found.taken_back),
    ]
    context = {
        "settlement": row,
        "kind": _KINDS[Settlement.State(row.state)],
        "found": found,
        "page": page_of(lines, request, per_page=LINES_PER_PAGE),
    }
    return render(request, "vouchers/statements/statement.html", context)


@never_cache
@require_safe
@login_required
def statement_file(request: SignedInRequest, number: str, kind: str) -> HttpResponse:
    """The same as xlsx or PDF."""
    found = _mine(request, number)
    make, content_type = _FILES[kind]
    answer = HttpResponse(make(found), content_type=content_type)
    name = statement_file_name(found.settlement, kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _mine(request: SignedInRequest, number: str) -> Statement:
    """Another merchant's statement is not there."""
    rows = Settlement.objects.visible_to(request.user).select_related(
        "campaign", "merchant"
    )
    return statement_of(get_object_or_404(rows, number=number))
