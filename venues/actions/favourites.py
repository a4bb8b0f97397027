from __future__ import annotations

from django.db import transaction

from bureau.accounts.models import User
from venues.models import CalendarFeed, Favourite, Venue


@transaction.atomic
def add_favourite(*, venue: Venue, by: User) -> Favourite:
    """Keep a venue where it is found quickly; twice is once.

    Not in the trail: it is a person's own bookmark and concerns nobody else.
    """
    favourite, _is_new = Favourite.objects.get_or_create(user=by, venue=venue)
    return favourite


@transaction.atomic
def remove_favourite(*, venue: Venue, by: User) -> None:
    Favourite.objects.filter(user=by, venue=venue).delete()


def forget_person(user: User) -> None:
    """An account is deleted: its bookmarks and its calendar's address go with it."""
    Favourite.objects.filter(user=user).delete()
    CalendarFeed.objects.filter(user=user).delete()
