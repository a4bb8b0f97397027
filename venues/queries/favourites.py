from __future__ import annotations

from django.db.models import QuerySet

from bureau.accounts.models import User
from venues.models import Favourite, Venue


def favourites_of(user: User) -> QuerySet[Venue]:
    """The venues that a person keeps, as cards show them, by district."""
    kept = Favourite.objects.filter(user=user).values("venue")
    venues = Venue.objects.public().with_district().with_court_count()
    return venues.filter(pk__in=kept).by_district()


def favourite_ids(user: User) -> frozenset[int]:
    return frozenset(
        Favourite.objects.filter(user=user).values_list("venue", flat=True)
    )
