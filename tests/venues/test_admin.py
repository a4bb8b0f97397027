from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.core.management import call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from bureau.accounts.models import Role, User
from bureau.audit.models import Entry
from bureau.common import clock
from bureau.payments.models import Refund
from bureau.regions.models import Posting
from tests import make
from venues import actions
from venues.actions import Band
from venues.admin.forms import HoursForm
from venues.admin.scope import OrNotFound
from venues.errors.rules import QuotaLimitsNothing
from venues.models import (
    Admission,
    Block,
    Bookable,
    Booking,
    DayTypeHours,
    EntryPass,
    HoursException,
    MarketPrice,
    PriceRule,
    Quota,
    Venue,
    WeeklyHours,
)
from venues.models.rules import DayType, Weekday

pytestmark = pytest.mark.django_db

TABLES = (
    "venue",
    "bookable",
    "hoursexception",
    "pricerule",
    "block",
    "booking",
    "entrypass",
    "admission",
    "quota",
    "marketprice",
    "priceexception",
)


def staff(role: Role, *venues: Venue) -> User:
    """Somebody of the bureau, posted to the districts of these venues."""
    call_command("sync_roles", verbosity=0)
    person = make.user(is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    for venue in venues:
        Posting.objects.create(user=person, district=venue.district)
    return person


def client_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture(autouse=True)
def no_second_factor(settings: Settings) -> None:
    settings.STAFF_MFA_REQUIRED = False


@pytest.fixture
def court() -> Bookable:
    return make.bookable()


@pytest.fixture
def elsewhere() -> Bookable:
    return make.bookable()


@pytest.fixture
def clerk(court: Bookable) -> User:
    return staff(Role.BUREAU_STAFF, court.venue)


@pytest.fixture
def office(clerk: User) -> Client:
    return client_of(clerk)


def url(model: str, row: Any = None, page: str = "change/") -> str:
    return f"/admin/venues/{model}/" + (f"{row.pk}/{page}" if row else "")


# --- Who sees what -----------------------------------------------------------------


def test_a_district_is_listed_for_its_own_staff_only(
    office: Client, court: Bookable, elsewhere: Bookable
) -> None:
    listed = office.get(url("venue")).content.decode()

    assert court.venue.name in listed
    assert elsewhere.venue.name not in listed


@pytest.mark.parametrize("page", ["change/", "history/", "hours/", "prices/"])
def test_another_districts_venue_is_not_found(
    page: str, office: Client, elsewhere: Bookable
) -> None:
    assert office.get(url("venue", elsewhere.venue, page)).status_code == 404
    assert office.post(url("venue", elsewhere.venue, page)).status_code == 404


def test_another_districts_courts_bookings_and_blocks_are_not_found(
    office: Client, elsewhere: Bookable
) -> None:
    booking = make.confirmed(court=elsewhere)
    entry_pass = make.pass_of(booking)
    block = Block.objects.create(
        venue=elsewhere.venue,
        reason="Repairs",
        starts_at=make.tomorrow_at(8),
        ends_at=make.tomorrow_at(9),
        set_by=make.user(),
        created_at=clock.now(),
    )

    for model, row in (
        ("bookable", elsewhere),
        ("booking", booking),
        ("entrypass", entry_pass),
        ("block", block),
    ):
        assert office.get(url(model, row)).status_code == 404
        assert office.get(url(model)).status_code == 200
    assert office.post(url("block", block, "lift/")).status_code == 404
    assert office.get(f"/admin/venues/block/add/?venue={elsewhere.venue.pk}"
                      ).status_code == 404  # fmt: skip


def test_another_districts_booking_cannot_be_called_off_by_its_id(
    office: Client, elsewhere: Bookable
) -> None:
    booking = make.confirmed(court=elsewhere)

    call_off(office, booking)

    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED


def test_a_new_court_can_only_be_put_into_an_own_venue(
    office: Client, court: Bookable, elsewhere: Bookable
) -> None:
    form = {"name": "9", "sport": "badminton", "slot_minutes": 60, "position": 0}

    refused = office.post(
        "/admin/venues/bookable/add/", {**form, "venue": elsewhere.venue.pk}
    )

    assert refused.status_code == 200
    assert not elsewhere.venue.bookables.filter(name="9").exists()


def test_city_staff_see_every_district(court: Bookable, elsewhere: Bookable) -> None:
    listed = client_of(staff(Role.CITY_STAFF)).get(url("venue")).content.decode()

    assert court.venue.name in listed
    assert elsewhere.venue.name in listed


def test_venue_staff_change_nothing(court: Bookable) -> None:
    gate = client_of(staff(Role.VENUE_STAFF, court.venue))

    for page in ("hours/", "prices/"):
        assert gate.post(url("venue", court.venue, page)).status_code == 403
    assert gate.get("/admin/venues/block/add/").status_code == 403


def test_a_citizen_is_sent_away(citizen: User) -> None:
    assert client_of(citizen).get(url("venue")).status_code in (302, 403)


def fill(court: Bookable, hours: range) -> None:
    """A row for every table, for every hour."""
    for hour in hours:
        booking = make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
        entry_pass = make.pass_of(booking)
        entry_pass.state = EntryPass.State.USED
        entry_pass.save()
        Admission.objects.create(
            entry_pass=entry_pass,
            venue=court.venue,
            admitted_at=clock.now(),
            admitted_by=make.user(),
        )
        Block.objects.create(
            venue=court.venue,
            reason="Repairs",
            starts_at=booking.starts_at,
            ends_at=booking.ends_at,
            set_by=make.user(),
            created_at=clock.now(),
        )
        on = clock.today() + timedelta(days=hour)
        HoursException.objects.create(
            venue=court.venue, bookable=court, on=on, reason="Fair"
        )
        make.bookable(venue=make.venue(district=court.venue.district))


def queries_of(office: Client, model: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert office.get(url(model)).status_code == 200
    return len(asked)


def test_longer_lists_ask_the_database_no_more_often(
    office: Client, court: Bookable
) -> None:
    fill(court, range(8, 10))
    few = {model: queries_of(office, model) for model in TABLES}

    fill(court, range(10, 16))
    many = {model: queries_of(office, model) for model in TABLES}

    assert many == few


# --- The pin -----------------------------------------------------------------------


def venue_form(venue: Venue, longitude: float, latitude: float) -> dict[str, Any]:
    return {
        "kind": venue.kind,
        "name": venue.name,
        "district": venue.district_id,
        "address": venue.address,
        "sports": ["badminton"],
        "location": f'{{"type":"Point","coordinates":[{longitude},{latitude}]}}',
        "datum": "wgs84",
        "days_ahead": 7,
        "max_slots": 4,
        "hold_minutes": 10,
        "releases_at": "00:00",
        "lead_minutes": 0,
        "walk_in_percent": 0,
        "walk_in_until_minutes": 120,
        "companion_minutes": 30,
        "offer_minutes": 30,
        "entry_minutes": 30,
        **{
            f"{prefix}-{name}": count
            for prefix in ("units", "staff", "cancel_bands")
            for name, count in (
                ("TOTAL_FORMS", 0),
                ("INITIAL_FORMS", 0),
                ("MIN_NUM_FORMS", 0),
                ("MAX_NUM_FORMS", 0),
            )
        },
    }


def test_a_moved_pin_is_stored_and_recorded(
    office: Client, clerk: User, court: Bookable
) -> None:
    venue = court.venue

    saved = office.post(url("venue", venue), venue_form(venue, 116.6, 35.5))

    assert saved.status_code == 302, saved.context["adminform"].form.errors
    venue.refresh_from_db()
    assert venue.location.coords == pytest.approx((116.6, 35.5))
    entry = Entry.objects.get(event="venues.venue.moved", subject_id=venue.pk)
    assert entry.actor == clerk
    assert entry.detail["from"] == pytest.approx([116.587, 35.415])
    assert entry.detail["to"] == pytest.approx([116.6, 35.5])


def test_a_pin_that_stays_records_no_move(office: Client, court: Bookable) -> None:
    venue = court.venue
    x, y = venue.location.coords

    office.post(url("venue", venue), {**venue_form(venue, x, y), "phone": "0537-1"})

    venue.refresh_from_db()
    assert venue.phone == "0537-1"
    assert not Entry.objects.filter(event="venues.venue.moved").exists()
    assert Entry.objects.filter(event="venues.venue.admin_changed").exists()


def test_a_pin_off_the_map_is_refused(office: Client, court: Bookable) -> None:
    refused = office.post(
        url("venue", court.venue), venue_form(court.venue, 181.0, 95.0)
    )

    assert refused.status_code == 200
    court.venue.refresh_from_db()
    assert court.venue.location.x == pytest.approx(116.587)


# --- Hours and prices --------------------------------------------------------------


def week(**lines: str) -> dict[str, Any]:
    """The form of weekly hours as a browser sends it: every line, empty ones too."""
    return {f"day{day.value}": "" for day in Weekday} | lines


def day_types(**lines: str) -> dict[str, Any]:
    return dict.fromkeys(DayType.values, "") | lines


def test_a_form_of_hours_that_arrives_without_its_lines_shuts_nothing(
    office: Client, court: Bookable
) -> None:
    damaged: list[dict[str, Any]] = [{"from_on": ""}, {"day1": "09:00-12:00"}]
    for given in damaged:
        refused = office.post(url("venue", court.venue, "hours/"), given)
        assert refused.status_code == 422
        assert "The form arrived damaged." in refused.text
    office.post(url("venue", court.venue, "day-types/"), day_types(holiday="closed"))
    refused = office.post(url("venue", court.venue, "day-types/"), {"from_on": ""})
    assert refused.status_code == 422

    assert WeeklyHours.objects.filter(venue=court.venue, valid_until=None).count() == 7
    assert DayTypeHours.objects.get().day_type == DayType.HOLIDAY


def test_hours_are_set_for_a_venue(
    office: Client, clerk: User, court: Bookable
) -> None:
    given = week(day1="09:00-12:00, 14:00–21:30", day7="10:00-24:00")

    answer = office.post(url("venue", court.venue, "hours/"), given)

    assert answer.status_code == 302
    rows = WeeklyHours.objects.of_place(court.venue, None).in_force_on(clock.today())
    assert set(rows.values_list("weekday", "opens", "closes")) == {
        (1, 540, 720),
        (1, 840, 1290),
        (7, 600, 1440),
    }
    assert Entry.objects.get(event="venues.hours.set").actor == clerk


def test_hours_can_be_set_from_a_day_to_come_and_not_from_a_past_one(
    office: Client, court: Bookable
) -> None:
    page = url("venue", court.venue, "hours/")
    today = clock.today()
    given = week(day1="09:00-12:00")

    late = office.post(page, {**given, "from_on": today - timedelta(days=1)})
    assert late.status_code == 422
    office.post(page, {**given, "from_on": today + timedelta(days=9)})

    rows = WeeklyHours.objects.filter(venue=court.venue)
    assert rows.in_force_on(today).count() == 7
    assert rows.in_force_on(today + timedelta(days=9)).count() == 1
    shown = office.get(page).content.decode()
    assert str(today + timedelta(days=9)) in shown
    assert "Monday 09:00–12:00" in shown


def test_an_exception_of_a_day_that_is_over_stays(
    office: Client, court: Bookable
) -> None:
    yesterday = clock.today() - timedelta(days=1)
    row = HoursException.objects.create(venue=court.venue, on=yesterday, reason="Flood")
    page = f"/admin/venues/hoursexception/{row.pk}/"
    opened = {"opens": "08:00", "closes": "22:00", "reason": "Flood"}

    refused = office.post(f"{page}change/", opened)
    office.post(f"{page}delete/", {"post": "yes"})

    assert "stay as they were" in refused.text
    row.refresh_from_db()
    assert row.opens is None


@pytest.mark.parametrize(
    "text", ["nine to five", "09:00", "12:00-09:00", "09:00-36:01", "9-12-13"]
)
def test_hours_that_are_none_are_refused(
    text: str, office: Client, court: Bookable
) -> None:
    refused = office.post(url("venue", court.venue, "hours/"), week(day1=text))

    assert refused.status_code == 422
    assert WeeklyHours.objects.filter(venue=court.venue).count() == 7


def test_hours_that_overlap_are_refused_with_the_reason(
    office: Client, court: Bookable
) -> None:
    refused = office.post(
        url("bookable", court, "hours/"), week(day1="09:00-12:00, 11:00-13:00")
    )

    assert refused.status_code == 422
    assert "These opening hours overlap." in refused.content.decode()
    assert not WeeklyHours.objects.filter(bookable=court).exists()


def test_a_court_takes_hours_of_its_own_and_gives_them_up_again(
    office: Client, court: Bookable
) -> None:
    page = url("bookable", court, "hours/")

    office.post(page, week(day3="10:00-11:00"))
    assert WeeklyHours.objects.filter(bookable=court).count() == 1

    office.post(page, {"follow": "1"})
    assert not WeeklyHours.objects.filter(bookable=court).exists()


def price_form(**given: Any) -> dict[str, Any]:
    return {
        "sport": "",
        "group": "",
        "weekdays": [1, 2],
        "starts": "18:00",
        "ends": "22:00",
        "yuan": "45.50",
        "is_peak": "on",
        "from_on": clock.today().isoformat(),
        **given,
    }


def test_a_price_is_set_for_a_court_from_a_day_on(
    office: Client, clerk: User, court: Bookable
) -> None:
    answer = office.post(url("bookable", court, "prices/"), price_form())

    assert answer.status_code == 302, answer.context["form"].errors
    rules = PriceRule.objects.filter(bookable=court)
    assert {rule.weekday for rule in rules} == {1, 2}
    assert {(rule.price_fen, rule.is_peak, rule.set_by) for rule in rules} == {
        (4550, True, clerk)
    }
    assert Entry.objects.get(event="venues.prices.set").actor == clerk


def test_the_page_shows_prices_in_force_later_and_past(
    office: Client, court: Bookable
) -> None:
    tomorrow = clock.today() + timedelta(days=1)
    page = url("venue", court.venue, "prices/")
    office.post(page, price_form(yuan="61", from_on=tomorrow.isoformat()))

    lists = office.get(page).context["lists"]

    assert [str(heading) for heading, _ in lists] == ["In force", "Later", "Past"]
    assert {row.rule.price_fen for row in lists[0][1]} == {make.PRICE_FEN}
    assert {(row.rule.price_fen, row.weekdays) for row in lists[1][1]} >= {
        (6100, ("Monday", "Tuesday"))
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"yuan": "-1"},
        {"yuan": "1.005"},
        {"weekdays": []},
        {"starts": "22:00", "ends": "18:00"},
        {"from_on": "2020-01-01"},
        {"group": "friends"},
    ],
)
def test_a_price_that_makes_no_sense_is_refused(
    wrong: dict[str, Any], office: Client, court: Bookable
) -> None:
    before = PriceRule.objects.count()

    refused = office.post(url("venue", court.venue, "prices/"), price_form(**wrong))

    assert refused.status_code == 422
    assert PriceRule.objects.count() == before


# --- Blocks ------------------------------------------------------------------------


def block_form(court: Bookable, first: int = 8, last: int = 20) -> dict[str, Any]:
    day = (clock.today() + timedelta(days=1)).isoformat()
    return {
        "units": [part.unit_id for part in court.parts.all()],
        "starts_at_0": day,
        "starts_at_1": f"{first:02}:00",
        "ends_at_0": day,
        "ends_at_1": f"{last:02}:00",
        "reason": "New floor",
    }


def add_block(office: Client, court: Bookable, **given: Any) -> Any:
    page = f"/admin/venues/block/add/?venue={court.venue_id}"
    return office.post(page, {**block_form(court), **given})


def test_units_are_blocked_and_opened_again(
    office: Client, clerk: User, court: Bookable
) -> None:
    assert str(court.venue) in office.get("/admin/venues/block/add/").content.decode()

    answer = add_block(office, court)

    block = Block.objects.get()
    assert answer.headers["Location"] == url("block", block)
    assert (block.set_by, block.starts_at) == (clerk, make.tomorrow_at(8))

    assert office.get(url("block", block, "lift/")).status_code == 200
    block.refresh_from_db()
    assert block.lifted_at is None  # looking changes nothing

    office.post(url("block", block, "lift/"))
    block.refresh_from_db()
    assert block.lifted_at is not None


def test_bookings_in_the_way_are_named_and_linked(
    office: Client, court: Bookable
) -> None:
    booking = make.confirmed(court=court)

    refused = add_block(office, court)

    assert refused.status_code == 422
    page = refused.content.decode()
    assert f'href="{url("booking", booking)}"' in page
    assert booking.number in page
    assert not Block.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"units": []}, {"reason": ""}, {"ends_at_1": "07:00"}, {"units": ["0"]}]
)
def test_a_block_without_units_reason_or_length_is_refused(
    wrong: dict[str, Any], office: Client, court: Bookable
) -> None:
    assert add_block(office, court, **wrong).status_code == 422
    assert not Block.objects.exists()


def test_a_venue_that_is_no_number_is_asked_for_again(office: Client) -> None:
    asked = office.get("/admin/venues/block/add/?venue=x")
    assert "which venue?" in asked.content.decode()
    assert office.get("/admin/venues/block/add/?venue=999999").status_code == 404


# --- Bookings ----------------------------------------------------------------------


def call_off(office: Client, *bookings: Booking, **given: Any) -> Any:
    return office.post(
        url("booking"),
        {
            "action": "call_off",
            "_selected_action": [booking.pk for booking in bookings],
            "confirmed": "yes",
            "reason": "The roof leaks",
            **given,
        },
        follow=True,
    )


def test_calling_off_asks_first(office: Client, court: Bookable) -> None:
    booking = make.confirmed(court=court)

    page = office.post(
        url("booking"), {"action": "call_off", "_selected_action": [booking.pk]}
    )

    assert page.status_code == 200
    assert booking.number in page.content.decode()
    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED


def test_calling_off_without_a_reason_is_refused(
    office: Client, court: Bookable
) -> None:
    booking = make.confirmed(court=court)

    assert call_off(office, booking, reason="").status_code == 422
    booking.refresh_from_db()
    assert booking.state == Booking.State.CONFIRMED


def test_bookings_are_called_off_and_refunded_each_on_its_own(
    office: Client, clerk: User, court: Bookable
) -> None:
    good = make.confirmed(court=court, starts_at=make.tomorrow_at(10))
    gone = make.confirmed(court=court, starts_at=make.tomorrow_at(12))
    call_off(office, gone)

    page = call_off(office, good, gone).content.decode()

    good.refresh_from_db()
    assert good.state == Booking.State.CANCELLED
    assert good.cancel_reason == "The roof leaks"
    assert Refund.objects.filter(payment=make.payment_of(good)).count() == 1
    assert "1 booking is called off." in page
    assert f"{gone.number}: This booking is not one that can be cancelled" in page
    entry = Entry.objects.get(event="venues.booking.called_off", subject_id=good.pk)
    assert entry.actor == clerk


@pytest.mark.parametrize("typed", ["number", "grouped", "phone", "venue"])
def test_a_booking_is_found_by_what_staff_have_at_hand(
    typed: str, office: Client, court: Bookable
) -> None:
    booking = make.confirmed(court=court)
    make.confirmed(court=make.bookable(venue=make.venue(district=court.venue.district)))
    term = {
        "number": booking.number,
        "grouped": "-".join(booking.number[i : i + 4] for i in (0, 4, 8)).lower(),
        "phone": str(booking.booked_by.phone),
        "venue": court.venue.name,
    }[typed]

    found = office.get(url("booking"), {"q": term}).context["cl"].queryset

    assert list(found) == [booking]


def test_a_booking_shows_its_slots_money_and_pass_and_takes_no_change(
    office: Client, court: Bookable
) -> None:
    booking = make.confirmed(court=court)

    page = office.get(url("booking", booking)).content.decode()

    assert court.name in page
    assert make.payment_of(booking).number in page
    assert make.pass_of(booking).code in page
    assert str(booking.booked_by.phone) not in page  # masked
    assert office.post(url("booking", booking), {"state": "held"}).status_code == 403


def test_a_booked_court_keeps_its_units(office: Client, court: Bookable) -> None:
    page = office.get(url("bookable", court))
    assert page.context["inline_admin_formsets"][0].has_change_permission

    make.confirmed(court=court)

    page = office.get(url("bookable", court))
    assert not page.context["inline_admin_formsets"][0].has_change_permission


def test_a_bookings_price_is_told_in_yuan_and_for_whom() -> None:
    booking = make.confirmed()
    line = booking.lines.get()
    line.quote = {"fen_per_hour": 4550, "group": "senior", "rule": 7}
    line.save(update_fields=["quote"])
    client = client_of(staff(Role.CITY_STAFF))

    page = client.get(f"/admin/venues/booking/{booking.pk}/change/").text

    assert "45.50" in page
    assert "60 and over" in page
    assert "/admin/venues/pricerule/7/change/" in page
    assert "fen_per_hour" not in page


def test_a_booking_until_midnight_ends_at_24_on_the_same_line() -> None:
    court = make.bookable()
    make.confirmed(court=court, starts_at=make.tomorrow_at(23))
    client = client_of(staff(Role.CITY_STAFF))

    assert "23:00–24:00" in client.get("/admin/venues/booking/").text


@pytest.mark.parametrize("dash", ["-", "–", "\uff0d", "\uff5e", "至", "到"])
def test_hours_are_read_as_a_chinese_keyboard_writes_them(dash: str) -> None:
    form = HoursForm(week(day1=f"09：00{dash}12：00，13:30 {dash} 21:30"))

    assert form.is_valid(), form.errors
    assert form.hours == {1: [(540, 720), (810, 1290)]}


# --- Types of day, bands, quotas, market prices --------------------------------------


def test_hours_are_set_for_types_of_day(
    office: Client, clerk: User, court: Bookable
) -> None:
    page = url("venue", court.venue, "day-types/")

    answer = office.post(page, day_types(holiday="10:00-26:00", school_break="closed"))

    assert answer.status_code == 302
    rows = DayTypeHours.objects.filter(venue=court.venue, bookable=None)
    assert set(rows.values_list("day_type", "opens", "closes")) == {
        ("holiday", 600, 1560),
        ("school_break", None, None),
    }
    assert Entry.objects.get(event="venues.day_type_hours.set").actor == clerk
    shown = office.get(page)
    assert 'value="10:00–26:00"' in shown.text
    assert 'value="closed"' in shown.text
    assert len(shown.context["ahead"]) == 21


@pytest.mark.parametrize("text", ["09:00-12:00, 14:00-18:00", "12:00-09:00", "never"])
def test_hours_of_a_type_of_day_that_make_no_sense_are_refused(
    text: str, office: Client, court: Bookable
) -> None:
    page = url("bookable", court, "day-types/")

    assert office.post(page, day_types(holiday=text)).status_code == 422
    assert not DayTypeHours.objects.exists()


def test_a_price_is_set_for_a_type_of_day_and_a_season(
    office: Client, court: Bookable
) -> None:
    until = clock.today() + timedelta(days=30)
    page = url("venue", court.venue, "prices/")
    given = price_form(day_types=["holiday"], until_on=until.isoformat())

    assert office.post(page, given).status_code == 302

    rule = PriceRule.objects.get(day_type="holiday")
    assert (rule.weekday, rule.valid_until) == (None, until)
    assert "public holiday" in office.get(page).text


def test_a_price_that_breaks_the_low_fee_rule_says_why(
    office: Client, court: Bookable
) -> None:
    MarketPrice.objects.create(
        sport="badminton",
        fen_per_hour=50_00,
        source="Survey",
        valid_from=clock.today(),
    )
    page = url("venue", court.venue, "prices/")

    assert "¥35, for entitled groups ¥25" in office.get(page).text
    refused = office.post(page, price_form(yuan="36"))

    assert refused.status_code == 422
    assert "70 % of the market price" in refused.text


def with_bands(court: Bookable, *bands: tuple[int, int]) -> dict[str, Any]:
    """The form of a venue whose bands are these alone."""
    form = venue_form(court.venue, 116.587, 35.415)
    old = list(court.venue.cancel_bands.all())
    form |= {
        "cancel_bands-TOTAL_FORMS": len(old) + len(bands),
        "cancel_bands-INITIAL_FORMS": len(old),
        "cancel_bands-MAX_NUM_FORMS": 1000,
    }
    for number, band in enumerate(old):
        form |= {
            f"cancel_bands-{number}-id": band.pk,
            f"cancel_bands-{number}-venue": court.venue.pk,
            f"cancel_bands-{number}-minutes_before": band.minutes_before,
            f"cancel_bands-{number}-percent": band.percent,
            f"cancel_bands-{number}-DELETE": "on",
        }
    for number, (minutes, percent) in enumerate(bands, len(old)):
        form |= {
            f"cancel_bands-{number}-venue": court.venue.pk,
            f"cancel_bands-{number}-minutes_before": minutes,
            f"cancel_bands-{number}-percent": percent,
        }
    return form


def test_the_bands_of_a_venue_are_set_as_a_whole(
    office: Client, clerk: User, court: Bookable
) -> None:
    answer = office.post(
        url("venue", court.venue), with_bands(court, (1440, 100), (180, 50))
    )

    assert answer.status_code == 302, answer.context["errors"]
    bands = court.venue.cancel_bands.order_by("minutes_before")
    assert list(bands.values_list("minutes_before", "percent")) == [
        (180, 50),
        (1440, 100),
    ]
    assert Entry.objects.get(event="venues.cancel_bands.set").actor == clerk


def test_bands_that_are_turned_round_are_an_error_in_the_form(
    office: Client, court: Bookable
) -> None:
    refused = office.post(
        url("venue", court.venue), with_bands(court, (1440, 50), (180, 100))
    )

    assert refused.status_code == 200
    assert "A longer notice brings back more" in refused.text
    assert list(court.venue.cancel_bands.values_list("percent", flat=True)) == [100]


def test_quotas_are_set_and_lifted_through_their_actions(
    office: Client, court: Bookable
) -> None:
    given = {"venue": court.venue.pk, "per": "day", "most_minutes": 120}

    added = office.post("/admin/venues/quota/add/", given)

    quota = Quota.objects.get()
    assert added.status_code == 302
    assert (quota.venue, quota.most_minutes) == (court.venue, 120)
    office.post(f"/admin/venues/quota/{quota.pk}/change/", {"most_minutes": 60})
    quota.refresh_from_db()
    assert quota.most_minutes == 60
    assert Entry.objects.filter(event="venues.quota.set").count() == 2
    office.post(f"/admin/venues/quota/{quota.pk}/delete/", {"post": "yes"})
    assert not Quota.objects.exists()
    assert Entry.objects.filter(event="venues.quota.dropped").exists()


def test_what_an_action_refuses_is_told_and_no_error_page(rf: RequestFactory) -> None:
    """Where a form lets through what the action then refuses, as another tab may do."""

    class Late(OrNotFound):
        def _changeform_view(self, *_of: Any) -> HttpResponse:
            raise QuotaLimitsNothing

    path = "/admin/venues/quota/7/change/"
    request = rf.post(path)
    request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]

    answer = Late(Quota, admin.site).changeform_view(request, "7")

    assert (answer.status_code, answer["Location"]) == (302, path)
    told = [str(message) for message in get_messages(request)]
    assert told == [str(QuotaLimitsNothing.message)]


def test_a_quota_that_limits_nothing_is_told_in_its_form(
    office: Client, court: Bookable
) -> None:
    given = {"venue": court.venue.pk, "per": "day", "most_minutes": 120}
    office.post("/admin/venues/quota/add/", given)
    quota = Quota.objects.get()
    path = f"/admin/venues/quota/{quota.pk}/change/"

    answer = office.post(path, {"most_minutes": "", "most_bookings": ""})

    assert str(QuotaLimitsNothing.message) in answer.text
    quota.refresh_from_db()
    assert quota.most_minutes == 120


def test_an_exception_is_set_changed_and_dropped_through_its_actions(
    office: Client, court: Bookable
) -> None:
    given = {"venue": court.venue.pk, "on": clock.today(), "reason": "Storm"}

    office.post("/admin/venues/hoursexception/add/", given)

    row = HoursException.objects.get()
    page = f"/admin/venues/hoursexception/{row.pk}"
    changed = {"opens": "20:00", "closes": "26:00", "reason": "Late match"}
    office.post(f"{page}/change/", changed)
    row.refresh_from_db()
    assert (row.opens, row.closes, row.reason) == (1200, 1560, "Late match")
    listed = office.get("/admin/venues/hoursexception/").text
    assert "20:00–02:00 next day" in listed
    office.post(f"{page}/delete/", {"post": "yes"})
    events = Entry.objects.filter(event__startswith="venues.exception.")
    assert list(events.order_by("pk").values_list("event", flat=True)) == [
        "venues.exception.set",
        "venues.exception.set",
        "venues.exception.dropped",
    ]


def test_what_holds_for_the_whole_city_is_for_its_own_staff(
    office: Client, court: Bookable
) -> None:
    given = {"venue": "", "per": "day", "most_minutes": 120}

    assert office.post("/admin/venues/quota/add/", given).status_code == 200
    assert not Quota.objects.exists()
    city = client_of(staff(Role.CITY_STAFF))
    assert city.post("/admin/venues/quota/add/", given).status_code == 302
    citywide = Quota.objects.get()
    page = f"/admin/venues/quota/{citywide.pk}/change/"
    assert office.get(page).status_code == 404
    assert city.get(page).status_code == 200


def test_only_the_citys_staff_may_grant_an_exception(clerk: User) -> None:
    permission = "venues.grant_price_exception"
    assert not clerk.has_perm(permission)
    assert clerk.has_perm("venues.change_pricerule")
    assert staff(Role.CITY_STAFF).has_perm(permission)


def test_a_market_price_is_typed_in_yuan(office: Client, court: Bookable) -> None:
    given = {
        "sport": "badminton",
        "district": court.venue.district.pk,
        "yuan": "75.50",
        "source": "Survey",
        "valid_from": clock.today().isoformat(),
    }

    answer = office.post("/admin/venues/marketprice/add/", given)

    assert answer.status_code == 302, answer.context["errors"]
    assert MarketPrice.objects.get().fen_per_hour == 7550
    again = office.post("/admin/venues/marketprice/add/", given)
    assert again.status_code == 200
    assert MarketPrice.objects.count() == 1


def test_a_venue_that_charges_on_8_august_cannot_join_low_fee_opening(
    office: Client, court: Bookable
) -> None:
    Venue.objects.filter(pk=court.venue.pk).update(is_low_fee=False)
    actions.set_prices(
        venue=court.venue,
        band=Band(day_types=("fitness_day",)),
        price_fen=100,
        from_on=clock.today(),
        by=make.user(),
    )
    form = venue_form(court.venue, 116.587, 35.415)

    refused = office.post(url("venue", court.venue), form | {"is_low_fee": "on"})

    assert refused.status_code == 200
    assert "It has prices for 8 August." in refused.text
    assert office.post(url("venue", court.venue), form).status_code == 302
