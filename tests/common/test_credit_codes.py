from __future__ import annotations

import pytest

from bureau.common import credit_codes
from bureau.common.credit_codes import ALPHABET, BadCreditCode

# The first is the example of GB 32100-2015 itself, the others are published ones.
KNOWN = ["91350100M000100Y43", "91110108551385082Q", "914403001922038216"]


@pytest.mark.parametrize("code", KNOWN)
def test_published_codes_are_right(code: str) -> None:
    assert credit_codes.parse(code) == code


def test_spaces_hyphens_and_small_letters_are_forgiven() -> None:
    assert credit_codes.parse(" 9135 0100-m000100y43") == KNOWN[0]


def test_each_of_the_31_check_digits_has_a_code_and_only_that_one_fits() -> None:
    found: dict[str, str] = {}
    for last in ALPHABET:
        for before in ALPHABET:
            body = f"91350100M000100{before}{last}"
            found.setdefault(credit_codes.check_digit(body), body)
    assert set(found) == set(ALPHABET)
    for digit, body in found.items():
        assert credit_codes.parse(body + digit) == body + digit
        for other in set(ALPHABET) - {digit}:
            with pytest.raises(BadCreditCode, match="check_digit"):
                credit_codes.parse(body + other)


def test_every_single_wrong_character_is_found() -> None:
    """31 is a prime, and no weight is a multiple of it."""
    right = KNOWN[0]
    for place in (*range(2), *range(8, 17)):
        for other in set(ALPHABET) - {right[place]}:
            with pytest.raises(BadCreditCode):
                credit_codes.parse(right[:place] + other + right[place + 1 :])


def test_two_neighbours_that_changed_places_are_found() -> None:
    right = KNOWN[1]
    for place in range(16):
        first, second = right[place], right[place + 1]
        if first != second:
            turned = right[:place] + second + first + right[place + 2 :]
            with pytest.raises(BadCreditCode):
                credit_codes.parse(turned)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        KNOWN[0][:-1],
        KNOWN[0] + "0",
        "9135O100M000100Y43",  # the letter O
        "91350100I000100Y43",
        "9135010\u0660M000100Y43",
        "一二",
    ],
)
def test_what_has_another_shape_is_no_code(typed: str) -> None:
    with pytest.raises(BadCreditCode, match="shape"):
        credit_codes.parse(typed)
