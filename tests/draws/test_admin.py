from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from bureau.accounts.models import User
from bureau.common import clock
from bureau.draws.models import Draw
from tests import make
from tests.draws import make as made

pytestmark = pytest.mark.django_db


def clerk(*codenames: str) -> Client:
    user = make.user(is_staff=True)
    user.user_permissions.add(
        *Permission.objects.filter(
            content_type__app_label="draws", codename__in=codenames
        )
    )
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def due(monkeypatch: pytest.MonkeyPatch) -> Draw:
    """A frozen draw whose numbers have been drawn by now."""
    now = clock.now()
    return made.frozen(at=now - made.DAY - 4 * made.HOUR)


def test_two_clerks_type_a_result(due: Draw) -> None:
    beacon = due.beacons.get(source="fc-3d")
    address = reverse("admin:draws_beacon_read", args=[beacon.pk])
    one, other = (clerk("view_beacon", "read_beacon") for _n in range(2))

    assert "cannot be the result" in one.post(address, {"value": "1"}).content.decode()
    told = one.post(address, {"value": "3 8 0"}, follow=True).content.decode()
    assert "A second person" in told
    told = other.post(address, {"value": "3,8,0"}, follow=True).content.decode()
    assert "settled" in told
    beacon.refresh_from_db()
    assert beacon.value == "3,8,0"


def test_who_may_look_may_not_type_or_declare_void(due: Draw) -> None:
    beacon = due.beacons.get(source="fc-3d")
    looker = clerk("view_beacon", "view_draw")
    read = reverse("admin:draws_beacon_read", args=[beacon.pk])
    void = reverse("admin:draws_draw_void", args=[due.pk])

    assert looker.post(read, {"value": "3 8 0"}).status_code == 403
    assert looker.post(void, {"reason": "Mine"}).status_code == 403
    due.refresh_from_db()
    assert due.state == Draw.State.FROZEN


def test_a_draw_is_declared_void_with_a_reason(due: Draw) -> None:
    address = reverse("admin:draws_draw_void", args=[due.pk])
    city = clerk("view_draw", "change_draw")

    assert city.post(address, {"reason": ""}).status_code == 200
    city.post(address, {"reason": "Issue cancelled"})
    due.refresh_from_db()
    assert (due.state, due.void_reason) == (Draw.State.VOID, "Issue cancelled")


def test_the_work_list_shows_what_is_to_be_read_now(due: Draw) -> None:
    made.frozen()
    client = clerk("view_beacon", "read_beacon")
    address = reverse("admin:draws_beacon_changelist")

    text = client.get(f"{address}?work=now").content.decode()
    assert text.count("to be read now") >= 2
    assert due.draw_id in text
    assert client.get(f"{address}?work=known").status_code == 200


@pytest.mark.parametrize("table", ["draw", "beacon", "drawentry"])
def test_every_table_opens(admin_client: Client, table: str, admin_user: User) -> None:
    draw = made.drawn()
    rows = {
        "draw": draw,
        "beacon": draw.beacons.first(),
        "drawentry": draw.entries.first(),
    }
    row = rows[table]
    assert row
    name = f"admin:draws_{table}"

    assert admin_client.get(reverse(f"{name}_changelist")).status_code == 200
    assert admin_client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
    assert (
        admin_client.get(reverse(f"{name}_history", args=[row.pk])).status_code == 200
    )
    assert admin_client.get(reverse(f"{name}_add")).status_code == 403
