from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from bureau.accounts import signals
from bureau.accounts.models import User
from bureau.audit.models import Entry, record
from bureau.common import clock

pytestmark = pytest.mark.django_db


def note(subject: User, by: User | None = None, **detail: Any) -> Entry:
    return record(
        "tests.user.seen", subject=subject, by=by, at=clock.now(), detail=detail
    )


def test_an_entry_keeps_who_did_what(citizen: User, stranger: User) -> None:
    entry = note(citizen, by=stranger, why="test")

    assert entry.actor_name == str(stranger)
    assert list(Entry.objects.about(citizen).of_event("tests.user.seen")) == [entry]
    assert entry in Entry.objects.by(stranger)
    assert entry not in Entry.objects.about(stranger)


def test_the_newest_entry_comes_first(citizen: User) -> None:
    first, second = note(citizen), note(citizen)
    mine = Entry.objects.about(citizen).of_event("tests.user.seen").newest_first()
    assert list(mine) == [second, first]


def test_an_entry_can_not_be_changed(citizen: User) -> None:
    entry = note(citizen)
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        Entry.objects.filter(pk=entry.pk).update(event="tests.user.forged")


def test_an_entry_can_not_be_deleted(citizen: User) -> None:
    note(citizen)
    with pytest.raises(IntegrityError, match="never changed"), transaction.atomic():
        Entry.objects.all().delete()


def test_what_accounts_tells_is_recorded(citizen: User) -> None:
    signals.happened.send(
        User,
        event="accounts.user.tested",
        subject=citizen,
        by=None,
        at=clock.now(),
        detail={"a": 1},
    )
    entry = Entry.objects.about(citizen).get(event="accounts.user.tested")
    assert entry.detail == {"a": 1}
    assert entry.actor is None


def test_a_request_leaves_its_id_and_address(citizen: User, client: Any) -> None:
    from bureau.common import http  # noqa: PLC0415 - its private variable is set here

    token = http._origin.set(http.Origin("request-1", "192.0.2.7"))
    try:
        entry = note(citizen)
    finally:
        http._origin.reset(token)
    assert (entry.request_id, entry.ip) == ("request-1", "192.0.2.7")
