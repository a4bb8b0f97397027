"""A person's vouchers: what can be used, what was used, and the code at the counter."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from bureau.common import clock, codes
from tests import make as city
from tests.vouchers import make
from vouchers.models import Voucher
from vouchers.queries.wallet import state_at

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def test_the_next_to_expire_comes_first_and_sums_are_told(client: Client) -> None:
    person = city.verified()
    lot = make.lot(make.tier(per_person=9))
    now = clock.now()
    late = make.voucher(lot, person=person)
    soon = make.voucher(lot, person=person, expires_at=now + DAY)
    used = make.redemption(make.voucher(lot, person=person)).voucher
    gone = make.voucher(
        lot, person=person, claimed_at=now - 2 * DAY, expires_at=now - DAY
    )
    other = make.voucher(lot)
    client.force_login(person)

    text = client.get("/vouchers/mine/").content.decode()
    assert text.index(soon.get_absolute_url()) < text.index(late.get_absolute_url())
    for hidden in (used, gone, other):
        assert hidden.get_absolute_url() not in text
    assert "¥400" in text  # two live ones
    assert "¥200" in text  # one used

    text = client.get("/vouchers/mine/?show=used").content.decode()
    assert used.get_absolute_url() in text
    assert used.redemptions.get().shop.name in text
    text = client.get("/vouchers/mine/?show=ended").content.decode()
    assert gone.get_absolute_url() in text


def test_a_wallet_is_of_who_is_signed_in(client: Client) -> None:
    answer = client.get("/vouchers/mine/")
    assert answer.status_code == 302
    assert "next=/vouchers/mine/" in answer["Location"]


def test_an_empty_wallet_says_where_vouchers_come_from(client: Client) -> None:
    client.force_login(city.citizen())
    assert "See what is given out" in client.get("/vouchers/mine/").content.decode()


def test_the_code_of_a_voucher_lives_for_half_a_minute(client: Client) -> None:
    voucher = make.voucher()
    client.force_login(voucher.person)
    with time_machine.travel(clock.now(), tick=False) as travel:
        text = client.get(voucher.get_absolute_url()).content.decode()
        now = client.get(f"{voucher.get_absolute_url()}now.json").json()
        assert now["digits"] in text
        typed = codes.parse(f"{voucher.code} {now['digits']}", kind="v")
        assert typed
        assert codes.is_live(typed.code, typed.proof, key=voucher.key, at=clock.now())
        picture = client.get(f"{voucher.get_absolute_url()}qr.svg")
        assert picture["Content-Type"] == "image/svg+xml"
        assert "no-store" in picture["Cache-Control"]
        travel.shift(timedelta(seconds=61))
        assert not codes.is_live(
            typed.code, typed.proof, key=voucher.key, at=clock.now()
        )
        later = client.get(f"{voucher.get_absolute_url()}now.json").json()
        assert later["digits"] != now["digits"]


def test_other_peoples_vouchers_are_not_there(client: Client) -> None:
    voucher = make.voucher()
    client.force_login(city.verified())
    for name in ("", "qr.svg", "now.json"):
        answer = client.get(f"{voucher.get_absolute_url()}{name}")
        assert answer.status_code == 404


def test_a_used_voucher_shows_where_and_no_code(client: Client) -> None:
    used = make.redemption(bill_fen=680_00)
    client.force_login(used.voucher.person)
    address = used.voucher.get_absolute_url()
    text = client.get(address).content.decode()
    assert used.shop.name in text
    assert "¥480" in text
    assert "qr.svg" not in text
    assert client.get(f"{address}now.json").json() == {"over": True}
    assert client.get(f"{address}qr.svg").status_code == 404


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"state": "expired"}, "It expired on"),
        ({"state": "lost"}, "You were refunded after using it"),
        ({"state": "void"}, "The bureau has cancelled this voucher."),
    ],
)
def test_a_voucher_that_cannot_be_used_says_why(
    client: Client, given: dict[str, Any], words: str
) -> None:
    voucher = make.voucher(**given)
    client.force_login(voucher.person)
    text = client.get(voucher.get_absolute_url()).content.decode()
    assert words in text
    assert "qr.svg" not in text


def test_a_voucher_of_a_later_day_says_from_when(client: Client) -> None:
    voucher = make.voucher(usable_from=clock.now() + DAY)
    client.force_login(voucher.person)
    text = client.get(voucher.get_absolute_url()).text
    assert "You can use it from" in text
    assert "qr.svg" not in text


def test_past_its_last_moment_it_is_expired_before_the_sweep_comes() -> None:
    voucher = make.voucher()
    moment = voucher.expires_at
    assert state_at(voucher, moment - timedelta(seconds=1)) == Voucher.State.LIVE
    assert state_at(voucher, moment) == Voucher.State.EXPIRED
    live = Voucher.objects.live_at(moment)
    ended = Voucher.objects.ended_at(moment)
    assert voucher not in live
    assert voucher in ended


def test_a_scanned_code_opens_ones_own_voucher_and_nobody_elses(client: Client) -> None:
    voucher = make.voucher()
    address = f"/v/{voucher.code}?k=0123456789"
    stranger = client.get(address)
    unknown = client.get("/v/0123456789AB?k=0123456789")
    assert stranger.status_code == unknown.status_code == 404
    assert "Show this at a counter" in stranger.content.decode()
    mark = len(unknown.content) - len(stranger.content)
    assert abs(mark) < 20  # the same page, but for the address that comes back

    client.force_login(city.verified())
    assert client.get(address).status_code == 404
    client.force_login(voucher.person)
    assert client.get(address)["Location"] == voucher.get_absolute_url()


def test_daily_hours_are_told(client: Client) -> None:
    tier = make.tier(make.campaign(terms={"redeems_from": 600, "redeems_until": 1320}))
    voucher = make.voucher(make.lot(tier))
    client.force_login(voucher.person)
    with time_machine.travel(clock.at(clock.today(), 12 * 60) + DAY, tick=False):
        text = client.get(voucher.get_absolute_url()).content.decode()
        assert "each day 10:00–22:00" in text
        assert "Counters take it" not in text
    with time_machine.travel(clock.at(clock.today(), 23 * 60) + DAY, tick=False):
        text = client.get(voucher.get_absolute_url()).content.decode()
        assert "Counters take it each day 10:00–22:00." in text
