"""One number, many hands. Real transactions, real threads, real locks."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest
from django.db.models import QuerySet

from bureau.accounts import actions
from bureau.accounts.models import LoginCode, User, VerifiedIdentity
from bureau.common import id_numbers
from tests import make
from tests.at_once import at_once, outcomes

pytestmark = pytest.mark.django_db(transaction=True)
HANDS = 8


def new_phone() -> str:
    """Redis outlives the test, so the number is new."""
    return f"13{random.SystemRandom().randrange(10**9):09}"


def together(act: Callable[[int], object]) -> Counter[str]:
    """What came of the same thing done by eight at the same moment."""
    return outcomes(at_once(*[partial(act, number) for number in range(HANDS)]))


def test_a_code_lets_one_in_and_makes_one_account() -> None:
    phone = new_phone()
    code = actions.send_code(phone=phone, network=None).code

    outcome = together(
        lambda _: actions.redeem_code(phone=phone, code=code, network=None)
    )

    assert outcome == {"done": 1, "code_spent": HANDS - 1}
    assert User.objects.filter(phone=phone).count() == 1


def test_two_first_requests_send_one_code() -> None:
    phone = new_phone()

    outcome = together(lambda _: actions.send_code(phone=phone, network=None))

    assert outcome == {"done": 1, "code_just_sent": HANDS - 1}
    assert LoginCode.objects.filter(phone=phone).count() == 1


def guess_wrong_together() -> int:
    phone = new_phone()
    row = actions.send_code(phone=phone, network=None)
    wrong = f"{(int(row.code) + 1) % 10**6:06}"

    together(lambda _: actions.redeem_code(phone=phone, code=wrong, network=None))

    row.refresh_from_db()
    return row.wrong_tries


def test_every_parallel_guess_is_counted() -> None:
    assert guess_wrong_together() == HANDS


def test_without_the_lock_guesses_would_be_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control: it is the lock that counts, not luck."""

    def unlocked(rows: QuerySet[LoginCode], **_: object) -> QuerySet[LoginCode]:
        return rows.all()

    monkeypatch.setattr(type(LoginCode.objects.all()), "select_for_update", unlocked)

    counts = [guess_wrong_together() for _ in range(5)]

    assert min(counts) < HANDS


def test_one_person_opens_one_account() -> None:
    first = f"37081119900101{random.SystemRandom().randrange(1000):03}"
    number = first + id_numbers.check_digit(first)
    people = [make.citizen(phone=new_phone()) for _ in range(HANDS)]

    outcome = together(
        lambda i: actions.verify_identity(
            name="张三", id_number=number, agreed=True, by=people[i]
        )
    )

    assert outcome == {"done": 1, "identity_taken": HANDS - 1}
    assert VerifiedIdentity.objects.count() == 1
