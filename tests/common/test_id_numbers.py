from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bureau.common import id_numbers
from bureau.common.id_numbers import BadIdNumber, age_on, check_digit, parse

TODAY = date(2026, 11, 22)


def slow_remainder(text: str) -> int:
    """ISO 7064 MOD 11-2 as the standard words it, digit by digit: right if it is 1."""
    product = 0
    for character in text:
        value = 10 if character == "X" else int(character)
        product = (product * 2 + value) % 11
    return product


def test_the_standards_own_example_is_right() -> None:
    number = parse("11010519491231002X", today=TODAY)

    assert number.born_on == date(1949, 12, 31)
    assert not number.is_male


@pytest.mark.parametrize("typed", ["11010519491231002x", " 110105 19491231 002X "])
def test_spelling_is_forgiven(typed: str) -> None:
    assert parse(typed, today=TODAY).text == "11010519491231002X"


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "shape"),
        ("11010519491231002", "shape"),
        ("1101051949123100222", "shape"),
        ("01010519491231002X", "shape"),
        ("X10105194912310021", "shape"),
        ("110105194912310021", "check_digit"),
    ],
)
def test_wrong_numbers_are_refused_for_the_right_reason(typed: str, why: str) -> None:
    with pytest.raises(BadIdNumber, match=why):
        parse(typed, today=TODAY)


@pytest.mark.parametrize("day", ["19491301", "20230229", "18791231", "00000000"])
def test_a_day_that_never_was_is_refused(day: str) -> None:
    first = f"110105{day}002"

    with pytest.raises(BadIdNumber, match="birth_date"):
        parse(first + check_digit(first), today=TODAY)


@pytest.mark.parametrize(("ahead", "is_right"), [(0, True), (1, False)])
def test_nobody_is_born_tomorrow(ahead: int, *, is_right: bool) -> None:
    first = f"110105{TODAY + timedelta(days=ahead):%Y%m%d}002"
    number = first + check_digit(first)

    if is_right:
        assert parse(number, today=TODAY).born_on == TODAY
    else:
        with pytest.raises(BadIdNumber, match="birth_date"):
            parse(number, today=TODAY)


@given(
    st.integers(110000, 659999),
    st.dates(date(1880, 1, 1), TODAY),
    st.integers(0, 999),
)
def test_the_check_digit_agrees_with_the_standards_words(
    county: int, day: date, order: int
) -> None:
    first = f"{county}{day:%Y%m%d}{order:03}"
    number = first + check_digit(first)

    assert slow_remainder(number) == 1
    parsed = parse(number, today=TODAY)
    assert (parsed.born_on, parsed.is_male) == (day, order % 2 == 1)


@given(
    st.dates(date(1880, 1, 1), TODAY),
    st.integers(0, 999),
    st.integers(0, 17),
    st.sampled_from("0123456789X"),
)
def test_one_wrong_character_is_always_noticed(
    day: date, order: int, place: int, wrong: str
) -> None:
    first = f"370811{day:%Y%m%d}{order:03}"
    right = first + check_digit(first)
    typed = right[:place] + wrong + right[place + 1 :]

    if typed != right:
        with pytest.raises(BadIdNumber):
            parse(typed, today=TODAY)


@given(st.text(max_size=30))
def test_no_text_breaks_it(typed: str) -> None:
    with suppress(BadIdNumber):
        parse(typed, today=TODAY)


@pytest.mark.parametrize(
    ("born_on", "day", "age"),
    [
        (date(1966, 6, 15), date(2026, 6, 14), 59),
        (date(1966, 6, 15), date(2026, 6, 15), 60),
        (date(2012, 2, 29), date(2026, 2, 28), 13),
        (date(2012, 2, 29), date(2026, 3, 1), 14),
    ],
)
def test_age_grows_on_the_birthday(born_on: date, day: date, age: int) -> None:
    assert age_on(day, born_on=born_on) == age
    assert id_numbers.age_on(born_on, born_on=born_on) == 0
