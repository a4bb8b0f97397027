from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from pytest_django import Settings

from bureau.accounts import actions
from bureau.accounts.errors import (
    AccountClosed,
    BadPhone,
    CodeExpired,
    CodeJustSent,
    CodeNotAsked,
    CodeSpent,
    CodeWrong,
    NumberLocked,
)
from bureau.accounts.models import Consent, LoginCode, User
from bureau.common import clock
from bureau.common.limits import TooOften
from tests import make
from tests.accounts.conftest import live_code, wrong_code

pytestmark = pytest.mark.django_db


def ask(phone: str) -> LoginCode:
    return actions.send_code(phone=phone, network=None)


def redeem(phone: str, code: str) -> User:
    return actions.redeem_code(phone=phone, code=code, network=None)


def test_a_new_number_gets_an_account(phone: str, told: list[str]) -> None:
    ask(phone)

    user = redeem(phone, live_code(phone))

    assert user.phone == phone
    assert user.phone_verified_at is not None
    assert not user.has_usable_password()
    assert "accounts.user.registered" in told
    assert Consent.objects.get(user=user).kind == Consent.Kind.TERMS


def test_asking_alone_makes_no_account(phone: str) -> None:
    ask(phone)

    assert not User.objects.with_phone(phone).exists()


def test_a_known_number_finds_its_account(phone: str) -> None:
    known = make.citizen(phone=phone)
    ask(phone)

    assert redeem(phone, live_code(phone)) == known


@pytest.mark.parametrize("spelling", ["+86 {}", "0086{}", "{} "])
def test_a_number_has_many_spellings(phone: str, spelling: str) -> None:
    ask(spelling.format(phone))

    assert redeem(phone, live_code(phone)).phone == phone


@pytest.mark.parametrize(
    "typed", ["", "12345", "10812345678", "1381234567", "1381234567a", "张三"]
)
def test_a_bad_number_is_refused(typed: str) -> None:
    with pytest.raises(BadPhone):
        ask(typed)


def test_full_width_digits_are_digits() -> None:
    assert actions.normal_phone("１３８１２３４５６７８") == "13812345678"  # noqa: RUF001


def test_a_wrong_code_says_how_many_tries_are_left(phone: str) -> None:
    ask(phone)

    with pytest.raises(CodeWrong, match="9 more"):
        redeem(phone, wrong_code(phone))


def test_a_code_that_is_no_number_is_only_wrong(phone: str) -> None:
    ask(phone)

    with pytest.raises(CodeWrong):
        redeem(phone, "１２３４５六")


def test_without_a_code_there_is_nothing_to_redeem(phone: str) -> None:
    with pytest.raises(CodeNotAsked):
        redeem(phone, "123456")


def test_a_code_works_once(phone: str) -> None:
    ask(phone)
    code = live_code(phone)
    redeem(phone, code)

    with pytest.raises(CodeSpent):
        redeem(phone, code)


def test_a_code_lives_five_minutes(phone: str) -> None:
    start = clock.now()
    with time_machine.travel(start, tick=False) as time:
        ask(phone)
        time.shift(timedelta(minutes=5))

        with pytest.raises(CodeExpired):
            redeem(phone, live_code(phone))

        time.shift(timedelta(microseconds=-1))
        assert redeem(phone, live_code(phone)).phone == phone


def test_another_code_comes_after_a_minute_and_replaces_the_first(phone: str) -> None:
    with time_machine.travel(clock.now(), tick=False) as time:
        ask(phone)
        first = live_code(phone)
        with pytest.raises(CodeJustSent, match="1 minute"):
            ask(phone)

        time.shift(timedelta(seconds=60))
        ask(phone)

        if live_code(phone) != first:
            with pytest.raises(CodeWrong):
                redeem(phone, first)
        assert redeem(phone, live_code(phone)).phone == phone


def test_the_tenth_wrong_code_locks_the_number_for_half_an_hour(phone: str) -> None:
    with time_machine.travel(clock.now(), tick=False) as time:
        ask(phone)
        for _ in range(9):
            with pytest.raises(CodeWrong):
                redeem(phone, wrong_code(phone))
        with pytest.raises(NumberLocked, match="30 minutes") as locked:
            redeem(phone, wrong_code(phone))
        assert locked.value.values["after"] == 1800

        with pytest.raises(NumberLocked):
            redeem(phone, live_code(phone))
        with pytest.raises(NumberLocked):
            ask(phone)

        time.shift(timedelta(minutes=30))
        ask(phone)
        assert redeem(phone, live_code(phone)).phone == phone


def test_a_new_code_does_not_give_new_tries(phone: str) -> None:
    with time_machine.travel(clock.now(), tick=False) as time:
        ask(phone)
        for _ in range(9):
            with pytest.raises(CodeWrong):
                redeem(phone, wrong_code(phone))
        time.shift(timedelta(seconds=61))
        ask(phone)

        with pytest.raises(NumberLocked):
            redeem(phone, wrong_code(phone))


def test_nobody_can_lock_a_number_that_has_no_live_code(phone: str) -> None:
    ask(phone)
    redeem(phone, live_code(phone))

    for _ in range(20):
        with pytest.raises(CodeSpent):
            redeem(phone, "000000")


def test_a_number_gets_so_many_codes_a_day(phone: str, settings: Settings) -> None:
    settings.LOGIN_CODES_PER_DAY = 10
    day = clock.now().replace(hour=1, minute=0)
    with time_machine.travel(day, tick=False) as time:
        for _ in range(10):
            ask(phone)
            time.shift(timedelta(seconds=61))

        with pytest.raises(TooOften):
            ask(phone)


def test_a_closed_account_stays_closed(phone: str) -> None:
    make.citizen(phone=phone, is_active=False)
    ask(phone)

    with pytest.raises(AccountClosed):
        redeem(phone, live_code(phone))


def test_the_database_does_not_hold_the_code(phone: str) -> None:
    row = ask(phone)

    stored = LoginCode.objects.filter(pk=row.pk).values().get()

    assert all(live_code(phone) not in str(value) for value in stored.values())
