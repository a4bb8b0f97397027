"""The short ways to the database do what the long ones do."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, connection, transaction

from bureau.audit.models import Entry
from bureau.common import clock
from bureau.common.db import insert, prepared
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


def test_insert_writes_several_rows_and_gives_each_its_key() -> None:
    rows = [entry(f"tests.order.{n}") for n in range(3)]

    insert(*rows)

    for one in rows:
        assert Entry.objects.get(pk=one.pk).event == one.event


def test_insert_unless_there_is_one_says_whether_it_wrote() -> None:
    first, second = payment(), payment()

    assert insert(first, unless=ONE_OPEN_PER_OWNER)
    assert not insert(second, unless=ONE_OPEN_PER_OWNER)
    assert second.pk is None
    assert Payment.objects.get().pk == first.pk


def test_insert_still_meets_the_constraints() -> None:
    worthless = payment()
    worthless.amount_fen = 0

    with (
        pytest.raises(IntegrityError, match="payments_payment_amount_is_positive"),
        transaction.atomic(),
    ):
        insert(worthless)


def doubled(number: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(prepared("tests_doubled", "SELECT 2 * $1::int", 1), [number])
        found: int = cursor.fetchone()[0]
    return found


def test_a_prepared_statement_outlives_a_rollback() -> None:
    with transaction.atomic():
        assert doubled(2) == 4
        transaction.set_rollback(True)

    assert doubled(3) == 6


@pytest.mark.django_db(transaction=True)
def test_a_prepared_statement_is_prepared_again_on_a_new_connection() -> None:
    assert doubled(2) == 4

    connection.close()

    assert doubled(3) == 6
