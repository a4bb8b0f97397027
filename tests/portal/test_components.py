from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.core.paginator import Paginator
from django.http import Http404
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.utils import translation

from bureau.common import clock
from bureau.common.pagination import page_of
from bureau.common.templatetags.bureau import (
    amount,
    court_image,
    day_name,
    distance,
    yuan,
)
from bureau.portal.forms import SampleForm
from venues.models import Venue


def component(name: str, /, **takes: Any) -> str:
    request = RequestFactory().get("/venues/", {"sport": "tennis", "page": "2"})
    return render_to_string(f"components/{name}.html", takes, request)


@pytest.mark.parametrize(
    ("fen", "text"), [(0, "Free"), (4500, "¥45"), (4550, "¥45.50"), (-500, "-¥5")]
)
def test_money_is_written_in_yuan(fen: int, text: str) -> None:
    assert yuan(fen) == text


def test_a_sum_of_nothing_is_not_called_free() -> None:
    assert amount(0) == "¥0"


@pytest.mark.parametrize(
    ("metres", "text"),
    [(0, "0 m"), (346, "350 m"), (996, "1.0 km"), (1234, "1.2 km")],
)
def test_a_distance_is_written_as_people_say_it(metres: float, text: str) -> None:
    assert distance(metres) == text


def test_a_near_day_is_called_by_its_name() -> None:
    today = clock.today()

    assert day_name(today) == "Today"
    assert day_name(today.fromordinal(today.toordinal() + 1)) == "Tomorrow"
    assert day_name(today.fromordinal(today.toordinal() + 7)) not in {
        "Today",
        "Tomorrow",
    }


@pytest.mark.parametrize("sports", [["badminton", "tennis"], [], ["unheard-of"]])
def test_every_venue_has_a_drawing(sports: list[str]) -> None:
    assert court_image(sports).startswith("img/court-")


def test_a_wrong_field_is_wired_to_its_error() -> None:
    form = SampleForm({"phone": "1380000"})

    text = str(form)

    assert 'aria-invalid="true"' in text
    assert 'id="id_phone_error"' in text
    assert 'aria-describedby="id_phone_error"' in text
    assert "A mobile number has 11 digits." in text


def test_a_hint_is_wired_to_its_field() -> None:
    text = str(SampleForm())

    assert 'id="id_name_helptext"' in text
    assert 'aria-describedby="id_name_helptext"' in text


def test_every_control_has_a_label() -> None:
    text = str(SampleForm())

    for name in ("name", "phone", "sport", "note", "agree"):
        assert f'for="id_{name}"' in text
    assert "<legend" in text


def test_what_a_person_typed_is_escaped() -> None:
    text = str(SampleForm({"name": '"><script>alert(1)</script>'}))

    assert "<script>" not in text


def test_an_optional_field_says_so() -> None:
    class Form(forms.Form):
        note = forms.CharField(required=False)

    assert "(optional)" in str(Form())


def test_pages_keep_the_other_filters() -> None:
    text = component("pagination", page=Paginator(range(50), 10).page(2))

    assert "?sport=tennis&amp;page=3" in text
    assert "?sport=tennis&amp;page=1" in text
    assert "Page 2 of 5" in text


def test_one_page_needs_no_pagination() -> None:
    assert "<nav" not in component("pagination", page=Paginator([1], 10).page(1))


@pytest.mark.django_db
@pytest.mark.parametrize("page", ["0", "-1", "2", str(10**9), "9" * 5000, "x", "1.5"])
def test_a_page_that_does_not_exist_is_not_found(page: str) -> None:
    request = RequestFactory().get("/", {"page": page})

    with pytest.raises(Http404):
        page_of(Venue.objects.by_district(), request, per_page=20)


def test_an_icon_says_nothing_by_itself() -> None:
    text = component("icon", name="pin")

    assert 'aria-hidden="true"' in text
    assert "sprite.svg#pin" in text


def test_a_button_with_an_address_is_a_link() -> None:
    assert '<a class="button button--primary" href="/x/">' in component(
        "button", text="Go", href="/x/", kind="primary"
    )
    assert '<button type="submit"' in component("button", text="Go")


def test_steps_tell_where_one_is() -> None:
    text = component("steps", steps=["Choose", "Pay", "Play"], current=2)

    assert text.count('aria-current="step"') == 1
    assert text.count("steps__item--done") == 1


def test_slot_words_speak_chinese() -> None:
    with translation.override("zh-hans"):
        text = component("slot_words", max=3)

    assert 'data-slot-max="3"' in text
    assert "{n}" in text
