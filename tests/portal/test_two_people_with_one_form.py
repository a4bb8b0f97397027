"""Who saves second does not undo, unseen, what the first has done."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from threading import Barrier

import pytest
from django.contrib.admin import site
from django.db import connection
from django.template.response import TemplateResponse
from django.test import Client, RequestFactory
from django.urls import reverse

from bureau.accounts.models import User
from bureau.common import clock
from tests import make
from venues import actions
from venues.models import Bookable, Quota, Venue, WeeklyHours

pytestmark = pytest.mark.django_db

TOLD = "This has changed since you opened the page"


class Fields(HTMLParser):
    """What a browser would send of the form on a page, as it is."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.given: dict[str, str] = {}
        self._select = self._text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        one = {name: value or "" for name, value in attrs}
        name, kind = one.get("name", ""), one.get("type", "text")
        if tag == "input" and name and kind not in ("submit", "file", "image"):
            if kind not in ("checkbox", "radio") or "checked" in one:
                self.given[name] = one.get("value", "on" if kind == "checkbox" else "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in one:
            self.given[self._select] = one.get("value", "")
        elif tag == "textarea" and name:
            self._text, self.given[name] = name, ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._text = ""

    def handle_data(self, data: str) -> None:
        if self._text:
            self.given[self._text] += data.removeprefix("\n")


def opened(client: Client, address: str) -> dict[str, str]:
    answer = client.get(address)
    assert answer.status_code == 200
    return Fields(answer.text).given


def someone() -> Client:
    client = Client()
    client.force_login(make.user(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def first() -> Client:
    return someone()


@pytest.fixture
def second() -> Client:
    return someone()


def page(name: str, *args: int) -> str:
    return reverse(f"admin:{name}", args=args)


def test_a_court_that_was_saved_meanwhile_is_refused_with_what_it_says_now(
    first: Client, second: Client
) -> None:
    court = make.bookable(name="Court 1", is_open=True)
    address = page("venues_bookable_change", court.pk)
    mine, theirs = opened(first, address), opened(second, address)

    saved = first.post(address, mine | {"name": "Court A", "sport": "tennis"})
    assert saved.status_code == 302, saved.text
    refused = second.post(address, theirs | {"position": "7"})

    assert refused.status_code == 200
    assert TOLD in refused.text
    assert "Saved is: Court A" in refused.text
    assert "saved is: tennis" in refused.text.lower()
    court.refresh_from_db()
    assert (court.name, court.sport) == ("Court A", "tennis")
    assert court.position != 7


def test_a_row_that_is_saved_while_its_page_is_being_made_is_not_undone() -> None:
    court = make.bookable(name="Court 1")
    reader = make.user(is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(reader)
    address = page("venues_bookable_change", court.pk)
    request = RequestFactory().get(address)
    request.user, request.session = reader, client.session
    table = site.get_model_admin(Bookable)
    half_made = table.change_view(request, str(court.pk))
    assert isinstance(half_made, TemplateResponse)
    Bookable.objects.filter(pk=court.pk).update(name="Court A")
    shown = Fields(half_made.render().text).given

    sent = client.post(address, shown | {"position": "7"})

    court.refresh_from_db()
    assert court.name == "Court A"
    assert TOLD in sent.text or sent.status_code == 302


def test_what_a_form_does_not_show_refuses_nothing(
    first: Client, second: Client
) -> None:
    """A person chooses another language while staff look at the account."""
    person = make.citizen()
    address = page("accounts_user_change", person.pk)
    mine = opened(first, address)
    User.objects.filter(pk=person.pk).update(language="en", masked_name="李*")

    saved = first.post(address, mine)

    assert TOLD not in saved.text
    assert saved.status_code == 302


def test_who_opens_the_page_again_saves(first: Client, second: Client) -> None:
    court = make.bookable(name="Court 1")
    address = page("venues_bookable_change", court.pk)
    opened(second, address)
    first.post(address, opened(first, address) | {"name": "Court A"})

    again = opened(second, address)
    assert second.post(address, again | {"position": "7"}).status_code == 302

    court.refresh_from_db()
    assert (court.name, court.position) == ("Court A", 7)


def test_who_sends_twice_what_they_read_once_is_told(first: Client) -> None:
    court = make.bookable(name="Court 1")
    address = page("venues_bookable_change", court.pk)
    mine = opened(first, address)

    assert first.post(address, mine | {"name": "Court A"}).status_code == 302
    assert TOLD in first.post(address, mine | {"name": "Court B"}).text


def test_a_venue_is_saved_while_its_rows_inside_are_as_they_were_read(
    first: Client, second: Client
) -> None:
    court = make.bookable()
    address = page("venues_venue_change", court.venue.pk)
    mine, theirs = opened(first, address), opened(second, address)
    units = [name for name in mine if name.startswith("units-") and "-name" in name]
    assert units

    saved = first.post(address, mine | {units[0]: "Renamed"})
    assert saved.status_code == 302, Fields(saved.text).given
    refused = second.post(address, theirs | {"phone": "0537-2345678"})

    assert TOLD in refused.text
    assert "Units" in refused.text
    assert Venue.objects.get(pk=court.venue.pk).phone != "0537-2345678"


def test_the_roles_of_a_person_are_part_of_what_was_read(
    first: Client, second: Client
) -> None:
    person = make.user(is_staff=True)
    address = page("accounts_user_change", person.pk)
    theirs = opened(second, address)
    User.objects.filter(pk=person.pk).update(is_active=False)

    refused = second.post(address, theirs)

    assert TOLD in refused.text
    assert not User.objects.get(pk=person.pk).is_active


def test_hours_that_were_set_meanwhile_are_not_written_over(
    first: Client, second: Client
) -> None:
    court = make.bookable()
    address = page("venues_venue_weekly_hours", court.venue.pk)
    mine, theirs = opened(first, address), opened(second, address)

    assert first.post(address, mine | {"day1": "10:00-12:00"}).status_code == 302
    refused = second.post(address, theirs | {"day2": "07:00-09:00"})

    assert TOLD in refused.text
    monday = WeeklyHours.objects.filter(venue=court.venue, weekday=1)
    assert set(monday.in_force_on(clock.today()).values_list("opens")) == {(600,)}


def test_hours_by_type_of_day_are_as_careful(first: Client, second: Client) -> None:
    court = make.bookable()
    address = page("venues_venue_day_type_hours", court.venue.pk)
    mine, theirs = opened(first, address), opened(second, address)
    kinds = [name for name in mine if name not in ("seen", "from_on")]

    first_kind = next(name for name in kinds if "holiday" in name)
    assert first.post(address, mine | {first_kind: "10:00-12:00"}).status_code == 302
    assert TOLD in second.post(address, theirs | {first_kind: ""}).text


def test_a_program_that_has_read_no_page_says_what_it_wants(first: Client) -> None:
    quota = a_quota(make.bookable())
    address = page("venues_quota_change", quota.pk)

    saved = first.post(address, {"most_minutes": "90", "most_bookings": "2"})

    assert saved.status_code == 302
    assert Quota.objects.get(pk=quota.pk).most_minutes == 90


def a_quota(court: Bookable) -> Quota:
    return actions.set_quota(
        venue=court.venue,
        sport="",
        group="",
        per="day",
        most_minutes=60,
        most_bookings=1,
        by=make.user(is_staff=True, is_superuser=True),
    )


def save_at_once(forms: list[dict[str, str]], address: str) -> list[int]:
    """Two people press the button in the same moment."""
    together = Barrier(len(forms), timeout=20)
    people = [someone() for _form in forms]

    def press(person: Client, form: dict[str, str]) -> int:
        try:
            together.wait()
            return person.post(address, form).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(len(forms)) as pool:
        return list(pool.map(press, people, forms))


@pytest.mark.django_db(transaction=True)
def test_of_two_that_save_in_the_same_moment_one_is_told() -> None:
    quota = a_quota(make.bookable())
    address = page("venues_quota_change", quota.pk)
    read = opened(someone(), address)
    forms = [read | {"most_minutes": minutes} for minutes in ("90", "120")]

    assert sorted(save_at_once(forms, address)) == [200, 302]


@pytest.mark.django_db(transaction=True)
def test_without_the_mark_both_are_saved() -> None:
    """The control: it is the mark that tells the second."""
    quota = a_quota(make.bookable())
    address = page("venues_quota_change", quota.pk)
    read = opened(someone(), address)
    assert read.pop("seen")
    forms = [read | {"most_minutes": minutes} for minutes in ("90", "120")]

    assert sorted(save_at_once(forms, address)) == [302, 302]
