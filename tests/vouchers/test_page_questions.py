"""A page asks no more of the database for many kinds of vouchers than for one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests import make as city
from tests.vouchers import make
from tests.vouchers.claiming import another_lot, lot_under
from vouchers import actions, queries
from vouchers.models import Lot
from vouchers.queries import live
from vouchers.queries.eligibility import reasons_by_lot
from vouchers.queries.lots import forget_lots

pytestmark = pytest.mark.django_db


def questions(client: Client, address: str) -> int:
    """When nothing is remembered but the statements themselves."""
    client.get(address)
    live.forget()
    forget_lots()
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(address).status_code == 200
    return len(asked)


def someone(lot: Lot) -> Client:
    """In the waiting room; it is their turn."""
    client, person = Client(), city.verified()
    client.force_login(person)
    actions.join_queue(round=lot.round, by=person)
    return client


def with_more(lot: Lot) -> Lot:
    for yuan in (10, 20, 400):
        another_lot(lot, face_fen=yuan * 100)
    return lot


def test_a_round_of_four_kinds_asks_as_much_as_one_of_one_kind() -> None:
    one, four = lot_under(), with_more(lot_under())
    asked = [
        questions(someone(lot), lot.round.get_absolute_url()) for lot in (one, four)
    ]
    assert asked[0] == asked[1]


def test_a_campaign_of_many_rounds_and_kinds_asks_as_much_as_a_small_one() -> None:
    small, large = lot_under(), with_more(lot_under())
    for days in range(1, 6):
        opens_at = large.round.opens_at + timedelta(days=days)
        later = make.round_of(large.tier.campaign, opens_at=opens_at)
        for tier in large.tier.campaign.tiers.order_by("pk"):
            make.lot(tier, amount=5, round=later)
    asked = [
        questions(someone(lot), lot.tier.campaign.get_absolute_url())
        for lot in (small, large)
    ]
    assert asked[0] == asked[1]


def test_what_is_said_of_all_lots_at_once_is_what_is_said_of_each() -> None:
    lot = with_more(lot_under(per_person=1, one_tier_each=True))
    other = Lot.objects.exclude(pk=lot.pk).order_by("pk")[0]
    person = city.verified()
    voucher = make.voucher(other, person=person)
    forget_lots()
    at = voucher.claimed_at
    lots = [one.pk for one in lot.round.lots.order_by("pk")]
    said = {
        pk: [reason.code for reason in reasons]
        for pk, reasons in reasons_by_lot(person, lots, at).items()
    }
    assert said == {
        one.pk: [
            reason.code for reason in queries.why_not(person, lot.round, at, lot=one)
        ]
        for one in lot.round.lots.all()
    }
    assert said[other.pk] == []
    assert said[lot.pk] == ["other_tier"]
    assert queries.why_not(person, lot.round, at) == []


def test_rules_published_within_the_second_count_at_once() -> None:
    lot, person = lot_under(), city.verified()
    assert queries.why_not(person, lot.round, lot.round.opens_at) == []
    old = make.terms_of(lot.tier.campaign)
    old.pk, old.version, old.published_at, old.least_age = None, 2, None, 99
    old.reason = "老年人专场"
    old.save()
    old.published_at = lot.round.opens_at
    old.save()
    (reason,) = queries.why_not(person, lot.round, lot.round.opens_at)
    assert reason.code == "too_young"
