from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from bureau.accounts import actions as accounts
from bureau.accounts.models import User
from bureau.common import clock
from bureau.draws.models import Draw
from tests import make
from tests.accounts.conftest import new_id_number
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


def known_as(person: User, number: str) -> None:
    accounts.verify_identity(name="张三", id_number=number, agreed=True, by=person)


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


def test_a_source_that_is_not_there_has_no_page() -> None:
    client = clerk("view_beacon", "read_beacon")
    for pk in ("abc", "-1", "9" * 30):
        address = f"/admin/draws/beacon/{pk}/type-result/"
        assert client.get(address).status_code == 404


def test_who_may_look_may_not_type_or_declare_void(due: Draw) -> None:
    beacon = due.beacons.get(source="fc-3d")
    looker = clerk("view_beacon", "view_draw")
    read = reverse("admin:draws_beacon_read", args=[beacon.pk])
    void = f"/admin/draws/draw/{due.pk}/void/"

    assert looker.post(read, {"value": "3 8 0"}).status_code == 403
    assert looker.post(void, {"reason": "Mine"}).status_code == 403
    due.refresh_from_db()
    assert due.state == Draw.State.FROZEN


def test_a_draw_is_declared_void_with_a_reason(due: Draw) -> None:
    address = f"/admin/draws/draw/{due.pk}/void/"
    city = clerk("view_draw", "change_draw")

    assert city.post(address, {"reason": ""}).status_code == 422
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
    added = admin_client.get(reverse(f"{name}_add")).status_code
    assert added == (200 if table == "draw" else 403)


# --- Announced, frozen and drawn by staff ---------------------------------------------

PLAN = {
    "draw_id": "SWIM-1",
    "title": "Swimming course",
    "pools": "A 2 Beginners\n\nB 1 Advanced, in the deep pool",
}


def times(**moments: datetime) -> dict[str, str]:
    """As the two boxes of a date and time send them."""
    sent: dict[str, str] = {}
    for name, moment in moments.items():
        local = moment.astimezone(clock.CHINA)
        sent |= {f"{name}_0": f"{local:%Y-%m-%d}", f"{name}_1": f"{local:%H:%M}"}
    return sent


def in_order(at: datetime) -> dict[str, str]:
    day = at + made.DAY
    return times(
        entries_close_at=day, freezes_at=day, draws_at=day + timedelta(hours=2)
    )


def page(draw: Draw, what: str) -> str:
    return f"/admin/draws/draw/{draw.pk}/{what}/"


@pytest.fixture
def city() -> Client:
    return clerk("view_draw", "add_draw", "change_draw", "view_beacon", "read_beacon")


def test_staff_announce_a_draw_and_its_rules_are_public(
    city: Client, client: Client
) -> None:
    address = reverse("admin:draws_draw_add")
    assert "never changed" in city.get(address).content.decode()
    city.post(address, {**PLAN, **in_order(clock.now())})

    draw = Draw.objects.get(draw_id="SWIM-1")
    assert [(p.prefix, p.quota, p.name) for p in draw.pools.order_by("prefix")] == [
        ("A", 2, "Beginners"),
        ("B", 1, "Advanced, in the deep pool"),
    ]
    assert [beacon.source for beacon in draw.beacons.all()] == ["drand-quicknet"]
    assert client.get(draw.get_absolute_url()).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"pools": "A two Beginners"}, "is not a prefix, a number and a name"),
        ({"pools": "a 2 Beginners"}, "A draw needs pools"),
        ({"draw_id": "SWIM 1"}, "letters, digits and hyphens only"),
        ({"d3_issue": "2026001"}, "too little chance"),
        ({"kl8_issue": "tonight"}, "issue number"),
        ({"draws_at_1": "00:00"}, "hour and ten minutes"),
    ],
)
def test_a_plan_that_nobody_could_trust_is_said_on_the_form(
    city: Client, wrong: dict[str, str], said: str
) -> None:
    given = {**PLAN, **in_order(clock.now()), **wrong}
    answer = city.post(reverse("admin:draws_draw_add"), given)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Draw.objects.exists()


def test_staff_put_people_in_who_then_see_it_in_their_account(
    city: Client, citizen: User
) -> None:
    draw = made.draw()
    number, business = new_id_number(), "91370800MA3C0000XA"
    known_as(citizen, number)
    listed = {"pool": "A", "numbers": f"{number.lower()}\n{business}\n\n{number}"}
    told = city.post(page(draw, "put-in"), listed, follow=True).content.decode()

    assert "2 are in" in told
    assert draw.entries.count() == 2
    assert draw.entries.filter(person=citizen).count() == 1
    city.post(page(draw, "put-in"), listed)
    assert draw.entries.count() == 2
    wrong = city.post(page(draw, "put-in"), {"pool": "A", "numbers": "12345"})
    assert "no ID number" in wrong.content.decode()


def test_a_list_that_the_portal_missed_is_frozen_and_drawn_by_hand(
    city: Client,
) -> None:
    draw = made.draw(at=clock.now() - made.DAY - 1.5 * made.HOUR)
    made.entry(draw)
    early = made.draw()
    refused = city.post(page(early, "freeze"))
    assert "not before" in refused.content.decode()

    city.post(page(draw, "freeze"))
    draw.refresh_from_db()
    assert draw.state == Draw.State.FROZEN
    assert "not every source" in city.post(page(draw, "draw")).content.decode().lower()
    with time_machine.travel(draw.draws_at + timedelta(minutes=1)):
        made.read(draw)
        city.post(page(draw, "draw"))
    draw.refresh_from_db()
    assert draw.state == Draw.State.DRAWN
    assert draw.entries.get().rank == 1


def test_a_failed_draw_is_announced_again_by_a_second_person(
    due: Draw, city: Client
) -> None:
    again = {"draw_id": "AGAIN-1", **in_order(clock.now())}
    city.post(page(due, "void"), {"reason": "A source was read wrongly"})

    refused = city.post(page(due, "redo"), again)
    assert refused.status_code == 422
    assert "Another person" in refused.content.decode()
    other = clerk("view_draw", "add_draw")
    assert "read wrongly" in other.get(page(due, "redo")).content.decode()
    assert other.post(page(due, "redo"), again).status_code == 302

    due.refresh_from_db()
    redone = Draw.objects.get(draw_id="AGAIN-1")
    assert redone.replaces == due
    assert redone.entries.count() == due.entries.count()
    assert other.post(page(due, "redo"), {**again, "draw_id": "X-3"}).status_code == 422


def test_who_may_only_look_announces_and_moves_nothing(due: Draw) -> None:
    looker = clerk("view_draw")
    assert looker.get(reverse("admin:draws_draw_add")).status_code == 403
    for what in ("put-in", "freeze", "draw", "void", "redo"):
        assert looker.post(page(due, what)).status_code == 403


def test_a_step_is_offered_only_where_it_can_be_taken(due: Draw, city: Client) -> None:
    shown = city.get(reverse("admin:draws_draw_change", args=[due.pk])).content.decode()
    assert page(due, "draw") in shown
    assert page(due, "void") in shown
    for step in ("put-in", "freeze", "redo"):
        assert page(due, step) not in shown
        assert city.post(page(due, step)).status_code == 403
