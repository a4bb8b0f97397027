"""The short ways to the database do what the long ones do."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import (
    DataError,
    IntegrityError,
    close_old_connections,
    connection,
    transaction,
)
from django.db.models import Model
from pytest_django import DjangoAssertNumQueries

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.db import drawing, insert, new, one_trip, prepared, row_of_each
from bureau.payments.actions.payments import ONE_OPEN_PER_OWNER
from bureau.payments.models import Payment
from tests import make

pytestmark = pytest.mark.django_db


def entry(event: str) -> Entry:
    return Entry(
        event=event,
        subject_type="tests.order",
        subject_id=7,
        occurred_at=clock.now(),
        ip="2001:db8::1",
        detail={"name": "张三", "at": clock.now()},
    )


def payment() -> Payment:
    return Payment(
        owner_app="tests",
        owner_model="order",
        owner_id=7,
        payer=make.citizen(),
        amount_fen=100,
        title="羽毛球",
        return_path="/me/",
        expires_at=clock.now(),
        created_at=clock.now(),
    )


def row(of: Entry) -> dict[str, object]:
    found = Entry.objects.filter(pk=of.pk).values().get()
    return {name: value for name, value in found.items() if name != "id"}


def test_insert_writes_what_save_writes() -> None:
    short = entry("tests.order.made")
    long = Entry(
        **{
            field.attname: getattr(short, field.attname)
            for field in Entry._meta.concrete_fields
        }
    )

    insert(short)
    long.save(force_insert=True)

    assert short.pk != long.pk
    assert row(short) == row(long)
    assert not short._state.adding


def test_a_new_row_is_what_the_model_makes() -> None:
    given = {"event": "a.b.c", "subject_type": "x.y", "occurred_at": clock.now()}
    short, long = new(Entry, **given, subject_id=7), Entry(**given, subject_id=7)
    names = [field.attname for field in Entry._meta.concrete_fields]
    assert [getattr(short, name) for name in names] == [
        getattr(long, name) for name in names
    ]
    assert short._state.adding
    assert short.detail is not new(Entry, **given).detail


def test_a_new_row_makes_its_own_number_and_knows_what_it_leads_to() -> None:
    payer = make.citizen()
    first, second = new(Payment, payer=payer), new(Payment, payer=None)
    assert first.number != second.number
    assert len(first.number) == len(Payment().number)
    assert (first.payer_id, first.payer) == (payer.pk, payer)
    assert (second.payer_id, second.payer) == (None, None)


def test_a_new_row_of_a_field_that_is_none_is_a_mistake() -> None:
    with pytest.raises(TypeError, match="colour"):
        new(Entry, colour="red")


def test_one_row_of_each_model_comes_apart() -> None:
    person, asked = make.citizen(), payment()
    asked.save()
    sql = """
        SELECT person.id AS person__id, person.phone AS person__phone, 7 AS seven,
               payment.id AS payment__id, payment.number AS payment__number
          FROM accounts_user AS person
          LEFT JOIN payments_payment AS payment ON payment.id = $2
         WHERE person.id = $1
    """
    models = {"person": User, "payment": Payment}

    def ask(*given: int) -> Any:
        return row_of_each("tests_each", sql, given, **models)

    found = ask(person.pk, asked.pk)
    assert (found["person"], found["person"].phone) == (person, person.phone)
    assert (found["payment"], found["payment"].number) == (asked, asked.number)
    assert found["seven"] == 7
    assert ask(person.pk, 0)["payment"] is None
    assert ask(0, asked.pk) is None


def test_insert_writes_several_rows_and_gives_each_its_key() -> None:
    rows = [entry(f"tests.order.{n}") for n in range(3)]

    insert(*rows)

    for one in rows:
        assert Entry.objects.get(pk=one.pk).event == one.event


def test_insert_unless_there_is_one_says_whether_it_wrote() -> None:
    first, second = payment(), payment()

    assert insert(first, unless=ONE_OPEN_PER_OWNER)
    assert not insert(second, unless=ONE_OPEN_PER_OWNER)
    assert Payment.objects.get().pk == first.pk
    assert not Payment.objects.filter(pk=second.pk).exists()


def test_insert_still_meets_the_constraints() -> None:
    worthless = payment()
    worthless.amount_fen = 0

    with (
        pytest.raises(IntegrityError, match="payments_payment_amount_is_positive"),
        transaction.atomic(),
    ):
        insert(worthless)


def doubled(number: int) -> int:
    call = prepared("tests_doubled", "SELECT 2 * $1::int", 1)
    with connection.cursor() as cursor:
        cursor.execute(call, [number])
        found: int = cursor.fetchone()[0]
    return found


def test_a_prepared_statement_outlives_a_rollback() -> None:
    with transaction.atomic():
        assert doubled(2) == 4
        transaction.set_rollback(True)

    assert doubled(3) == 6


def test_plans_follow_a_table_that_fills_in_a_rush() -> None:
    """A plan that was made for an empty table reads all of what came since."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE rush (id int PRIMARY KEY, note text) ON COMMIT DROP"
        )
        cursor.execute("ANALYZE rush")

        def ask(n: int) -> None:
            sql = "SELECT note FROM rush WHERE id = $1"
            cursor.execute(prepared("tests_rush", sql, 1), [n])

        def plan() -> str:
            cursor.execute("EXPLAIN EXECUTE tests_rush (1)")
            return str(cursor.fetchone()[0])

        # What else the connection was asked says nothing of this statement.
        for n in range(300):
            doubled(n)
        ask(1)
        assert plan().startswith("Seq Scan")
        cursor.execute("INSERT INTO rush SELECT n, 'x' FROM generate_series(1,9999) n")
        calls = 0
        while plan().startswith("Seq Scan"):
            ask(1)
            calls += 1
            assert calls <= 64
        assert plan().startswith("Index Scan")


@pytest.mark.django_db(transaction=True)
def test_a_prepared_statement_is_prepared_again_on_a_new_connection() -> None:
    assert doubled(2) == 4

    connection.close()

    assert doubled(3) == 6


@pytest.mark.django_db(transaction=True)
def test_a_prepared_statement_is_prepared_again_after_the_session_was_killed() -> None:
    assert doubled(2) == 4
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()

    close_old_connections()  # as a new request does

    assert doubled(3) == 6


def drawn(number: int) -> dict[type[Model], list[int]]:
    sql = f"SELECT {drawing([Entry], first_mark=1)}"
    with connection.cursor() as cursor:
        cursor.execute(prepared("tests_drawing", sql, 1), [number])
        (ids,) = cursor.fetchone()
    return {Entry: ids}


def test_rows_with_drawn_ids_go_in_one_trip(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ids = drawn(3)
    rows = [entry(f"tests.order.{n}") for n in ("'", "%s", "100 %")]

    with django_assert_num_queries(1), one_trip(ids):
        insert(rows[0])
        insert(*rows[1:])

    assert [Entry.objects.get(pk=one.pk).event for one in rows] == [
        one.event for one in rows
    ]


def test_rows_on_one_trip_are_what_save_writes() -> None:
    short, long = entry("tests.order.made"), entry("tests.order.made")
    long.occurred_at, long.detail = short.occurred_at, short.detail

    with one_trip(drawn(1)):
        insert(short)
    long.save(force_insert=True)

    assert row(short) == row(long)


def test_rows_that_wait_are_seen_by_every_question_in_the_block() -> None:
    with one_trip(drawn(1)):
        insert(first := entry("tests.order.first"))
        assert Entry.objects.get().pk == first.pk


def test_rows_beyond_the_drawn_ids_come_after_those_that_wait() -> None:
    with one_trip(drawn(1)):
        insert(first := entry("tests.order.first"))
        insert(second := entry("tests.order.second"))
        assert first.pk < second.pk

    assert list(Entry.objects.order_by("pk")) == [first, second]


def test_an_exception_on_a_trip_drops_what_waits() -> None:
    def lose_the_way() -> None:
        with one_trip(drawn(1)):
            insert(entry("tests.order.made"))
            raise LookupError

    with pytest.raises(LookupError):
        lose_the_way()

    assert not Entry.objects.exists()
    insert(entry("tests.order.after"))
    assert Entry.objects.get().event == "tests.order.after"


def test_a_broken_constraint_shows_at_the_end_of_the_trip() -> None:
    inserted = []

    def write() -> None:
        with transaction.atomic(), one_trip(drawn(1)):
            inserted.append(insert(entry("x" * 81)))

    with pytest.raises(DataError):
        write()
    assert inserted == [True]
