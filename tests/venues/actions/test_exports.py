"""The gates' hours on their way to a higher platform."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Any, ClassVar
from uuid import uuid4

import pytest
import time_machine
from django.db import IntegrityError, transaction
from pytest_django import Settings

from bureau.audit.models import Entry
from bureau.common import clock
from tests import make
from tests.loopback import Receiver, receiver
from tests.promises import broken_promises
from venues import actions, tasks
from venues.actions import exports
from venues.clients import exports as clients
from venues.models import Admission, Crossing, ExportRecord, Gate, Venue

pytestmark = pytest.mark.django_db
DAY = date(2026, 11, 20)
NOW = clock.at(DAY, 18 * 60 + 7)


@pytest.fixture(autouse=True)
def travel() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def venue() -> Venue:
    district = make.district(code="370811")
    return make.venue(name="任城体育馆", national_code="37-0001", district=district)


@pytest.fixture
def http(settings: Settings) -> Iterator[Receiver]:
    with receiver() as mine:
        settings.EXPORT_ADAPTER = "http"
        settings.EXPORT_FLOW_URL = settings.EXPORT_CHECK_IN_URL = mine.address
        settings.EXPORT_TOKEN = "token-of-the-city"
        yield mine


def at(hour: float, day: date = DAY) -> datetime:
    return clock.at(day, round(hour * 60))


def crossing(venue: Venue, moment: datetime, **given: Any) -> Crossing:
    given.setdefault("direction", "in")
    return Crossing.objects.create(venue=venue, crossed_at=moment, **given)


def by_pass(venue: Venue, moment: datetime, **given: Any) -> Crossing:
    """Somebody with a pass."""
    court = venue.bookables.first() or make.bookable(venue=venue)
    hour = 19 + Admission.objects.count()
    booking = make.confirmed(court=court, starts_at=make.tomorrow_at(hour))
    admission = Admission.objects.create(
        entry_pass=make.pass_of(booking),
        venue=venue,
        admitted_at=moment,
        admitted_by=make.user(),
    )
    return crossing(venue, moment, admission=admission, **given)


def flow() -> ExportRecord:
    return ExportRecord.objects.get(kind="flow")


# --- Counting -------------------------------------------------------------------------


def test_a_full_hour_is_counted_and_the_running_one_is_not(venue: Venue) -> None:
    crossing(venue, at(17), persons=3)
    crossing(venue, at(17.99), persons=2)
    crossing(venue, at(17.5), persons=1, direction="out")
    crossing(venue, at(18), persons=9)

    assert actions.count_hours(at=NOW) == 1

    row = flow()
    assert (row.ends_at, row.came, row.left) == (at(18), 5, 1)
    assert (row.state, row.revision) == ("waiting", 1)
    assert not broken_promises(of="venues.export")


def test_counting_again_is_no_news(venue: Venue) -> None:
    crossing(venue, at(17))
    actions.count_hours(at=NOW)

    assert actions.count_hours(at=NOW) == 0
    assert ExportRecord.objects.count() == 1


def test_midnight_is_the_end_of_the_hour_before(venue: Venue) -> None:
    crossing(venue, at(23.5, DAY - timedelta(days=1)))
    actions.count_hours(at=NOW)

    assert clients.messages_of(flow())[0]["time"] == "2026-11-20 00:00:00"


def test_check_ins_are_those_with_a_pass_by_door(venue: Venue) -> None:
    east = Gate.objects.create(venue=venue, name="East", equipment_code="JN-1")
    west = Gate.objects.create(venue=venue, name="West", is_core_area=False)
    by_pass(venue, at(17.1), gate=east)
    by_pass(venue, at(17.2), gate=west)
    by_pass(venue, at(17.3))
    crossing(venue, at(17.4), gate=east, persons=50)  # counted by hand

    actions.count_hours(at=NOW)

    row = ExportRecord.objects.get(kind="check_in")
    assert (row.came, flow().came) == (3, 53)
    assert [(door["device"], door["is_core"], door["came"]) for door in row.doors] == [
        ("", True, 1),
        ("JN-1", True, 1),
        ("West", False, 1),
    ]
    assert not broken_promises(of="venues.export")


def test_the_records_have_the_shape_of_the_two_that_we_know(venue: Venue) -> None:
    east = Gate.objects.create(venue=venue, name="East", equipment_code="JN-1")
    by_pass(venue, at(17.1), gate=east)
    actions.count_hours(at=NOW)

    (summary,) = clients.messages_of(flow())
    (check_in,) = clients.messages_of(ExportRecord.objects.get(kind="check_in"))

    place = {
        "provinceId": 370000,
        "cityId": 370800,
        "districtId": 370811,
        "venueId": "37-0001",
    }
    assert summary == {
        "recordId": str(flow().public_id),
        "revision": 1,
        **place,
        "equipmentCode": "任城体育馆",
        "time": "2026-11-20 18:00:00",
        "inCount": 1,
        "outCount": 0,
    }
    assert check_in | {"recordId": ""} == {
        "recordId": "",
        "revision": 1,
        **place,
        "acqTime": "2026-11-20 18:00:00",
        "acqNumOfPeople": 1,
        "leaNumOfPeople": 0,
        "deviceId": "JN-1",
        "isCoreArea": 1,
    }


def test_what_comes_to_light_later_is_the_next_revision(
    venue: Venue, http: Receiver
) -> None:
    crossing(venue, at(10), persons=2)
    tasks.export_hours()
    crossing(venue, at(10.5), persons=3)  # a gate without network reports

    tasks.export_hours()

    first, second = http.taken
    assert first["recordId"] == second["recordId"]
    assert (first["revision"], first["inCount"]) == (1, 2)
    assert (second["revision"], second["inCount"]) == (2, 5)
    assert (flow().state, flow().sent_revision) == ("sent", 2)
    assert Entry.objects.filter(event="venues.export_record.corrected").count() == 1
    assert not broken_promises(of="venues.export")


def test_hours_older_than_the_window_are_left_alone(
    venue: Venue, settings: Settings
) -> None:
    settings.EXPORT_DAYS = 2
    crossing(venue, at(10, DAY - timedelta(days=3)))
    crossing(venue, at(19, DAY - timedelta(days=2)))

    assert actions.count_hours(at=NOW) == 1


def test_a_correction_while_it_is_on_its_way_goes_out_too(
    venue: Venue, http: Receiver
) -> None:
    crossing(venue, at(10), persons=2)
    actions.count_hours(at=NOW)
    way = clients.adapter()
    assert way

    claimed = exports._claim(at=NOW)
    crossing(venue, at(10.5), persons=5)
    assert actions.count_hours(at=NOW) == 1
    exports._hand_over(way, claimed)

    assert (flow().state, flow().revision, flow().sent_revision) == ("waiting", 2, 0)
    actions.send_exports()
    assert [one["inCount"] for one in http.taken] == [2, 7]
    assert flow().state == "sent"


# --- Handing over ---------------------------------------------------------------------


def test_exports_are_off_unless_somebody_turns_them_on(venue: Venue) -> None:
    crossing(venue, at(17))

    tasks.export_hours()
    tasks.send_exports()

    assert not ExportRecord.objects.exists()


def test_a_receiver_that_fails_gets_it_later_once(
    venue: Venue, http: Receiver, travel: time_machine.Traveller
) -> None:
    crossing(venue, at(17))
    actions.count_hours(at=NOW)
    http.answers = [500, 429, 200]

    waits = []
    for _try in range(3):
        before = clock.now()
        actions.send_exports()
        actions.send_exports()  # too early: nothing happens
        row = flow()
        if row.next_try_at:
            waits.append(row.next_try_at - before)
            travel.move_to(row.next_try_at)

    assert waits == [timedelta(minutes=1), timedelta(minutes=4)]
    assert len(http.asked) == 3
    assert len(http.taken) == 1
    assert (row.state, row.tries, row.problem) == ("sent", 3, "")
    assert http.headers[0]["Authorization"] == "Bearer token-of-the-city"


def test_a_receiver_that_is_not_there_or_too_slow_is_asked_again(
    venue: Venue,
    http: Receiver,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crossing(venue, at(17))
    actions.count_hours(at=NOW)

    given_up = Event()

    def dawdle(_body: list[Any]) -> int:
        given_up.wait(60)
        return 200

    http.answers = [dawdle]
    monkeypatch.setattr(clients, "TIMEOUTS", (0.3, 0.3))
    assert actions.send_exports() == 0
    assert (flow().state, flow().tries) == ("waiting", 1)
    assert "Timeout" in flow().problem
    given_up.set()

    settings.EXPORT_FLOW_URL = "http://127.0.0.1:9/nobody"
    ExportRecord.objects.update(next_try_at=NOW)
    assert actions.send_exports() == 0
    assert "ConnectionError" in flow().problem


def test_one_bad_record_does_not_hold_the_good_ones_up(
    venue: Venue, http: Receiver
) -> None:
    for hour in range(8, 14):
        crossing(venue, at(hour), persons=13 if hour == 10 else 1)
    actions.count_hours(at=NOW)
    http.answers = [
        lambda body: 422 if any(one["inCount"] == 13 for one in body) else 200
    ]

    assert actions.send_exports() == 5

    refused = ExportRecord.objects.get(state="refused")
    assert refused.came == 13
    assert refused.problem.startswith("422")
    assert len(http.taken) == 5


def test_a_redirect_is_no_receipt(venue: Venue, http: Receiver) -> None:
    crossing(venue, at(17))
    actions.count_hours(at=NOW)
    http.answers = [302]

    actions.send_exports()

    assert flow().state == "refused"


def test_staff_let_a_row_go_out_again_under_the_same_id(
    venue: Venue, http: Receiver
) -> None:
    crossing(venue, at(17))
    tasks.export_hours()
    clerk = make.user()

    assert actions.send_again(records=ExportRecord.objects.all(), by=clerk) == 1
    assert flow().state == "waiting"
    tasks.send_exports()

    first, second = http.taken
    assert first == second
    assert Entry.objects.get(event="venues.export_record.sent_again").actor == clerk


def test_a_file_has_one_object_a_line_and_ends_a_torn_one(
    venue: Venue, settings: Settings, tmp_path: Path
) -> None:
    settings.EXPORT_ADAPTER, settings.EXPORT_DIR = "file", str(tmp_path / "out")
    crossing(venue, at(9))
    tasks.export_hours()
    (path,) = (tmp_path / "out").iterdir()
    assert path.name == "flow-2026-11-20.jsonl"
    with path.open("a") as file:
        file.write('{"torn": ')  # a power cut
    crossing(venue, at(11))
    tasks.export_hours()

    first, torn, second = path.read_text().splitlines()
    assert torn == '{"torn": '
    assert [json.loads(line)["time"][11:13] for line in (first, second)] == ["10", "12"]


def test_a_folder_that_cannot_be_written_is_a_receiver_that_is_away(
    venue: Venue, settings: Settings, tmp_path: Path
) -> None:
    settings.EXPORT_ADAPTER = "file"
    settings.EXPORT_DIR = str(tmp_path / "file" / "inside")
    (tmp_path / "file").write_text("in the way")
    crossing(venue, at(9))

    tasks.export_hours()

    assert flow().state == "waiting"
    assert flow().problem


class Own:
    """An adapter that a city brings along."""

    handed: ClassVar[list[tuple[str, int]]] = []

    def send(self, kind: str, records: Any) -> None:
        self.handed.append((kind, len(records)))


def test_a_city_can_bring_a_way_of_its_own(venue: Venue, settings: Settings) -> None:
    settings.EXPORT_ADAPTER = "tests.venues.actions.test_exports.Own"
    crossing(venue, at(9))
    Own.handed.clear()

    tasks.export_hours()

    assert flow().state == "sent"
    assert Own.handed == [("flow", 1)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"ends_at": at(17.5)},
        {"kind": "other"},
        {"state": "lost", "next_try_at": None},
        {"state": "sent", "next_try_at": None},
        {"state": "waiting", "next_try_at": None},
        {"came": 0, "left": 0},
        {"sent_revision": 2},
    ],
)
def test_the_database_refuses_what_makes_no_sense(
    venue: Venue, wrong: dict[str, Any]
) -> None:
    given: dict[str, Any] = {
        "venue": venue,
        "kind": "flow",
        "ends_at": at(17),
        "came": 1,
        "left": 0,
        "next_try_at": NOW,
        "counted_at": NOW,
    }
    ExportRecord(**given).full_clean()
    with pytest.raises(IntegrityError), transaction.atomic():
        ExportRecord.objects.create(**given | wrong)


def test_an_hour_is_one_row_for_ever(venue: Venue) -> None:
    crossing(venue, at(17))
    actions.count_hours(at=NOW)
    row = flow()
    row.pk = None
    row.public_id = uuid4()
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save(force_insert=True)
