from __future__ import annotations

from django.utils import translation

from bureau.common.words import listed


def test_a_list_has_the_comma_of_its_language() -> None:
    assert listed(["badminton", 7]) == "badminton, 7"
    with translation.override("zh-hans"):
        assert listed(["羽毛球", "游泳"]) == "羽毛球、游泳"


def test_nothing_listed_is_nothing() -> None:
    assert listed([]) == ""
