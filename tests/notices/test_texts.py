"""What a message says about times, in each of its texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from bureau.common import clock
from bureau.notices.models import Notice

TEXTS = sorted(Path(settings.BASE_DIR, "templates/notices").glob("*/*.txt"))
UNTIL = "2026-11-24T04:00:00+00:00"
FACTS = {
    "number": "N1",
    "venue": "Hall",
    "total": "40",
    "points": "1",
    "link": "",
    "starts_at": "2026-11-20T04:00:00+00:00",
    "until": UNTIL,
    "appeal_until": UNTIL,
}


@pytest.mark.parametrize("text", TEXTS, ids=lambda one: f"{one.parent.name}/{one.stem}")
def test_every_time_has_a_name_by_which_it_is_read_back(text: Path) -> None:
    """A context is JSON: what is not read back as a moment would be left out."""
    dated = re.findall(r"(\w+)\|date", text.read_text("utf-8"))

    assert [name for name in dated if not name.endswith(("_at", "_on", "until"))] == []


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("venues.slot_offered", "held for you until 12:00."),
        ("venues.pay_link", "for you until 12:00."),
        ("venues.ballot_won", "held for you until 2026-11-24 12:00."),
        ("venues.banned", "until 2026-11-24 12:00"),
    ],
)
@pytest.mark.parametrize("name", ["body", "sms"])
def test_who_has_to_act_in_time_reads_until_when(
    kind: str, words: str, name: str
) -> None:
    notice = Notice(kind=kind, context=FACTS)

    assert words in notice.text(name)


@pytest.mark.parametrize("kind", ["venues.no_show", "venues.late_cancel"])
def test_who_may_appeal_reads_until_when(kind: str) -> None:
    notice = Notice(kind=kind, context=FACTS)

    assert "appeal until 2026-11-24 12:00" in notice.text("body")


def test_a_time_in_words_stays_as_it_is() -> None:
    words = clock.at_text(clock.at(clock.today(), 720))

    assert Notice(kind="", context={"until": words}).values["until"] == words
