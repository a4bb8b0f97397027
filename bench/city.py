"""The rows that the lines need: halls with many courts, people who are signed in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib import import_module
from itertools import count
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.gis.geos import MultiPolygon, Point, Polygon
from django.db import connection
from django.urls import reverse

from bench.wrk import Request
from bureau.accounts.models import User
from bureau.audit.invariants import all_invariants
from bureau.common import clock
from bureau.common.sports import Sport
from bureau.regions.models import District
from venues.models import (
    Bookable,
    BookableUnit,
    CancelBand,
    PriceRule,
    Unit,
    Venue,
    WeeklyHours,
)

CSRF = "b" * 32
OPENS, CLOSES = 6, 22
PRICE_FEN = 4000
_serial = count(1)


@dataclass(frozen=True)
class Citizen:
    """A person with a session in a browser."""

    user: User
    cookie: str


@dataclass(frozen=True)
class Place:
    """A court at a time."""

    bookable: Bookable
    starts_at: datetime

    @property
    def key(self) -> str:
        local = self.starts_at.astimezone(clock.CHINA)
        return f"{self.bookable.pk}@{local:%Y-%m-%dT%H:%M}"


def district() -> District:
    square = Polygon.from_bbox((116.0, 35.0, 117.0, 36.0))
    made, _ = District.objects.get_or_create(
        code="370811",
        defaults={
            "name": "任城区",
            "name_en": "Rencheng",
            "position": 1,
            "boundary": MultiPolygon(square, srid=4326),
        },
    )
    return made


def venue(*, courts: int, **given: object) -> Venue:
    """A hall with that many courts, open 06:00 to 22:00, 40 yuan an hour."""
    serial = next(_serial)
    made = Venue.objects.create(
        name=f"第{serial}体育馆",
        name_en=f"Hall {serial}",
        district=district(),
        address=f"体育路 {serial} 号",
        location=Point(116.587 + serial / 1000, 35.415, srid=4326),
        sports=[Sport.BADMINTON],
        facilities=["parking", "shower", "indoor"],
        **given,
    )
    units = Unit.objects.bulk_create(
        Unit(venue=made, name=f"{n} 号场") for n in range(1, courts + 1)
    )
    bookables = Bookable.objects.bulk_create(
        Bookable(venue=made, name=unit.name, sport=Sport.BADMINTON, position=n)
        for n, unit in enumerate(units)
    )
    BookableUnit.objects.bulk_create(
        BookableUnit(bookable=bookable, unit=unit)
        for bookable, unit in zip(bookables, units, strict=True)
    )
    week = range(1, 8)
    WeeklyHours.objects.bulk_create(
        WeeklyHours(venue=made, weekday=day, opens=OPENS * 60, closes=CLOSES * 60)
        for day in week
    )
    PriceRule.objects.bulk_create(
        PriceRule(
            venue=made, weekday=day, price_fen=PRICE_FEN, valid_from=date(2020, 1, 1)
        )
        for day in week
    )
    CancelBand.objects.create(venue=made, minutes_before=120, percent=100)
    return made


def places(hall: Venue, *, day: int | None = None) -> list[Place]:
    """Every slot of a hall that can be booked from tomorrow on, or on one day."""
    days = [day] if day is not None else range(1, hall.days_ahead + 1)
    return [
        Place(court, clock.at(clock.today() + timedelta(days=ahead), hour * 60))
        for ahead in days
        for hour in range(OPENS, CLOSES)
        for court in hall.bookables.select_related("venue").order_by("position", "pk")
    ]


def citizens(number: int) -> list[Citizen]:
    """People with a proven mobile number who are signed in."""
    now = clock.now()
    serials = [next(_serial) for _ in range(number)]
    people = []
    for serial in serials:
        person = User(
            username=f"bench-{serial}",
            phone=f"139{serial:08}",
            phone_verified_at=now,
            language="zh-hans",
        )
        person.set_unusable_password()
        people.append(person)
    User.objects.bulk_create(people)
    return [Citizen(person, _signed_in(person)) for person in people]


def superuser() -> Citizen:
    """A member of staff who is signed in to the admin."""
    staff = User.objects.create_superuser(f"bench-staff-{next(_serial)}")
    return Citizen(staff, _signed_in(staff))


def _signed_in(person: User) -> str:
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.create()
    # The list of devices, as signing in writes it.
    UserSession.objects.create(
        user=person, session_key=session.session_key, ip="127.0.0.1", user_agent="wrk"
    )
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={session.session_key}; {settings.CSRF_COOKIE_NAME}={CSRF}"


def booking(place: Place, citizen: Citizen, *more: Place) -> Request:
    """The request that a browser sends when a person confirms one slot, or several."""
    places = (place, *more)
    fields = {
        "csrfmiddlewaretoken": CSRF,
        "quoted_fen": PRICE_FEN * len(places),
        "request_key": str(uuid4()),
    }
    path = reverse("venues:book", args=[place.bookable.venue.code])
    path = f"{path}?{urlencode([('slot', one.key) for one in places])}"
    return Request("POST", path, urlencode(fields), citizen.cookie)


def make_bare_table() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS bench_bare ("
            "id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            " note text NOT NULL, at timestamptz NOT NULL)"
        )


def settle_tables() -> None:
    """What autovacuum does within a minute: a city's tables are never new."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def deadlocks() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        found: int = cursor.fetchone()[0]
        return found


def collisions() -> int:
    """How often the constraint had to stop two who took the same floor at once.

    As PostgreSQL's own log tells. Behind the locks that never happens.
    """
    with connection.cursor() as cursor:
        cursor.execute("SHOW data_directory")
        log = Path(cursor.fetchone()[0]).parent / "postgres.log"
    told = "ERROR:  conflicting key value violates exclusion constraint"
    return sum(told in line for line in log.read_text(errors="replace").splitlines())


def broken_promises(names: Sequence[str] = ()) -> list[str]:
    """The names of the invariants that do not hold (all of them, or the given ones)."""
    broken = []
    with connection.cursor() as cursor:
        for invariant in all_invariants():
            if names and invariant.name not in names:
                continue
            if invariant.ask:
                offenders = list(invariant.ask())
            else:
                cursor.execute(invariant.sql)
                offenders = cursor.fetchall()
            if offenders:
                broken.append(invariant.name)
    return broken
