"""What a venue's page says beside the grid."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from io import BytesIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from PIL import Image

from bureau.accounts.models import User
from bureau.common import clock
from bureau.photos.models import Photo
from tests import make
from venues import actions, queries
from venues.models import (
    Block,
    Bookable,
    DayTypeHours,
    HoursException,
    Venue,
    VenuePhoto,
    WeeklyHours,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def court() -> Bookable:
    return make.bookable(name="Court 1", venue=make.venue(opens=480, closes=1320))


@pytest.fixture
def venue(court: Bookable) -> Venue:
    return court.venue


def picture(colour: str = "#2a8a5a") -> bytes:
    written = BytesIO()
    Image.new("RGB", (640, 400), colour).save(written, "PNG")
    return written.getvalue()


def shown(venue: Venue, caption: str, position: int = 0) -> VenuePhoto:
    return actions.add_venue_photo(
        venue=venue,
        file=ContentFile(picture(f"#2a8a{position:02}"), name="hall.png"),
        caption=caption,
        by=None,
        position=position,
    )


def page(venue: Venue) -> str:
    answer = Client().get(venue.get_absolute_url())
    assert answer.status_code == 200
    return answer.text


def opening(venue: Venue) -> queries.Opening:
    venue.refresh_from_db()
    today = clock.today()
    rules = queries.house_rules(venue, today=today)
    return queries.opening_of(venue, rules=rules, today=today)


# --- Pictures -------------------------------------------------------------------------


def test_pictures_stand_in_their_order_for_everybody(venue: Venue) -> None:
    assert "court-badminton" in page(venue)
    second = shown(venue, "The stand", 2)
    first = shown(venue, "The hall", 1)
    text = page(venue)
    assert text.index("The hall") < text.index("The stand")
    for row in (first, second):
        address = row.photo.get_absolute_url()
        assert address in text
        assert Client().get(address)["Content-Type"] == "image/jpeg"


def test_a_picture_that_is_taken_off_is_gone(venue: Venue, citizen: User) -> None:
    row = shown(venue, "The hall")
    address = row.photo.get_absolute_url()
    actions.remove_venue_photo(shown=row, by=citizen)
    assert "The hall" not in page(venue)
    assert Client().get(address).status_code == 404
    assert not Photo.objects.exists()


def test_staff_add_describe_and_remove_pictures(venue: Venue) -> None:
    staff = User.objects.create_superuser("chief", password="x")
    client = Client()
    client.force_login(staff)
    url = "/admin/venues/venuephoto/"
    given = {"venue": venue.pk, "caption": "The hall", "position": 1}
    no_picture = SimpleUploadedFile("hall.png", b"no picture")
    answer = client.post(f"{url}add/", {**given, "file": no_picture})
    assert answer.status_code == 200
    assert not VenuePhoto.objects.exists()
    file = SimpleUploadedFile("hall.png", picture())
    answer = client.post(f"{url}add/", {**given, "file": file}, follow=True)
    assert answer.status_code == 200
    row = VenuePhoto.objects.get()
    assert row.photo.uploaded_by == staff
    assert row.photo.purpose == Photo.Purpose.VENUE
    client.post(f"{url}{row.pk}/change/", {"caption": "The stand", "position": 3})
    row.refresh_from_db()
    assert (row.caption, row.position) == ("The stand", 3)
    # The picture is a link, whose only words these are.
    assert 'alt="The stand"' in client.get(url).content.decode()
    client.post(f"{url}{row.pk}/delete/", {"post": "yes"})
    assert not VenuePhoto.objects.exists()


# --- The way out ----------------------------------------------------------------------


def test_the_panorama_leads_out_and_says_so(venue: Venue) -> None:
    venue.panorama_url = "https://vr.example.com/hall"
    venue.save()
    text = page(venue)
    assert 'href="https://vr.example.com/hall"' in text
    assert 'rel="noopener noreferrer nofollow"' in text
    assert "Leaves this site for vr.example.com" in text


@pytest.mark.parametrize(
    "address", ["", "http://vr.example.com/", "javascript:alert(1)", "//vr.example.com"]
)
def test_nothing_but_https_leads_out(venue: Venue, address: str) -> None:
    Venue.objects.filter(pk=venue.pk).update(panorama_url=address)
    text = page(venue)
    assert "panorama" not in text
    assert address not in text or not address


# --- Hours and closures ---------------------------------------------------------------


def test_the_same_hours_on_all_days_are_one_line(venue: Venue) -> None:
    (hours,) = opening(venue).hours
    assert (hours.label, hours.text) == ("Every day", "08:00–22:00")


def test_days_of_the_same_hours_stand_together(venue: Venue) -> None:
    WeeklyHours.objects.filter(venue=venue, weekday__gte=6).update(opens=600)
    WeeklyHours.objects.filter(venue=venue, weekday=3).delete()
    told = [(row.label, row.text) for row in opening(venue).hours]
    assert told == [
        ("Monday–Tuesday", "08:00–22:00"),
        ("Wednesday", "Closed"),
        ("Thursday–Friday", "08:00–22:00"),
        ("Saturday–Sunday", "10:00–22:00"),
    ]


def test_types_of_days_courts_and_single_days_have_their_lines(
    venue: Venue, court: Bookable
) -> None:
    DayTypeHours.objects.create(venue=venue, day_type="holiday", opens=540, closes=1560)
    DayTypeHours.objects.create(venue=venue, day_type="fitness_day")
    WeeklyHours.objects.create(
        venue=venue, bookable=court, weekday=1, opens=600, closes=720
    )
    tomorrow = clock.today() + timedelta(days=1)
    HoursException.objects.create(venue=venue, on=tomorrow, reason="Spring clean")
    told = opening(venue)
    assert [(row.label, row.text) for row in told.hours][1:] == [
        ("National Fitness Day, 8 August", "Closed"),
        ("public holiday", "09:00–02:00 next day"),
    ]
    ((courts, hours),) = told.own_hours
    assert courts == ("Court 1",)
    assert hours[0].text == "10:00–12:00"
    text = page(venue)
    for words in ("public holiday", "Spring clean", "Court 1", "Closed"):
        assert words in text


def test_hours_that_are_to_change_are_told_before(venue: Venue) -> None:
    begins = clock.today() + timedelta(days=9)
    actions.set_weekly_hours(
        venue=venue,
        bookable=None,
        hours={day: [(600, 1200)] for day in range(1, 8)},
        from_on=begins,
        by=make.user(),
    )

    told = opening(venue)

    assert [row.text for row in told.hours] == ["08:00–22:00"]
    assert told.changes_on == begins
    assert [row.text for row in told.changed_hours] == ["10:00–20:00"]
    text = page(venue)
    assert "Other hours from" in text
    assert "10:00–20:00" in text


def test_hours_are_read_once_until_they_change(venue: Venue) -> None:
    page(venue)
    with CaptureQueriesContext(connection) as asked:
        page(venue)
    assert not [q for q in asked if 'FROM "venues_weeklyhours"' in q["sql"]]
    WeeklyHours.objects.filter(venue=venue).update(closes=1380)
    assert "08:00–23:00" in page(venue)


def closure(venue: Venue, **given: object) -> Block:
    now = clock.now()
    facts = {
        "reason": "New floor",
        "is_closure": True,
        "starts_at": now + timedelta(days=9),
        "ends_at": now + timedelta(days=10),
        "announced_at": now - timedelta(minutes=1),
        "created_at": now,
        "set_by": make.user(),
    }
    return Block.objects.create(venue=venue, **facts | given)


def test_an_announced_closure_is_told(venue: Venue) -> None:
    closure(venue)
    assert "New floor" in page(venue)


def test_a_closure_of_some_courts_names_them(venue: Venue, court: Bookable) -> None:
    make.bookable(venue=venue, name="Court 2")
    unit = court.units.get()
    closure(venue, unit_ids=[unit.pk])
    (told,) = queries.announced_closures(venue, at=clock.now())
    assert told.courts == (unit.name,)
    assert unit.name in page(venue)


@pytest.mark.parametrize(
    "given",
    [
        {"is_closure": lambda _now: False},
        {"lifted_at": lambda now: now},
        {
            "starts_at": lambda now: now - timedelta(days=2),
            "ends_at": lambda now: now - timedelta(days=1),
        },
    ],
)
def test_what_is_no_closure_or_over_is_not(
    venue: Venue, given: dict[str, Callable[[datetime], object]]
) -> None:
    now = clock.now()
    closure(venue, **{name: value(now) for name, value in given.items()})
    assert "New floor" not in page(venue)


def test_the_page_asks_as_much_for_one_picture_as_for_three(venue: Venue) -> None:
    def questions() -> int:
        page(venue)
        with CaptureQueriesContext(connection) as asked:
            page(venue)
        return len(asked)

    shown(venue, "One")
    few = questions()
    for number in (2, 3):
        shown(venue, f"Picture {number}", number)
    assert questions() == few
