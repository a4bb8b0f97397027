"""`{% component %}`: the same part is drawn once, and nobody can tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.template import engines
from django.template.loader import get_template, render_to_string
from django.utils import translation
from django.utils.safestring import mark_safe

from bureau.common.templatetags import components
from bureau.portal.context import Tab

EVIL = "<b>now</b>"
TABS = (Tab("/", "Home", "home", "page"), Tab("/notices/", "Messages", "bell", "", 3))


@pytest.fixture(autouse=True)
def nothing_drawn() -> Iterator[None]:
    components._drawn.cache_clear()
    yield
    components._drawn.cache_clear()


def drawn(source: str, **context: Any) -> str:
    return engines["django"].from_string(source).render(context)


@pytest.mark.parametrize(
    ("part", "takes"),
    [
        ("icon", {"name": "pin"}),
        ("icon", {"name": "pin", "size": "s"}),
        ("tabbar", {"tabs": TABS}),
        ("mainnav", {"tabs": TABS}),
    ],
)
def test_it_draws_what_an_include_would(part: str, takes: dict[str, Any]) -> None:
    expected = render_to_string(f"components/{part}.html", takes)
    given = " ".join(f"{name}={name}" for name in takes)

    for _time in range(2):
        assert drawn(f'{{% component "{part}" {given} %}}', **takes) == expected


def test_the_same_part_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def noted(name: str) -> Any:
        asked.append(name)
        return get_template(name)

    monkeypatch.setattr(components, "get_template", noted)

    drawn('{% component "icon" name="pin" %}{% component "icon" name="pin" %}')
    drawn('{% component "icon" name="pin" %}{% component "icon" name="bell" %}')

    assert asked == ["components/icon.html"] * 2


def test_each_language_has_its_own() -> None:
    source = '{% component "tabbar" tabs=tabs %}'

    english = drawn(source, tabs=TABS)
    with translation.override("zh-hans"):
        chinese = drawn(source, tabs=TABS)

    assert "unread" in english
    assert "unread" not in chinese
    assert "未读" in chinese


@pytest.mark.parametrize("safe_first", [True, False])
def test_words_that_are_safe_do_not_vouch_for_others(safe_first: bool) -> None:  # noqa: FBT001
    """Both are equal for Python; one of them was typed in by somebody."""
    source = '{% component "icon" name=name %}'
    safe, typed = mark_safe(EVIL), str(EVIL)  # noqa: S308

    pages = {
        words.__class__: drawn(source, name=words)
        for words in ([safe, typed] if safe_first else [typed, safe])
    }

    assert EVIL in pages[safe.__class__]
    assert EVIL not in pages[str]
    assert "&lt;b&gt;" in pages[str]


def test_a_developer_sees_what_she_changes(settings: Any) -> None:
    settings.DEBUG = True

    drawn('{% component "icon" name="pin" %}')

    assert components._drawn.cache_info().currsize == 0


def test_a_part_sees_nothing_but_what_it_takes() -> None:
    """A page's own `size` is none of the icon's."""
    page = drawn('{% component "icon" name="pin" %}', size="l")

    assert "icon--l" not in page
