"""What merchants were paid, what waits for a second person, and a closed campaign."""

from __future__ import annotations

from datetime import date

from bureau.accounts.demo import AUDITOR, CITY_STAFF
from bureau.common import clock
from bureau.common.demo import DemoCity
from vouchers import actions
from vouchers.demo.rows import DAY
from vouchers.models import Campaign, Settlement


def fill(city: DemoCity, campaign: Campaign) -> None:
    """The first weeks are paid; those until yesterday are prepared."""
    first = city.today - 24 * DAY
    _prepare(campaign, first, city.today - 11 * DAY)
    _pay(campaign)
    _prepare(campaign, city.today - 10 * DAY, city.today - DAY)
    city.say(f"{Settlement.objects.count()} settlements with merchants")


def close(city: DemoCity, campaign: Campaign) -> None:
    """All of it is settled; what is left goes back to the treasury, by two people."""
    began_at = campaign.published_at
    assert began_at is not None  # noqa: S101 - it was published
    _prepare(campaign, clock.local_day(began_at), city.today - DAY)
    _pay(campaign)
    report = actions.prepare_closing_report(campaign=campaign, by=CITY_STAFF.user())
    actions.close_campaign(report=report, by=AUDITOR.user())
    city.say("an earlier campaign, closed")


def _prepare(campaign: Campaign, from_on: date, until_on: date) -> None:
    actions.prepare_settlements(
        campaign=campaign, from_on=from_on, until_on=until_on, by=CITY_STAFF.user()
    )


def _pay(campaign: Campaign) -> None:
    second = AUDITOR.user()
    waiting = Settlement.objects.filter(
        campaign=campaign, state=Settlement.State.PREPARED
    )
    for settlement in waiting.order_by("pk"):
        actions.approve_settlement(settlement=settlement, by=second)
    paid = actions.make_payment_file(campaign=campaign, by=CITY_STAFF.user())
    actions.note_file_paid(payment_file=paid, by=CITY_STAFF.user())
