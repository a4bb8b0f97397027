"""`POST /vouchers/claim`: before all middleware, and as strict as behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.cache import caches
from django.test import Client

from bureau.accounts.models import User
from bureau.audit.models import Entry
from bureau.common import clock
from tests import make as city
from tests.vouchers import make
from tests.vouchers.claiming import token_of
from vouchers.actions import claims
from vouchers.models import Lot, Round, Voucher
from vouchers.queries.lots import forget_lots

pytestmark = pytest.mark.django_db

JSON = {"HTTP_ACCEPT": "application/json"}
AS_JSON = {"accept": "application/json"}


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> None:
    """Tests follow each other faster than the second that a process remembers."""
    forget_lots()
    claims._gone.seen.clear()
    claims._tries.counts.clear()


def browser(person: User) -> Client:
    """One that would be refused any form without its CSRF token."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(person)
    return client


def key_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def send(client: Client, lot: Lot, token: str, **given: Any) -> Any:
    return client.post(
        "/vouchers/claim",
        f"lot={lot.pk}&turn={token}&nth={given.pop('nth', '')}",
        content_type="application/x-www-form-urlencoded",
        **given,
    )


def tap(client: Client, person: User, lot: Lot, **given: Any) -> Any:
    """The one tap of the waiting room's page."""
    return send(client, lot, token_of(lot, person, holder=key_of(client)), **given)


def test_a_tap_leads_to_the_voucher() -> None:
    lot, person = make.lot(), city.verified()
    answer = tap(browser(person), person, lot, HTTP_USER_AGENT="x")
    voucher = Voucher.objects.get()
    assert answer.status_code == 303
    assert answer["Location"] == f"/vouchers/mine/{voucher.code}/"
    assert answer["Cache-Control"] == "no-store"
    assert voucher.person == person
    assert len(voucher.network) == 16
    noted = Entry.objects.get(event="vouchers.voucher.claimed")
    assert noted.ip == "127.0.0.1"
    assert noted.request_id == answer["X-Request-ID"]


def test_a_script_gets_json() -> None:
    lot, person = make.lot(), city.verified()
    answer = tap(browser(person), person, lot, **JSON)
    voucher = Voucher.objects.get()
    assert answer.status_code == 201
    assert answer.json()["url"] == f"/vouchers/mine/{voucher.code}/"


def test_a_browser_is_known_as_the_same_one_the_next_time() -> None:
    people = [city.verified(), city.verified()]
    lot = make.lot()
    client = browser(people[0])
    tap(client, people[0], lot)
    client.force_login(people[1])
    tap(client, people[1], lot)
    client.force_login(third := city.verified())
    tap(client, third, lot)
    devices = list(Voucher.objects.order_by("pk").values_list("device", flat=True))
    # The first had no name before its first answer.
    assert devices[0] == ""
    assert devices[1] == devices[2] != ""


def test_the_same_tap_twice_is_one_voucher() -> None:
    campaign = make.campaign()
    lot, person = make.lot(make.tier(campaign, per_person=5)), city.verified()
    client = browser(person)
    first = tap(client, person, lot, nth=1)
    again = tap(client, person, lot, nth=1)
    assert first["Location"] == again["Location"]
    assert Voucher.objects.count() == 1


def test_a_stolen_token_is_of_no_use_in_another_session() -> None:
    lot, person, thief = make.lot(), city.verified(), city.verified()
    token = token_of(lot, person, holder=key_of(browser(person)))
    answer = send(browser(thief), lot, token, **JSON)
    assert answer.status_code == 403
    assert answer.json()["code"] == "voucher_turn_forged"
    assert send(Client(), lot, token, **JSON).status_code == 403
    assert not Voucher.objects.exists()


def test_a_token_of_another_round_is_of_no_use() -> None:
    lot, other, person = make.lot(), make.lot(), city.verified()
    client = browser(person)
    answer = send(client, lot, token_of(other, person, holder=key_of(client)), **JSON)
    assert answer.json()["code"] == "voucher_turn_forged"


def test_who_has_signed_out_claims_nothing() -> None:
    lot, person = make.lot(), city.verified()
    client = browser(person)
    key = key_of(client)
    token = token_of(lot, person, holder=key)
    Session.objects.filter(session_key=key).delete()
    assert send(client, lot, token, **JSON).json()["code"] == "voucher_signed_out"
    client = browser(person)
    token = token_of(lot, person, holder=key_of(client))
    User.objects.filter(pk=person.pk).update(is_active=False)
    assert send(client, lot, token, **JSON).json()["code"] == "voucher_signed_out"
    assert not Voucher.objects.exists()


def test_who_has_signed_out_is_not_even_told_what_was_claimed_before() -> None:
    lot, person = make.lot(), city.verified()
    client = browser(person)
    token = token_of(lot, person, holder=key_of(client))
    code = send(client, lot, token, nth=1, **JSON).json()["voucher"]
    Session.objects.filter(session_key=key_of(client)).delete()
    again = send(client, lot, token, nth=1, **JSON)
    assert again.json()["code"] == "voucher_signed_out"
    assert code not in again.text


def test_a_session_that_ran_out_claims_nothing() -> None:
    lot, person = make.lot(), city.verified()
    client = browser(person)
    token = token_of(lot, person, holder=key_of(client))
    Session.objects.update(expire_date=clock.now() - timedelta(seconds=1))
    assert send(client, lot, token, **JSON).json()["code"] == "voucher_signed_out"


def test_a_refusal_leads_back_to_the_round_which_says_why() -> None:
    lot, person = make.lot(amount=0), city.verified()
    answer = tap(browser(person), person, lot)
    assert answer.status_code == 303
    page = f"/vouchers/rounds/{lot.round_id}/?said=voucher_sold_out"
    assert answer["Location"] == page


def test_refusals_are_told_in_the_language_of_the_page() -> None:
    lot, person = make.lot(amount=0), city.verified()
    client = browser(person)
    answer = tap(client, person, lot, **JSON)
    assert answer.status_code == 409
    assert answer.json()["code"] == "voucher_sold_out"
    assert answer.json()["message"]


def test_sold_out_is_remembered_and_looked_at_again() -> None:
    lot, person = make.lot(amount=0), city.verified()
    client = browser(person)
    assert tap(client, person, lot, **JSON).json()["code"] == "voucher_sold_out"
    lot.shards.filter(shard=3).update(remaining=1)
    assert tap(client, person, lot, **JSON).json()["code"] == "voucher_sold_out"
    claims._gone.seen[lot.pk] -= 1
    assert tap(client, person, lot, **JSON).status_code == 201


def test_hammering_brings_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims, "monotonic", lambda: 1000.0)  # one window, not two
    lot, person = make.lot(amount=0), city.verified()
    client = browser(person)
    answers = [tap(client, person, lot, **JSON).json()["code"] for _n in range(12)]
    assert "voucher_too_many_tries" in answers


def test_before_the_opening_the_page_is_told_when() -> None:
    lot, person = make.lot(), city.verified()
    client = browser(person)
    token = token_of(lot, person, holder=key_of(client))
    later = clock.now() + timedelta(seconds=30)
    Round.objects.update(opens_at=later)
    forget_lots()
    answer = send(client, lot, token, **JSON)
    assert answer.json()["code"] == "voucher_round_not_open"


@pytest.mark.parametrize(
    "body",
    [
        "",
        "lot=&turn=",
        "lot=x&turn=y",
        "lot=-1&turn=1.1.1.1",
        "lot=99999999999999999999&turn=1",
        "lot=0",
        "lot=1&lot=2&turn=%00",
        "%ff%fe=1",
        "&".join(f"a{n}=1" for n in range(50)),
    ],
)
def test_what_no_page_of_ours_sends_is_refused(body: str) -> None:
    client = browser(city.verified())
    answer = client.post(
        "/vouchers/claim", body, content_type="application/x-www-form-urlencoded"
    )
    assert answer.status_code in (303, 400)
    assert not Voucher.objects.exists()


def test_a_form_with_files_and_a_large_body_are_read_with_care() -> None:
    lot, person = make.lot(), city.verified()
    client = browser(person)
    token = token_of(lot, person, holder=key_of(client))
    answer = client.post(
        "/vouchers/claim", {"lot": lot.pk, "turn": token}, headers=AS_JSON
    )
    assert answer.status_code == 201  # multipart, as FormData sends it
    answer = client.post("/vouchers/claim", {"lot": "1" * 10_000}, headers=AS_JSON)
    assert answer.status_code < 500


def test_without_redis_claims_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    lot, person = make.lot(), city.verified()
    client = browser(person)
    token = token_of(lot, person, holder=key_of(client))

    def gone(*_args: Any, **_given: Any) -> None:
        raise AssertionError("a claim asks Redis nothing")

    for name in ("get", "set", "add", "incr", "delete"):
        monkeypatch.setattr(type(caches["default"]), name, gone)
    assert send(client, lot, token, **JSON).status_code == 201


def test_a_claim_is_one_question(django_assert_num_queries: Any) -> None:
    lot, person = make.lot(), city.verified()
    client = browser(person)
    token = token_of(lot, person, holder=key_of(client))
    other = browser(city.verified())
    send(other, lot, "x")  # the lot is remembered, the statement is not prepared
    with django_assert_num_queries(0):
        send(other, lot, "x")
    assert send(client, lot, token, **JSON).status_code == 201
    second = city.verified()
    client = browser(second)
    token = token_of(lot, second, holder=key_of(client))
    with django_assert_num_queries(3):  # a savepoint of the test's transaction
        assert send(client, lot, token, **JSON).status_code == 201


@pytest.mark.parametrize("behind_tls", [True, False])
def test_the_browsers_name_is_kept_from_scripts_and_other_sites(
    settings: Any, *, behind_tls: bool
) -> None:
    settings.BEHIND_TLS = behind_tls
    lot, person = make.lot(), city.verified()
    said = tap(browser(person), person, lot).cookies["device"].OutputString()
    fields = set(said.split("; ")[1:])
    assert fields == {"HttpOnly", "Max-Age=31536000", "Path=/", "SameSite=Lax"} | (
        {"Secure"} if behind_tls else set()
    )
