from __future__ import annotations

import json
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from rest_framework.test import APIClient

from bureau.accounts.models import User
from bureau.common import clock
from tests import make
from venues.models import Admission, Booking, GateDevice

pytestmark = pytest.mark.django_db
GATE = "/api/v1/gate"


@pytest.fixture
def booking() -> Booking:
    return make.confirmed()


@pytest.fixture
def gate(api: APIClient, booking: Booking) -> APIClient:
    api.force_authenticate(make.gatekeeper(booking.venue))
    return api


def test_people_are_counted_once_a_key(gate: APIClient, booking: Booking) -> None:
    given = {
        "venue": booking.venue.code,
        "direction": "in",
        "persons": 3,
        "group": "minor",
        "request_key": str(uuid4()),
    }
    for _ in range(2):
        answer = gate.post(f"{GATE}/counts/", given, format="json")
        assert answer.status_code == 200, answer.content
        assert answer.json()["inside"] == 3
    crowd = gate.get(f"{GATE}/venues/{booking.venue.code}/crowd/").json()
    assert (crowd["came"], crowd["left"], crowd["most"]) == (3, 0, None)
    assert [hour["came"] for hour in crowd["hours"]] == [3]
    out = {**given, "direction": "out", "persons": 9, "request_key": str(uuid4())}
    refused = gate.post(f"{GATE}/counts/", out, format="json")
    assert (refused.status_code, refused.json()["code"]) == (409, "nobody_inside")


def test_a_device_takes_its_list_and_tells_what_it_let_in(
    gate: APIClient, booking: Booking
) -> None:
    made = gate.post(
        f"{GATE}/devices/", {"venue": booking.venue.code, "name": "T1"}, format="json"
    )
    assert made.status_code == 201
    device = made.json()["device"]
    with time_machine.travel(booking.starts_at, tick=False):
        signed = gate.get(f"{GATE}/devices/{device}/list/").json()
        body = json.loads(signed["body"])
        assert [row["code"] for row in body["passes"]] == [make.pass_of(booking).code]
        scans = {
            "scans": [
                {
                    "key": str(uuid4()),
                    "code": body["passes"][0]["code"],
                    "at": clock.now().isoformat(),
                    "ticket": body["ticket"],
                }
            ]
        }
        for _ in range(2):
            told = gate.post(f"{GATE}/devices/{device}/scans/", scans, format="json")
            assert [row["outcome"] for row in told.json()] == ["admitted"]
        leave = {"venue": booking.venue.code, "text": body["passes"][0]["code"]}
        crowd = gate.post(f"{GATE}/leavings/", leave, format="json").json()
    assert (crowd["came"], crowd["left"]) == (1, 1)
    assert Admission.objects.count() == 1


def test_strangers_and_colleagues_elsewhere_get_nothing(
    api: APIClient, booking: Booking, citizen: User
) -> None:
    keeper = make.gatekeeper(booking.venue)
    device = GateDevice.objects.create(
        venue=booking.venue, name="T", registered_by=keeper, registered_at=clock.now()
    )
    for person in (citizen, make.gatekeeper(make.venue())):
        api.force_authenticate(person)
        count = {
            "venue": booking.venue.code,
            "direction": "in",
            "request_key": str(uuid4()),
        }
        answers = [
            api.post(f"{GATE}/counts/", count, format="json"),
            api.get(f"{GATE}/venues/{booking.venue.code}/crowd/"),
            api.get(f"{GATE}/devices/{device.public_id}/list/"),
            api.post(
                f"{GATE}/devices/{device.public_id}/scans/",
                {"scans": []},
                format="json",
            ),
        ]
        assert [answer.status_code for answer in answers] == [404] * 4


def test_a_scan_without_an_offset_or_from_another_year_is_refused(
    gate: APIClient, booking: Booking
) -> None:
    made = gate.post(
        f"{GATE}/devices/", {"venue": booking.venue.code, "name": "T1"}, format="json"
    )
    url = f"{GATE}/devices/{made.json()['device']}/scans/"
    far = clock.now() - timedelta(days=800)
    for at in ("2026-11-22T18:00:00", far.isoformat(), "yesterday"):
        scan = {"key": str(uuid4()), "code": "ABCDEFGH1234", "at": at}
        assert gate.post(url, {"scans": [scan]}, format="json").status_code == 400
