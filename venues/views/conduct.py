"""My conduct: points, until when they count, bans, and appeals."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from bureau.accounts.http import SignedInRequest
from bureau.common import clock
from bureau.common.errors import DomainError
from venues import actions, queries
from venues.forms import AppealForm
from venues.models import ConductPoint


@never_cache
@require_safe
@login_required
def conduct(request: SignedInRequest) -> HttpResponse:
    now = clock.now()
    standing = queries.standing_of(request.user, at=now)
    context = {
        "standing": standing,
        "rows": [(row, *_state_words(row)) for row in standing.rows],
        "bans": [(ban, ban.is_in_force_at(now)) for ban in standing.bans],
    }
    return render(request, "venues/conduct.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def appeal(request: SignedInRequest, pk: int) -> HttpResponse:
    """Say what happened; staff answer."""
    mine = ConductPoint.objects.filter(person=request.user)
    point = get_object_or_404(mine.select_related("booking__venue", "appeal"), pk=pk)
    if request.method != "POST" and getattr(point, "appeal", None):
        return redirect("venues:conduct")
    form = AppealForm(request.POST or None)
    status = HTTPStatus.OK
    if request.method == "POST" and form.is_valid():
        try:
            actions.appeal_against(
                point=point, words=form.cleaned_data["words"], by=request.user
            )
        except DomainError as said_no:
            form.add_error(None, forms.ValidationError(str(said_no)))
            status = said_no.status
        else:
            messages.success(request, _("Your appeal is with the staff now."))
            return redirect("venues:conduct")
    elif request.method == "POST":
        status = HTTPStatus.UNPROCESSABLE_ENTITY
    context: dict[str, Any] = {
        "point": point,
        "booking": point.booking,
        "until": queries.appeal_until(point),
        "form": form,
    }
    return render(request, "venues/appeal.html", context, status=status)


def _state_words(row: queries.PointRow) -> tuple[str, str]:
    """(words, badge kind) of points as they stand now."""
    if row.point.excused_at:
        return _("Excused"), "ok"
    if not row.counts:
        return _("Run out"), ""
    if row.is_spent:
        return _("Used up by a ban"), ""
    return _("Counts"), "warn"
