"""A draft as citizens will see it: for staff alone, and marked as such."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bureau.accounts.models import User
from vouchers.models import Campaign
from vouchers.queries.offers import with_rounds
from vouchers.views.public import campaign_context


@never_cache
@require_safe
def preview(request: HttpRequest, slug: str) -> HttpResponse:
    """The campaign's public page; nobody else is told that there is one."""
    user = request.user
    if not (
        isinstance(user, User)
        and user.is_staff
        and user.has_perm("vouchers.view_campaign")
    ):
        raise Http404
    shown = get_object_or_404(with_rounds(Campaign.objects.all()), slug=slug)
    return render(
        request,
        "vouchers/public/campaign.html",
        campaign_context(shown, is_preview=True),
    )
