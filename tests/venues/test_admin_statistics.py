"""The staff pages of statistics, the subsidy report, programmes and exports."""

from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from openpyxl import load_workbook  # type: ignore[import-untyped]

from bureau.accounts.models import Role, User
from bureau.audit.models import Entry
from bureau.common import clock
from bureau.regions.models import Posting
from tests import make
from venues import actions
from venues.models import Bookable, Crossing, ExportRecord, Programme, Venue

pytestmark = pytest.mark.django_db
STATISTICS = "admin:venues_venue_statistics"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def office() -> Client:
    return signed_in(make.user(is_staff=True, is_superuser=True))


@pytest.fixture
def court() -> Bookable:
    return make.bookable()


@pytest.fixture
def elsewhere() -> Bookable:
    return make.bookable()


@pytest.fixture
def clerk(court: Bookable) -> Client:
    """Somebody of the district in which `court` lies."""
    return signed_in(staff_of(court.venue))


def staff_of(venue: Venue) -> User:
    call_command("sync_roles", verbosity=0)
    user = make.user(is_staff=True)
    user.groups.add(Group.objects.get(name=Role.BUREAU_STAFF))
    Posting.objects.create(user=user, district=venue.district)
    return user


def ahead(days: int = 3, **more: Any) -> dict[str, Any]:
    """A period from today on, in which bookings of tomorrow lie."""
    today = clock.today()
    last = today + timedelta(days=days)
    return {"first": today.isoformat(), "last": last.isoformat(), **more}


def sheets(content: bytes) -> dict[str, list[tuple[Any, ...]]]:
    book = load_workbook(BytesIO(content))
    return {page.title: list(page.iter_rows(values_only=True)) for page in book}


# --- Statistics -----------------------------------------------------------------------


def test_a_chart_has_its_table_and_nothing_inline(
    office: Client, court: Bookable
) -> None:
    make.confirmed(court=court)

    page = office.get(reverse(STATISTICS), ahead()).content.decode()

    start = page.index('class="drawing-grid"')
    charts = page[start : page.rindex("</section>")]
    assert charts.count('<svg class="drawing"') >= 8
    assert charts.count("<table") == charts.count('<svg class="drawing"')
    assert "style=" not in charts
    assert "<script" not in charts
    assert "¥40" in charts


def test_it_shows_the_last_thirty_days_unless_asked(office: Client) -> None:
    page = office.get(reverse(STATISTICS)).content.decode()

    assert (clock.today() - timedelta(days=29)).isoformat() in page
    assert clock.today().isoformat() in page


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"first": "2026-02-01", "last": "2026-01-01"}, "The last day comes first."),
        ({"first": "2024-01-01", "last": "2026-01-01"}, "At most 366 days at once."),
        ({"first": "yesterday", "last": "2026-01-01"}, "Enter a valid date."),
        ({"first": "2026-01-01", "last": "2026-01-02", "venue": "x"}, "valid choice"),
        ({"first": "2026-01-01", "last": "2026-01-02", "sport": "go"}, "valid choice"),
    ],
)
def test_what_makes_no_sense_is_said(
    office: Client, given: dict[str, str], told: str
) -> None:
    for kind in ({}, {"format": "xlsx"}):
        answer = office.get(reverse(STATISTICS), {**given, **kind})
        assert answer.status_code == 422
        assert told in answer.content.decode()


def test_a_district_sees_its_own_venues_only(
    clerk: Client, court: Bookable, elsewhere: Bookable
) -> None:
    make.confirmed(court=court)
    make.confirmed(court=elsewhere)

    page = clerk.get(reverse(STATISTICS), ahead()).content.decode()
    other = clerk.get(reverse(STATISTICS), ahead(venue=elsewhere.venue.pk))

    assert court.venue.name in page
    assert elsewhere.venue.name not in page
    assert "¥40 paid" in page  # and not 80
    assert other.status_code == 422


def test_filters_narrow_what_is_counted(
    office: Client, court: Bookable, elsewhere: Bookable
) -> None:
    make.confirmed(court=court)
    make.confirmed(court=elsewhere)
    url = reverse(STATISTICS)

    def paid(**given: Any) -> bytes:
        return office.get(url, ahead(**given)).content

    assert b"\xc2\xa580 paid" in paid()
    assert b"\xc2\xa540 paid" in paid(venue=court.venue.pk)
    assert b"\xc2\xa540 paid" in paid(district=elsewhere.venue.district.pk)
    assert b"\xc2\xa50 paid" in paid(sport="tennis")


def test_the_workbook_says_what_the_page_says(office: Client, court: Bookable) -> None:
    make.confirmed(court=court)

    answer = office.get(reverse(STATISTICS), ahead(format="xlsx"))

    assert "attachment" in answer["Content-Disposition"]
    found = sheets(answer.content)
    figures = {row[0]: row[1] for row in found["Summary"]}
    assert figures["Revenue"] == "¥40"
    assert found["Revenue by channel"][1] == ("on line", 40)
    venue = found["Court hours by venue"][1]
    assert venue[0] == court.venue.name
    assert venue[2] == 1  # hour hired


def test_who_may_not_see_bookings_sees_no_statistics() -> None:
    stranger = signed_in(make.user(is_staff=True))

    assert stranger.get(reverse(STATISTICS)).status_code == 403


def test_many_venues_ask_the_database_as_often_as_one(office: Client) -> None:
    def questions() -> int:
        with CaptureQueriesContext(connection) as counted:
            office.get(reverse(STATISTICS), ahead())
        return len(counted)

    make.confirmed()
    questions()  # sessions and such
    one = questions()
    for _number in range(3):
        make.confirmed()
    assert questions() == one


# --- The subsidy report ---------------------------------------------------------------


def test_the_report_is_shown_and_handed_out(office: Client, court: Bookable) -> None:
    url = reverse("admin:venues_venue_subsidy", args=[court.venue.pk])

    page = office.get(url)
    file = office.get(url, {"format": "xlsx"})

    assert "Core free or low-fee area" in page.content.decode()
    assert court.venue.code in file["Content-Disposition"]
    assert len(sheets(file.content)) == 6
    assert office.get(url, {"year": "1999"}).status_code == 404
    assert office.get(url, {"year": "x"}).status_code == 404


def test_another_districts_report_is_not_there(
    clerk: Client, court: Bookable, elsewhere: Bookable
) -> None:
    mine = reverse("admin:venues_venue_subsidy", args=[court.venue.pk])
    theirs = reverse("admin:venues_venue_subsidy", args=[elsewhere.venue.pk])

    assert clerk.get(mine).status_code == 200
    assert clerk.get(theirs).status_code == 404


def test_staff_find_the_report_on_the_public_page_of_opening_too(
    office: Client, court: Bookable
) -> None:
    page = reverse("venues:venue-openness", args=[court.venue.code])

    assert "/subsidy" in office.get(page).content.decode()
    assert "/subsidy" not in Client().get(page).content.decode()


def test_a_core_area_is_a_part_of_the_open_one(office: Client, court: Bookable) -> None:
    venue = court.venue
    venue.core_area_m2 = 100
    with pytest.raises(ValidationError, match="core area"):
        venue.full_clean()
    venue.open_area_m2 = 100
    venue.full_clean()


# --- Programmes -----------------------------------------------------------------------


def programme(venue: Venue, **given: Any) -> dict[str, Any]:
    return {
        "venue": venue.pk,
        "kind": "event",
        "title": "Open day",
        "first_on": "2026-01-01",
        "last_on": "2026-01-02",
        "persons": 40,
        **given,
    }


def test_staff_record_correct_and_drop_a_programme(
    clerk: Client, court: Bookable
) -> None:
    add = reverse("admin:venues_programme_add")
    assert clerk.post(add, programme(court.venue)).status_code == 302
    row = Programme.objects.get()
    assert (row.persons, row.last_on) == (40, date(2026, 1, 2))

    change = reverse("admin:venues_programme_change", args=[row.pk])
    clerk.post(change, programme(court.venue, persons=45))
    row.refresh_from_db()
    assert row.persons == 45

    clerk.post(reverse("admin:venues_programme_delete", args=[row.pk]), {"post": "yes"})
    assert not Programme.objects.exists()
    events = Entry.objects.filter(event__startswith="venues.programme").order_by("pk")
    assert [entry.event.rsplit(".")[-1] for entry in events] == [
        "recorded",
        "corrected",
        "dropped",
    ]
    assert events[1].detail["before"]["persons"] == 40


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"persons": 0}, "at least one"),
        ({"last_on": "2025-01-01"}, "must not come before"),
        ({"last_on": "2999-01-01"}, "lies ahead"),
    ],
)
def test_a_wrong_programme_is_refused_beside_the_form(
    clerk: Client, court: Bookable, given: dict[str, Any], told: str
) -> None:
    answer = clerk.post(
        reverse("admin:venues_programme_add"), programme(court.venue, **given)
    )

    assert told in answer.content.decode()
    assert not Programme.objects.exists()


def test_nobody_records_in_another_district(
    clerk: Client, court: Bookable, elsewhere: Bookable
) -> None:
    add = reverse("admin:venues_programme_add")
    clerk.post(add, programme(elsewhere.venue))
    assert not Programme.objects.exists()

    row = actions.record_programme(
        venue=elsewhere.venue,
        kind="event",
        title="Theirs",
        first_on=date(2026, 1, 1),
        last_on=date(2026, 1, 1),
        persons=1,
        by=make.user(),
    )
    change = reverse("admin:venues_programme_change", args=[row.pk])
    assert clerk.get(change).status_code == 404
    listed = clerk.get(reverse("admin:venues_programme_changelist"))
    assert "Theirs" not in listed.content.decode()


# --- Exports --------------------------------------------------------------------------


@pytest.fixture
def record(court: Bookable) -> ExportRecord:
    now = clock.now()
    Crossing.objects.create(
        venue=court.venue,
        direction="in",
        persons=4,
        crossed_at=now - timedelta(hours=2),
    )
    actions.count_hours(at=now)
    row = ExportRecord.objects.get()
    row.state, row.next_try_at, row.problem = "refused", None, "422 wrong"
    row.save()
    return row


def test_staff_see_what_was_refused_and_send_it_again(
    clerk: Client, record: ExportRecord
) -> None:
    table = reverse("admin:venues_exportrecord_changelist")
    assert "422 wrong" in clerk.get(table).content.decode()
    one = clerk.get(reverse("admin:venues_exportrecord_change", args=[record.pk]))
    assert "inCount" in one.content.decode()

    clerk.post(table, {"action": "send_again", "_selected_action": [record.pk]})

    record.refresh_from_db()
    assert (record.state, record.problem) == ("waiting", "")


def test_another_districts_exports_are_not_there(
    elsewhere: Bookable, record: ExportRecord
) -> None:
    theirs = signed_in(staff_of(elsewhere.venue))
    table = reverse("admin:venues_exportrecord_changelist")

    assert "422 wrong" not in theirs.get(table).content.decode()
    theirs.post(table, {"action": "send_again", "_selected_action": [record.pk]})
    record.refresh_from_db()
    assert record.state == "refused"


def test_the_first_page_of_the_staff_leads_to_the_statistics(clerk: Client) -> None:
    assert reverse(STATISTICS) in clerk.get("/admin/").content.decode()
