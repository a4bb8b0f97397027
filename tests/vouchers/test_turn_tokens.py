"""What a turn token says, and to whom."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from vouchers.queries import Turn, read_turn, turn_token

TURN = Turn(7, 11, datetime(2026, 11, 22, 2, 0, 0, 123457, tzinfo=UTC))


def test_who_was_handed_it_reads_it_to_the_microsecond() -> None:
    assert read_turn(turn_token(TURN, holder="abc"), holder="abc") == TURN


@pytest.mark.parametrize("holder", ["abd", "ab", "", "abc "])
def test_elsewhere_it_is_of_no_use(holder: str) -> None:
    assert read_turn(turn_token(TURN, holder="abc"), holder=holder) is None


@pytest.mark.parametrize("text", ["", ".", "...", "7.11.5.", "7.11.5.00", "ä.1.1.1"])
def test_what_is_none_of_ours_is_not_read(text: str) -> None:
    assert read_turn(text, holder="abc") is None


def test_no_part_of_it_can_be_changed() -> None:
    token = turn_token(TURN, holder="abc")
    said, _, mac = token.rpartition(".")
    round_id, person, moment = said.split(".")
    for forged in (
        f"8.{person}.{moment}.{mac}",
        f"{round_id}.12.{moment}.{mac}",
        f"{round_id}.{person}.{int(moment) - 1}.{mac}",
        f"{said}.{mac[:-1]}",
        f"{said}.{mac.upper()}",
    ):
        assert read_turn(forged, holder="abc") is None
