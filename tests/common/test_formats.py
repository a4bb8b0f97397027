"""How a moment is written for those who read."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.template import Context, Template
from django.utils import translation

from bureau.common.clock import CHINA


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "Nov. 25, 2026, 13:30"), ("zh-hans", "2026年11月25日 13:30")],
)
def test_a_moment_has_the_24_hour_clock_in_both_languages(
    language: str, text: str
) -> None:
    page = Template('{{ at|date:"DATETIME_FORMAT" }} {{ at|time:"TIME_FORMAT" }}')
    at = datetime(2026, 11, 25, 13, 30, tzinfo=CHINA)
    with translation.override(language):
        assert page.render(Context({"at": at})) == f"{text} 13:30"
