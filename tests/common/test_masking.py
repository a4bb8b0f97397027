from __future__ import annotations

import pytest

from bureau.common.masking import masked_id_number, masked_name, masked_phone


@pytest.mark.parametrize(
    ("name", "masked"),
    [("张三", "张*"), ("欧阳娜娜", "欧***"), ("张", "张*"), ("", "")],
)
def test_of_a_name_the_first_character_is_shown(name: str, masked: str) -> None:
    assert masked_name(name) == masked


def test_of_an_id_number_no_birthday_is_shown() -> None:
    assert masked_id_number("37061119900101123X") == "3706**********123X"
    assert masked_id_number("") == ""


def test_of_a_number_the_middle_is_hidden() -> None:
    assert masked_phone("13812341234") == "138****1234"
    assert masked_phone(None) == ""
