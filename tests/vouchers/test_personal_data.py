"""The rights of a person over what is held about their vouchers."""

from __future__ import annotations

import json

import pytest

from bureau.accounts.actions import delete_account
from bureau.common.personal_data import Holder, holders
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from vouchers.models import QueueTicket, Voucher
from vouchers.queries import balances_of

pytestmark = pytest.mark.django_db


def holder() -> Holder:
    return next(one for one in holders() if one.name == "vouchers")


def test_a_person_takes_away_a_copy_of_their_own_vouchers() -> None:
    used = make.redemption(bill_fen=700_00)
    make.voucher(used.voucher.lot)
    person = used.voucher.person
    QueueTicket.objects.create(
        round=used.voucher.lot.round,
        person=person,
        place=7,
        joined_at=used.redeemed_at,
        district=city.district(name="任城区"),
    )
    copy = json.loads(json.dumps(holder().export(person)))
    (voucher,) = copy["vouchers"]
    assert voucher["code"] == used.voucher.code
    assert voucher["used"][0]["bill_fen"] == 700_00
    assert voucher["used"][0]["shop"] == used.shop.name
    (ticket,) = copy["waiting_rooms"]
    assert ticket["district"] == "任城区"


def test_who_deletes_the_account_gives_up_what_is_not_used() -> None:
    person = city.verified()
    lot = make.lot(make.tier(per_person=2))
    used = make.redemption(make.voucher(lot, person=person)).voucher
    live = make.voucher(lot, person=person)
    ticket = QueueTicket.objects.create(
        round=lot.round,
        person=person,
        place=7,
        joined_at=live.claimed_at,
        district=city.district(),
    )

    delete_account(by=person)

    live.refresh_from_db()
    used.refresh_from_db()
    ticket.refresh_from_db()
    assert live.state == Voucher.State.VOID
    assert used.state == Voucher.State.REDEEMED
    assert ticket.district is None
    balances = balances_of(lot.tier.campaign)
    assert sum(balances.live.values()) == 0
    assert balances.total == balances.appropriated
    assert broken_promises(of="vouchers") == []
