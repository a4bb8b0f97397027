from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bureau.accounts.http import SignedInRequest
from bureau.accounts.models import User
from bureau.common import codes
from bureau.common.pagination import page_of
from venues import actions, queries
from venues.models import Venue

PER_PAGE = 20


@never_cache
@require_safe
@login_required
def favourites(request: SignedInRequest) -> HttpResponse:
    page = page_of(queries.favourites_of(request.user), request, per_page=PER_PAGE)
    return render(request, "venues/favourites.html", {"page": page})


@require_POST
def favourite(request: HttpRequest, code: str) -> HttpResponse:
    """Keep a venue or let it go, and back to the page that the heart stands on."""
    venue = get_object_or_404(Venue.objects.public(), code=codes.normalise(code))
    if not isinstance(request.user, User):
        return redirect_to_login(venue.get_absolute_url())
    if request.POST.get("keep") == "no":
        actions.remove_favourite(venue=venue, by=request.user)
    else:
        actions.add_favourite(venue=venue, by=request.user)
    back = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(back, allowed_hosts=None):
        return redirect(back)
    return redirect(venue)
