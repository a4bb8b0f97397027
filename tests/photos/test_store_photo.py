from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings as site
from django.core.files.base import File
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock, geo
from bureau.common.errors import DomainError
from bureau.photos import actions, providers
from bureau.photos.errors import (
    NotAPhoto,
    PhotoTooLarge,
    PhotoTooManyPixels,
    PhotoTooSmall,
)
from bureau.photos.models import Photo
from tests.photos import pictures
from tests.photos.pictures import SECRET, upload

pytestmark = pytest.mark.django_db
JINING = (116.587, 35.415)


@pytest.fixture
def store(citizen: User) -> Callable[..., Photo]:
    def keep(content: bytes, **more: Any) -> Photo:
        usual = {"subject": citizen, "by": citizen, "purpose": "report"}
        return actions.store_photo(file=upload(content), **{**usual, **more})

    return keep


def content_of(photo: Photo) -> bytes:
    with photo.file.open("rb") as file:
        return bytes(file.read())


def stored_files() -> list[Path]:
    return [path for path in Path(site.MEDIA_ROOT).rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    "make",
    [pictures.jpeg, pictures.png, pictures.webp, pictures.heic],
    ids=["JPEG", "PNG", "WebP", "HEIC"],
)
def test_a_picture_is_written_anew_without_metadata(
    store: Callable[..., Photo], make: Callable[[], bytes]
) -> None:
    original = make()
    photo = store(original)

    content = content_of(photo)
    assert content.startswith(b"\xff\xd8\xff")
    assert SECRET not in content
    assert b"Exif" not in content
    assert len(content) == photo.bytes
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (photo.width, photo.height)
        assert image.mode == "RGB"
        assert not image.getexif()
        assert set(image.info) <= {
            "jfif",
            "jfif_version",
            "jfif_unit",
            "jfif_density",
            "progressive",
            "progression",
        }


def test_a_picture_is_turned_upright(store: Callable[..., Photo]) -> None:
    photo = store(pictures.jpeg((640, 480)))  # its metadata says: turn me
    assert (photo.width, photo.height) == (480, 640)


def test_a_large_picture_is_made_smaller(store: Callable[..., Photo]) -> None:
    photo = store(pictures.jpeg((4000, 3000)))
    assert max(photo.width, photo.height) == providers.LONGEST_SIDE


def test_what_was_transparent_is_white(store: Callable[..., Photo]) -> None:
    photo = store(pictures.png())
    with Image.open(io.BytesIO(content_of(photo))) as image:
        assert image.getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "RGB"])
def test_every_kind_of_png_is_read(store: Callable[..., Photo], mode: str) -> None:
    assert store(pictures.png(mode=mode)).width == 64


@pytest.mark.parametrize(
    ("away", "told"), [(0.0, 50), (0.001, 200), (0.05, 10_000), (5.0, 100_000)]
)
def test_only_a_coarse_distance_is_kept(
    store: Callable[..., Photo], away: float, told: int
) -> None:
    near = geo.point(JINING[0], JINING[1] + away)
    photo = store(pictures.jpeg(place=JINING), near=near)
    assert photo.distance_m == told
    assert "116" not in str(Entry.objects.about(photo).get().detail)


def test_without_a_place_there_is_no_distance(store: Callable[..., Photo]) -> None:
    assert store(pictures.jpeg(), near=geo.point(*JINING)).distance_m is None
    assert store(pictures.jpeg(place=JINING)).distance_m is None


@pytest.mark.parametrize("place", [(0.0, 0.0), (500.0, 35.0), (116.0, -95.0)])
def test_a_senseless_place_is_none(
    store: Callable[..., Photo], place: tuple[float, float]
) -> None:
    content = pictures.jpeg(place=(abs(place[0]), abs(place[1])))
    assert store(content, near=geo.point(*JINING)).distance_m is None


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
HOSTILE = {
    "nothing": b"",
    "text": b"hello",
    "SVG": SVG,
    "SVG with a JPEG's first bytes": b"\xff\xd8\xff" + SVG,
    "HTML": b"<!doctype html><script>alert(1)</script>",
    "GIF": b"GIF89a" + b"\0" * 100,
    "PDF": b"%PDF-1.7",
    "ZIP": b"PK\x03\x04" + b"\0" * 100,
    "EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10",
    "a cut JPEG": pictures.jpeg()[:2000],
    "a cut PNG": pictures.png((600, 600))[:-200],
    "a cut HEIC": pictures.heic()[:200],
    "a cut WebP": pictures.webp()[:100],
    "HEIC of nothing": b"\0\0\0\x18ftypheic" + b"\0" * 200,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_no_picture_is_refused(store: Callable[..., Photo], what: str) -> None:
    before = stored_files()
    with pytest.raises(NotAPhoto):
        store(HOSTILE[what])
    assert stored_files() == before
    assert not Photo.objects.exists()


def test_what_hides_behind_a_picture_does_not_come_along(
    store: Callable[..., Photo],
) -> None:
    photo = store(pictures.jpeg() + b"<script>alert(1)</script>PK\x03\x04")
    content = content_of(photo)
    assert b"<script>" not in content
    assert b"PK\x03\x04" not in content


def test_a_bomb_is_refused_by_its_header(store: Callable[..., Photo]) -> None:
    bomb = pictures.bomb()
    assert len(bomb) < 200_000
    with pytest.raises(PhotoTooManyPixels):
        store(bomb)


def test_a_bomb_below_pillows_own_limit_is_refused(
    store: Callable[..., Photo], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(providers, "MAX_PIXELS", 10_000)
    with pytest.raises(PhotoTooManyPixels):
        store(pictures.jpeg((200, 200)))


def test_a_dot_is_no_picture(store: Callable[..., Photo]) -> None:
    with pytest.raises(PhotoTooSmall):
        store(pictures.png((4, 400)))


class Counting(io.BytesIO):
    """A file that says how much of it was read."""

    total = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.total += len(data)
        return data


@pytest.mark.parametrize("says_its_size", [True, False])
def test_a_20_mb_upload_is_refused_before_it_is_in_memory(
    citizen: User,
    says_its_size: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    raw = Counting(b"\xff\xd8\xff" + b"\0" * 20 * 1024 * 1024)
    file: File[bytes] = File(raw, "big.jpg")
    file.size = 20 * 1024 * 1024 if says_its_size else 5
    with pytest.raises(PhotoTooLarge) as refusal:
        actions.store_photo(file=file, subject=citizen, by=citizen, purpose="report")
    assert refusal.value.status == 413
    assert "10 MB" in str(refusal.value)
    assert raw.total <= (0 if says_its_size else providers.MAX_BYTES + 1)


def test_the_same_file_for_something_else_is_found(
    store: Callable[..., Photo], citizen: User, stranger: User
) -> None:
    content = pictures.jpeg()
    first = store(content)
    second = store(content, subject=stranger, by=stranger)
    same_subject = store(content)

    assert first.sha256 == second.sha256
    assert list(Photo.objects.used_before(second)) == [first]
    assert not Photo.objects.used_before(first).exists()
    assert list(Photo.objects.used_before(same_subject)) == [second]
    entry = Entry.objects.about(second).get(event="photos.photo.stored")
    assert entry.detail["seen_before"] == [first.pk]


def test_files_without_a_row_are_forgotten_after_a_day(
    store: Callable[..., Photo], citizen: User
) -> None:
    kept = store(pictures.jpeg())
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        assert store(pictures.png()).pk / 0

    actions.forget_orphans()
    left = {path.name for path in stored_files()}
    assert left >= {f"{kept.code}.jpg"}
    assert len(left) > Photo.objects.count()
    with time_machine.travel(clock.now() + timedelta(hours=25)):
        assert actions.forget_orphans() >= 1
    assert [path.name for path in stored_files()] == [f"{kept.code}.jpg"]


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=120,
)
@given(st.data())
def test_a_damaged_picture_is_read_or_refused(data: st.DataObject) -> None:
    makers = [pictures.jpeg((64, 48)), pictures.png(), pictures.webp(), pictures.heic()]
    content = bytearray(data.draw(st.sampled_from(makers)))
    for _times in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    try:
        picture = providers.read_picture(upload(bytes(content)))
    except DomainError:
        return
    assert picture.content.startswith(b"\xff\xd8\xff")
