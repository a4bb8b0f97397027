"""Where a member of a venue's staff is on duty, for the pages of gate and desk."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from bureau.accounts.models import User
from venues.models import Gate, Venue
from venues.queries.gate import doors_of, two_posts_of
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


@dataclass(frozen=True)
class Duty:
    """Where a person is on duty: the only venue, or the one they chose."""

    venue: Venue | None
    has_several: bool


def on_duty(request: HttpRequest) -> Duty:
    """One question; raises 403 for who works nowhere."""
    code = request.session.get("gate_venue", "")
    found = two_posts_of(person(request), first=code)
    if not found:
        raise PermissionDenied
    has_several = len(found) > 1
    is_clear = not has_several or found[0].code == code
    return Duty(found[0] if is_clear else None, has_several)


def venue_chosen(request: HttpRequest, venues: VenueQuerySet) -> Venue | None:
    """Where the person is on duty: the only venue, or the one they chose."""
    if chosen := venues.filter(code=request.session.get("gate_venue", "")).first():
        return chosen
    several = list(venues[:2])
    return several[0] if len(several) == 1 else None


def door_chosen(request: HttpRequest, venue: Venue) -> Gate | None:
    """The door of the venue where the person stands, if they said so."""
    number = request.session.get("gate_door")
    if not number:
        return None
    return next((door for door in doors_of(venue) if door.pk == number), None)
