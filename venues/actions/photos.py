from __future__ import annotations

from django.core.files.base import File
from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.photos.actions import store_photo
from bureau.photos.models import Photo
from venues.models import Venue, VenuePhoto


@transaction.atomic
def add_venue_photo(
    *, venue: Venue, file: File[bytes], caption: str, by: User | None, position: int = 0
) -> VenuePhoto:
    """Show a picture on a venue's page; everybody can see it.

    The file is written anew without metadata. Raises what `store_photo` raises.
    """
    photo = store_photo(file=file, subject=venue, by=by, purpose=Photo.Purpose.VENUE)
    shown = VenuePhoto.objects.create(
        venue=venue, photo=photo, caption=caption, position=position
    )
    record("venues.photo.added", subject=shown, by=by, at=clock.now())
    return shown


@transaction.atomic
def describe_venue_photo(
    *, shown: VenuePhoto, caption: str, position: int, by: User
) -> VenuePhoto:
    """Change the words below a picture, or its place among the others."""
    shown.caption, shown.position = caption, position
    shown.save(update_fields=["caption", "position"])
    record("venues.photo.described", subject=shown, by=by, at=clock.now())
    return shown


@transaction.atomic
def remove_venue_photo(*, shown: VenuePhoto, by: User) -> None:
    """Take a picture off the page and out of the store (its file goes by a sweep)."""
    record(
        "venues.photo.removed",
        subject=shown,
        by=by,
        at=clock.now(),
        detail={"venue": shown.venue_id, "caption": shown.caption},
    )
    photo = shown.photo
    shown.delete()
    if not VenuePhoto.objects.filter(photo=photo).exists():
        photo.delete()
