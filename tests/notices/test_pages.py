from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from bureau.accounts.models import User
from bureau.common import clock
from bureau.notices import actions
from bureau.notices.models import Mute, Notice

pytestmark = pytest.mark.django_db


def tell(recipient: User, kind: str = "tests.plain", **more: Any) -> Notice:
    return actions.notify(
        recipient=recipient,
        kind=kind,
        context={"name": "<i>Li</i>", "starts_at": "", "day_on": "", **more},
        subject=None,
        at=clock.now(),
    )


@pytest.fixture
def page(client: Client, reader: User) -> Client:
    client.force_login(reader)
    return client


def test_a_visitor_is_asked_to_sign_in(client: Client, db: None) -> None:
    assert client.get("/notices/").status_code == 302
    assert client.get("/notices/preferences/").status_code == 302


def test_an_empty_inbox_says_so(page: Client) -> None:
    text = page.get("/notices/").content.decode()
    assert "No messages yet" in text
    assert 'href="/venues/"' in text
    assert "0 messages" not in text


def test_the_inbox_shows_ones_own_messages_escaped(
    page: Client, reader: User, stranger: User
) -> None:
    tell(reader)
    tell(stranger, name="secret")
    text = page.get("/notices/").content.decode()
    assert "Hello &lt;i&gt;Li&lt;/i&gt;" in text
    assert "secret" not in text
    assert "1 message is unread." in text


def test_the_inbox_has_a_constant_number_of_queries(
    page: Client, reader: User, django_assert_max_num_queries: Any
) -> None:
    for _number in range(30):
        tell(reader)
    page.get("/notices/")
    with django_assert_max_num_queries(8):
        answer = page.get("/notices/")
    assert len(answer.context["letters"]) == 20


def test_reading_opens_what_it_is_about(page: Client, reader: User) -> None:
    notice = tell(reader, url="/me/")
    answer = page.post(f"/notices/{notice.pk}/read/")
    assert answer["Location"] == "/me/"
    notice.refresh_from_db()
    assert notice.is_read


@pytest.mark.parametrize("url", ["//evil.example/", "https://evil.example/", ""])
def test_a_foreign_address_is_not_followed(
    page: Client, reader: User, url: str
) -> None:
    notice = tell(reader, url=url)
    assert page.post(f"/notices/{notice.pk}/read/")["Location"] == "/notices/"


def test_a_strangers_message_is_not_there(page: Client, stranger: User) -> None:
    notice = tell(stranger)
    assert page.post(f"/notices/{notice.pk}/read/").status_code == 404


def test_looking_does_not_mark_as_read(page: Client, reader: User) -> None:
    notice = tell(reader)
    page.get("/notices/")
    assert page.get(f"/notices/{notice.pk}/read/").status_code == 405
    assert Notice.objects.unread().count() == 1


def test_all_can_be_marked_as_read(page: Client, reader: User, stranger: User) -> None:
    tell(reader)
    tell(stranger)
    page.post("/notices/read/")
    assert Notice.objects.unread().count() == 1


def test_a_message_of_an_app_that_is_gone_stays_readable(
    page: Client, reader: User
) -> None:
    Notice.objects.create(recipient=reader, kind="gone.kind", created_at=clock.now())
    assert "gone.kind" in page.get("/notices/").content.decode()


@pytest.mark.parametrize("number", ["0", "x", "1000000000"])
def test_a_page_that_does_not_exist_is_a_404(page: Client, number: str) -> None:
    assert page.get("/notices/", {"page": number}).status_code == 404


def test_preferences_keep_what_was_ticked(page: Client, reader: User) -> None:
    shown = page.get("/notices/preferences/")
    assert "tests.plain:sms" in shown.content.decode()
    assert "tests.vital:sms" not in shown.context["form"].fields

    page.post("/notices/preferences/", {"tests.plain:email": "on"})
    mutes = Mute.objects.of(reader).values_list("kind", "channel")
    assert ("tests.plain", "sms") in mutes
    assert ("tests.plain", "email") not in mutes

    fields = shown.context["form"].fields
    page.post("/notices/preferences/", dict.fromkeys(fields, "on"))
    assert not Mute.objects.of(reader).exists()


def test_no_tick_at_all_mutes_everything_that_may_be(
    page: Client, reader: User
) -> None:
    page.post("/notices/preferences/", {})
    muted = set(Mute.objects.of(reader).values_list("kind", flat=True))
    assert "tests.plain" in muted
    assert "tests.vital" not in muted


def test_the_api_lists_and_marks(api: APIClient, reader: User, stranger: User) -> None:
    first, second = tell(reader), tell(reader)
    foreign = tell(stranger)
    api.force_authenticate(reader)

    rows = api.get("/api/v1/notices/").json()["results"]
    assert [row["id"] for row in rows] == [second.pk, first.pk]
    assert rows[0]["subject"] == "Hello <i>Li</i>"

    told = api.post(
        "/api/v1/notices/read/", {"ids": [first.pk, foreign.pk]}, format="json"
    ).json()
    assert told == {"marked": 1, "unread": 1}
    told = api.post("/api/v1/notices/read/", {}, format="json").json()
    assert told == {"marked": 1, "unread": 0}
    foreign.refresh_from_db()
    assert not foreign.is_read


@pytest.mark.parametrize("ids", ["x", [-1], ["a"], [2**70], {"a": 1}])
def test_senseless_ids_are_refused(api: APIClient, reader: User, ids: Any) -> None:
    api.force_authenticate(reader)
    answer = api.post("/api/v1/notices/read/", {"ids": ids}, format="json")
    assert answer.status_code == 400
    assert answer.json()["code"] == "invalid"


def test_the_api_is_for_people_who_are_signed_in(api: APIClient, db: None) -> None:
    assert api.get("/api/v1/notices/").status_code == 401
