from __future__ import annotations

from django.utils import translation

from bureau.common.words import listed, run_on


def test_a_list_has_the_comma_of_its_language() -> None:
    assert listed(["badminton", 7]) == "badminton, 7"
    with translation.override("zh-hans"):
        assert listed(["羽毛球", "游泳"]) == "羽毛球、游泳"


def test_nothing_listed_is_nothing() -> None:
    assert listed([]) == ""


def test_chinese_sentences_follow_without_a_space() -> None:
    told = "预订已取消。 原因：下雨。 45 元将退回。"

    assert run_on(told) == told.replace("。 ", "。")
    assert run_on("It is cancelled. It rains.") == "It is cancelled. It rains."
