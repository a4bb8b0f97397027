from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from bureau.accounts.models import User
from bureau.audit import actions
from bureau.audit.models import Entry, record
from bureau.common import clock
from bureau.regions.models import District
from tests import make

pytestmark = [
    pytest.mark.django_db,
    # The templates of the admin read variables that nobody has set.
    pytest.mark.ignore_template_errors,
]


@pytest.fixture
def root() -> User:
    return make.user("root", is_staff=True, is_superuser=True)


@pytest.fixture
def staff(client: Client, root: User) -> Client:
    client.force_login(root)
    return client


@pytest.fixture
def district() -> District:
    from io import StringIO  # noqa: PLC0415 - only here

    from django.core.management import call_command  # noqa: PLC0415

    call_command("load_regions", stdout=StringIO())
    return District.objects.get(code="370811")


def test_the_trail_can_be_searched_and_filtered(staff: Client, citizen: User) -> None:
    record("tests.user.seen", subject=citizen, by=citizen, at=clock.now())
    record("tests.user.lost", subject=citizen, by=None, at=clock.now())
    page = staff.get("/admin/audit/entry/", {"q": "tests.user.seen"})
    assert page.status_code == 200
    assert [e.event for e in page.context["cl"].result_list] == ["tests.user.seen"]
    page = staff.get("/admin/audit/entry/", {"event": "tests.user.lost"})
    assert page.context["cl"].result_count == 1


def test_the_trail_calls_rows_and_roles_as_people_do(
    citizen: User,
) -> None:
    entry = record("tests.user.seen", subject=citizen, by=citizen, at=clock.now())
    entry.actor_role = "city_staff, night_watch"
    assert (entry.subject_words, entry.role_words) == (
        "user",
        "city staff, night_watch",
    )
    entry.subject_type = "bowling.lane"
    assert entry.subject_words == "bowling.lane"


def test_the_trail_can_not_be_changed_here(staff: Client, citizen: User) -> None:
    entry = record("tests.user.seen", subject=citizen, by=None, at=clock.now())
    assert staff.get("/admin/audit/entry/add/").status_code == 403
    assert staff.post(f"/admin/audit/entry/{entry.pk}/change/").status_code == 403
    assert staff.post(f"/admin/audit/entry/{entry.pk}/delete/").status_code == 403


@pytest.mark.parametrize(("number", "start"), [("0", b"id,"), ("1", b"PK")])
def test_the_trail_can_be_exported(
    staff: Client, citizen: User, number: str, start: bytes
) -> None:
    record("tests.user.seen", subject=citizen, by=None, at=clock.now())
    assert staff.get("/admin/audit/entry/export/").status_code == 200
    exported = staff.post(
        "/admin/audit/entry/export/", {"format": number, "resource": ""}
    )
    assert exported.status_code == 200
    assert exported.content.startswith(start)


def test_history_shows_the_trail_of_a_row(
    staff: Client, district: District, citizen: User
) -> None:
    record(
        "regions.district.tested",
        subject=district,
        by=citizen,
        at=clock.now(),
        detail={"why": "<b>test</b>"},
    )
    page = staff.get(f"/admin/regions/district/{district.pk}/history/")
    text = page.content.decode()
    assert "regions.district.tested" in text
    assert str(citizen) in text
    assert "&lt;b&gt;test" in text
    assert "regions.district.added" in text


def test_what_staff_change_in_the_admin_is_in_the_trail(
    staff: Client, district: District, root: User
) -> None:
    given = {
        "name": district.name,
        "name_en": district.name_en,
        "population": "1200000",
        "position": "1",
    }
    answer = staff.post(f"/admin/regions/district/{district.pk}/change/", given)
    assert answer.status_code == 302
    entry = Entry.objects.about(district).get(event="regions.district.admin_changed")
    assert entry.actor == root
    assert "population" in str(entry.detail).lower()


@pytest.mark.parametrize("number", ["2", "x", "999999999"])
def test_a_page_that_is_not_there_shows_one_that_is(
    staff: Client, district: District, number: str
) -> None:
    page = staff.get(f"/admin/regions/district/{district.pk}/history/", {"p": number})
    assert page.status_code == 200


def test_a_proof_shows_its_offences(staff: Client, monkeypatch: Any) -> None:
    from bureau.audit.invariants import Invariant  # noqa: PLC0415 - only here

    broken = Invariant("tests.one", "No one.", "SELECT 1 AS one")
    monkeypatch.setattr(actions, "all_invariants", lambda: [broken])
    run = actions.prove()
    page = staff.get(f"/admin/audit/proofrun/{run.pk}/change/")
    assert "tests.one" in page.content.decode()


GROUND = {"audit", "regions", "workdays", "photos", "notices"}


@pytest.mark.parametrize(
    "path",
    sorted(
        f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        for model in admin.site._registry
        if model._meta.app_label in GROUND
    ),
)
def test_every_staff_table_opens_and_searches(staff: Client, path: str) -> None:
    assert staff.get(path).status_code == 200
    assert staff.get(path, {"q": "7"}).status_code in (200, 302)
