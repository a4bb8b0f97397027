"""Rows that are written only where a look finds the way clear."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from bureau.accounts.models import User
from bureau.audit.models import Entry, IdempotentAnswer, record
from bureau.common import clock
from bureau.common.db import drawing, insert
from bureau.common.guarded import Look, written_if_clear
from tests import make

pytestmark = pytest.mark.django_db

NOTHING: tuple[str, list[Any]] = ("SELECT 1", [])
# Clear for everybody but the person whose id it is given.
LOOK = Look(
    name="tests_guarded",
    sql="SELECT $1::bigint = $2::bigint, "
    + drawing([Entry, IdempotentAnswer], first_mark=3),
    columns=("is_barred", "entry_ids", "answer_ids"),
    ids={Entry: "entry_ids", IdempotentAnswer: "answer_ids"},
    is_clear="NOT is_barred",
)


def answer_of(person: User, **given: Any) -> IdempotentAnswer:
    plain: dict[str, Any] = {
        "key": "k",
        "method": "POST",
        "path": "/",
        "fingerprint": "f",
        "body": {},
    }
    plain |= {"created_at": clock.now()}
    return IdempotentAnswer(user=person, **plain | given)


def write(person: User, *, barred: int, **given: Any) -> tuple[Any, list[Any]]:
    """An answer, and an entry about it which names it."""
    rows: list[Any] = []
    numbers = [person.pk, barred, 1, 1]
    with written_if_clear(LOOK, numbers, behind=NOTHING) as guarded:
        answer = answer_of(person, **given)
        insert(answer)
        rows = [answer, record("x.y.z", subject=answer, by=person, at=clock.now())]
    return guarded, rows


def test_a_clear_way_writes_all_of_it_in_one_message(
    django_assert_num_queries: Any,
) -> None:
    person = make.citizen()
    write(person, barred=0)  # the statement is prepared
    IdempotentAnswer.objects.all().delete()
    with django_assert_num_queries(3):  # a savepoint of the test's transaction
        guarded, (answer, entry) = write(person, barred=0, body={"a": [1, "七"]})
    assert guarded.is_written
    assert guarded.seen["is_barred"] is False
    stored = IdempotentAnswer.objects.get()
    assert (stored.pk, stored.body, stored.user) == (
        answer.pk,
        {"a": [1, "七"]},
        person,
    )
    noted = Entry.objects.get(pk=entry.pk)
    assert noted.subject_id == entry.subject_id == answer.pk
    assert noted.ip is None


def test_what_stands_in_several_rows_is_sent_once() -> None:
    """The same moment and the same text, and not what only happens to be alike."""
    person, at = make.citizen(), clock.now()
    twin = at + timedelta(0)
    with (
        CaptureQueriesContext(connection) as asked,
        written_if_clear(LOOK, [person.pk, 0, 1, 1], behind=NOTHING),
    ):
        answer = answer_of(person, created_at=at)
        insert(answer)
        entry = record("x.y.z", subject=answer, by=person, at=at)
    with (
        CaptureQueriesContext(connection) as asked_apart,
        written_if_clear(LOOK, [person.pk, 0, 1, 1], behind=NOTHING),
    ):
        other = answer_of(person, created_at=at, key="other")
        insert(other)
        record("x.y.z", subject=other, by=person, at=twin)
    stored = Entry.objects.get(pk=entry.pk)
    assert stored.occurred_at == IdempotentAnswer.objects.get(pk=answer.pk).created_at
    times = [
        queries[-2]["sql"].count(at.isoformat()) for queries in (asked, asked_apart)
    ]
    assert times == [1, 2]


def test_a_barred_way_writes_none_of_it() -> None:
    person = make.citizen()
    before = Entry.objects.count()
    guarded, _rows = write(person, barred=person.pk)
    assert not guarded.is_written
    assert guarded.seen["is_barred"] is True
    assert not IdempotentAnswer.objects.exists()
    assert Entry.objects.count() == before


def test_rows_are_what_save_writes() -> None:
    person = make.citizen()
    write(person, barred=0)
    sent: dict[str, Any] = {**IdempotentAnswer.objects.values().get()}
    IdempotentAnswer.objects.all().delete()
    answer_of(person).save(force_insert=True)
    saved: dict[str, Any] = {**IdempotentAnswer.objects.values().get()}
    for own in ("id", "created_at"):
        assert sent.pop(own) != saved.pop(own)
    assert sent == saved


def test_a_saved_row_can_be_changed_afterwards() -> None:
    _guarded, (answer, _entry) = write(make.citizen(), barred=0)
    answer.status = 201
    answer.save(update_fields=["status"])
    assert IdempotentAnswer.objects.get().status == 201


def test_text_that_is_too_long_is_refused_and_not_cut() -> None:
    person = make.citizen()
    with pytest.raises(Exception, match="value too long"):
        write(person, barred=0, method="PROPFINDING")
    assert not IdempotentAnswer.objects.exists()


def test_a_broken_constraint_undoes_all_and_leaves_what_is_around() -> None:
    person = make.citizen()
    write(person, barred=0)
    before = Entry.objects.count()
    with pytest.raises(IntegrityError, match="audit_idempotentanswer_one_per_key"):
        write(person, barred=0)
    assert Entry.objects.count() == before  # and the test's own transaction goes on


def test_rows_that_nobody_drew_ids_for_are_refused() -> None:
    person = make.citizen()
    with (
        pytest.raises(TypeError, match="cannot wait"),
        written_if_clear(LOOK, [1, 2, 0, 0], behind=NOTHING),
    ):
        insert(User(username="x", phone=person.phone))


def test_rows_after_the_block_go_their_own_way() -> None:
    person = make.citizen()
    write(person, barred=0)
    insert(answer_of(person, key="other"))
    assert IdempotentAnswer.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_alone_it_is_a_transaction_of_its_own() -> None:
    person = make.citizen()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    _guarded, (answer, _entry) = write(person, barred=0)
    assert connection.get_autocommit()
    assert IdempotentAnswer.objects.get() == answer
