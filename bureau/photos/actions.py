from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from posixpath import join

from django.contrib.gis.geos import Point
from django.core.files.base import ContentFile, File
from django.core.files.storage import default_storage
from django.db import models, transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, geo
from bureau.common.codes import new_code
from bureau.photos.models import Photo
from bureau.photos.providers import read_picture

FOLDER = "photos"
ORPHAN_AFTER = timedelta(days=1)


@transaction.atomic
def store_photo(
    *,
    file: File[bytes],
    subject: models.Model,
    by: User | None,
    purpose: str,
    near: Point | None = None,
) -> Photo:
    """Keep a picture of `subject`, written anew without metadata.

    With `near` (WGS-84) a coarse distance between it and the place in the picture's
    EXIF is kept; the place is not. Raises `PhotoTooLarge`, `NotAPhoto`,
    `PhotoTooManyPixels` or `PhotoTooSmall`.
    """
    now = clock.now()
    picture = read_picture(file)
    code = new_code()
    distance = None
    if near is not None and picture.taken_at is not None:
        distance = geo.coarse(geo.metres(*picture.taken_at, near.x, near.y))
    photo = Photo(
        code=code,
        subject_type=subject._meta.label_lower,
        subject_id=subject.pk,
        purpose=purpose,
        sha256=picture.sha256,
        bytes=len(picture.content),
        width=picture.width,
        height=picture.height,
        distance_m=distance,
        uploaded_by=by,
        uploaded_at=now,
    )
    name = f"{purpose}/{now:%Y/%m}/{code}.jpg"
    photo.file.save(name, ContentFile(picture.content), save=False)
    try:
        with transaction.atomic():
            photo.save(force_insert=True)
    except BaseException:
        default_storage.delete(photo.file.name or "")
        raise
    reused = Photo.objects.used_before(photo).values_list("pk", flat=True)[:5]
    record(
        "photos.photo.stored",
        subject=photo,
        by=by,
        at=now,
        detail={"purpose": purpose, "seen_before": list(reused)},
    )
    return photo


def forget_orphans() -> int:
    """Delete files whose row was rolled back or anonymised; how many went comes back.

    Only what is older than a day: a younger one may belong to an open transaction.
    """
    before = clock.now() - ORPHAN_AFTER
    gone = 0
    for folder, names in _folders(FOLDER):
        paths = {join(folder, name) for name in names}
        known = Photo.objects.filter(file__in=paths).values_list("file", flat=True)
        for path in sorted(paths - set(known)):
            if default_storage.get_modified_time(path) < before:
                default_storage.delete(path)
                gone += 1
    return gone


def _folders(folder: str) -> Iterator[tuple[str, list[str]]]:
    try:
        inner, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return
    yield folder, names
    for name in inner:
        yield from _folders(join(folder, name))
