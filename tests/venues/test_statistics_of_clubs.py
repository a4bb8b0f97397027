"""What clubs pay by bank is revenue too, to the fen, on the page and on paper."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook  # type: ignore[import-untyped]

from bureau.common import clock
from bureau.payments.models import Payment, Refund
from tests import make
from tests.venues.actions.test_seasons import (
    approve,
    ask,
    club,
    give_back,
    propose,
    season,
)
from venues import actions
from venues.models import Bookable, Invoice, TransferBack, Venue
from venues.queries.statistics import TRANSFER, Scope, Taking, money_in

pytestmark = pytest.mark.django_db
TODAY = date(2026, 11, 23)
WHOLE = (TODAY - timedelta(days=30), TODAY + timedelta(days=60))


@pytest.fixture
def court() -> Bookable:
    return make.bookable(venue=make.venue(days_ahead=30, bands=((1440, 75),)))


@pytest.fixture(autouse=True)
def money(court: Bookable) -> Any:
    """One club pays by bank and gives a date back, one on line; a citizen plays."""
    with time_machine.travel(clock.at(TODAY, 9 * 60), tick=False) as traveller:
        winter = season(court.venue)
        requests = [ask(winter, club(), court, weekday=day) for day in (2, 3)]
        propose(winter)
        by_bank, on_line = map(approve, requests)
        actions.note_transfer(
            invoice=by_bank, reference="A1", paid_on=TODAY, by=make.user()
        )
        make.settle(actions.pay_invoice(invoice=on_line, by=on_line.club.contact))
        make.confirmed(court=court, starts_at=make.tomorrow_at(10))
        traveller.move_to(clock.at(TODAY + timedelta(days=10), 9 * 60))
        give_back(by_bank, place=3)
        by_bank.refresh_from_db()
        yield by_bank


def recount(venue: Venue, first: date, last: date) -> Counter[tuple[str, str]]:
    """Fen by (way, in or out), row by row from the ledger and the invoices."""
    fen: Counter[tuple[str, str]] = Counter()

    def add(way: str, side: str, amount: int, at: Any) -> None:
        if at and first <= clock.local_day(at) <= last:
            fen[way, side] += amount

    for payment in Payment.objects.filter(state="paid"):
        add(payment.provider, "paid", payment.amount_fen, payment.paid_at)
    for refund in Refund.objects.select_related("payment"):
        add(refund.payment.provider, "refunded", refund.amount_fen, refund.created_at)
    for invoice in Invoice.objects.filter(request__season__venue=venue):
        add(TRANSFER, "paid", invoice.transferred_fen, invoice.paid_at)
    for back in TransferBack.objects.filter(invoice__request__season__venue=venue):
        add(TRANSFER, "refunded", back.fen, back.asked_at)
    return fen


@pytest.mark.parametrize(
    ("first", "last"),
    [WHOLE, (TODAY, TODAY), (TODAY + timedelta(days=1), WHOLE[1]), (WHOLE[0], TODAY)],
)
def test_revenue_with_transfers_equals_a_slow_recount(
    court: Bookable, first: date, last: date
) -> None:
    found = money_in(Scope((court.venue,), first, last))

    slow = recount(court.venue, first, last)
    for way in {way for way, _side in slow} | set(found.methods):
        taking = found.methods.get(way, Taking())
        assert (taking.paid, taking.refunded) == (
            slow[way, "paid"],
            slow[way, "refunded"],
        )
    total = found.total
    assert total.kept == sum(
        fen if side == "paid" else -fen for (_way, side), fen in slow.items()
    )
    sides = (found.venues, found.methods, found.channels, found.sports, found.months)
    for side in sides:
        assert sum(taking.kept for taking in side.values()) == total.kept


def test_what_goes_back_by_bank_counts_when_it_was_asked_for(
    court: Bookable, money: Invoice
) -> None:
    found = money_in(Scope((court.venue,), *WHOLE))

    by_bank = found.methods[TRANSFER]
    assert by_bank.paid == money.transferred_fen > 0
    assert by_bank.refunded == TransferBack.objects.get().fen > 0
    assert found.transfers[court.venue_id] == by_bank
    assert found.months["2026-12"].kept == -by_bank.refunded


def test_the_page_and_the_workbook_say_the_same_of_transfers(court: Bookable) -> None:
    office = Client()
    office.force_login(make.user(is_staff=True, is_superuser=True))
    asked = {"first": WHOLE[0].isoformat(), "last": WHOLE[1].isoformat()}
    found = money_in(Scope((court.venue,), *WHOLE))
    url = reverse("admin:venues_venue_statistics")

    page = office.get(url, asked).content.decode()
    paper = load_workbook(BytesIO(office.get(url, {**asked, "format": "xlsx"}).content))

    by_bank = found.methods[TRANSFER]
    ways = dict(paper["Revenue by way of payment"].iter_rows(values_only=True))
    assert ways["bank transfer"] == by_bank.kept / 100
    assert "bank transfer" in page
    head, row, *_rest = paper["Court hours by venue"].iter_rows(values_only=True)
    of_venue = dict(zip(head, row, strict=True))
    assert of_venue["yuan paid"] == found.total.paid / 100
    assert of_venue["of these yuan paid by bank transfer"] == by_bank.paid / 100
    assert of_venue["of these yuan refunded by bank transfer"] == by_bank.refunded / 100
