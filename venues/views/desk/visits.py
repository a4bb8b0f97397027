"""Where the window stands, and who is served at it."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import messages
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from bureau.accounts.models import User
from bureau.common.errors import DomainError
from venues.errors.desk import DeskVisitOver
from venues.models import Venue
from venues.views.posts import person, posts, venue_chosen

VISIT = timedelta(minutes=30)
"""How long a person who was found stays open on a desk's screen."""
_SALT = "venues.desk.visit"


def venue_here(request: HttpRequest) -> Venue | None:
    return venue_chosen(request, posts(request))


def elsewhere() -> HttpResponse:
    return redirect(f"{reverse('venues:gate-venue')}?to=desk")


def visit_for(request: HttpRequest, found: User) -> str:
    """The person in the address, so that two windows never mix two people up."""
    return signing.dumps(
        {"person": found.pk, "staff": person(request).pk}, salt=_SALT, compress=True
    )


def visitor_of(request: HttpRequest, visit: str) -> User:
    """Who is served; raises `DeskVisitOver` after a while, and for other staff."""
    try:
        who = signing.loads(visit, salt=_SALT, max_age=VISIT)
    except signing.BadSignature as wrong:
        raise DeskVisitOver from wrong
    if who["staff"] != person(request).pk:
        raise DeskVisitOver
    found = User.objects.filter(pk=who["person"], is_active=True).first()
    if found is None:
        raise DeskVisitOver
    return found


def visit_over(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    messages.warning(request, str(refusal))
    return redirect("venues:desk")
