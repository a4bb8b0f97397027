"""Where a member of a venue's staff is on duty, for the pages of gate and desk."""

from __future__ import annotations

from typing import cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from bureau.accounts.models import User
from venues.models import Gate, Venue
from venues.querysets import VenueQuerySet


def person(request: HttpRequest) -> User:
    """Who asks; behind `login_required`."""
    return cast("User", request.user)


def posts(request: HttpRequest) -> VenueQuerySet:
    """The venues where this person works; at least one, or 403."""
    venues = Venue.objects.worked_at_by(person(request)).by_district()
    if not venues.exists():
        raise PermissionDenied
    return venues


def venue_chosen(request: HttpRequest, venues: VenueQuerySet) -> Venue | None:
    """Where the person is on duty: the only venue, or the one they chose."""
    if chosen := venues.filter(code=request.session.get("gate_venue", "")).first():
        return chosen
    several = list(venues[:2])
    return several[0] if len(several) == 1 else None


def door_chosen(request: HttpRequest, venue: Venue) -> Gate | None:
    """The door of the venue where the person stands, if they said so."""
    number = request.session.get("gate_door")
    return Gate.objects.filter(venue=venue, pk=number).first() if number else None
