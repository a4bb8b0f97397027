"""What merchants were paid, what waits for a second person, and a closed campaign.

Each step is dated as the bureau does it: prepared in the morning, approved a day later
by somebody else, and paid by the bank the day after that.
"""

from __future__ import annotations

from datetime import date

from django.db.models import F

from bureau.accounts.demo import CITY_STAFF, FINANCE
from bureau.common import clock
from bureau.common.demo import DemoCity
from vouchers import actions
from vouchers.demo.rows import DAY
from vouchers.models import Campaign, Member, Merchant, Redemption, Settlement

MORNING, NOON, AFTERNOON = 9 * 60 + 20, 11 * 60 + 5, 15 * 60 + 40


def fill(city: DemoCity, campaign: Campaign) -> None:
    """The first weeks are paid, but for one merchant; those until yesterday wait."""
    prepared_on = city.today - 10 * DAY
    _prepare(campaign, city.today - 24 * DAY, prepared_on - DAY, on=prepared_on)
    _reject_one(campaign, on=prepared_on + DAY)
    _pay(campaign, on=prepared_on + DAY)
    _refund_what_was_paid(city, campaign, on=city.today - 4 * DAY)
    actions.prepare_settlements(
        campaign=campaign,
        from_on=prepared_on,
        until_on=city.today - DAY,
        by=CITY_STAFF.user(),
    )
    # Where one can sign in as the manager, the statement is there to be read.
    mine = Settlement.objects.filter(campaign=campaign, state="prepared")
    actions.approve_settlement(
        settlement=mine.order_by("merchant", "pk")[0], by=FINANCE.user()
    )
    city.say(f"{Settlement.objects.count()} settlements with merchants")


def close(city: DemoCity, campaign: Campaign) -> None:
    """All of it is settled; what is left goes back to the treasury, by two people."""
    began_at = campaign.published_at
    assert began_at is not None  # noqa: S101 - it was published
    # The last voucher ran out three months ago.
    prepared_on = city.today - 86 * DAY
    _prepare(campaign, clock.local_day(began_at), prepared_on - DAY, on=prepared_on)
    _pay(campaign, on=prepared_on + DAY)
    with clock.as_of(clock.at(prepared_on + 6 * DAY, MORNING)):
        report = actions.prepare_closing_report(campaign=campaign, by=CITY_STAFF.user())
    with clock.as_of(clock.at(prepared_on + 7 * DAY, NOON)):
        actions.close_campaign(report=report, by=FINANCE.user())
    city.say("an earlier campaign, closed")


def _prepare(campaign: Campaign, from_on: date, until_on: date, *, on: date) -> None:
    with clock.as_of(clock.at(on, MORNING)):
        actions.prepare_settlements(
            campaign=campaign, from_on=from_on, until_on=until_on, by=CITY_STAFF.user()
        )


def _reject_one(campaign: Campaign, *, on: date) -> None:
    """Its redemptions come with the next settlement."""
    waiting = Settlement.objects.filter(campaign=campaign, state="prepared")
    with clock.as_of(clock.at(on, MORNING)):
        actions.reject_settlement(
            settlement=waiting.order_by("pk")[2],
            reason="开户行名称不全，请商户更正后重新结算",
            by=FINANCE.user(),
        )


def _pay(campaign: Campaign, *, on: date) -> None:
    """A second person approves, and the bank pays on the next day."""
    waiting = Settlement.objects.filter(campaign=campaign, state="prepared")
    with clock.as_of(clock.at(on, NOON)):
        for settlement in waiting.order_by("pk"):
            actions.approve_settlement(settlement=settlement, by=FINANCE.user())
    with clock.as_of(clock.at(on, AFTERNOON)):
        paid = actions.make_payment_file(campaign=campaign, by=CITY_STAFF.user())
    with clock.as_of(clock.at(on + DAY, NOON)):
        actions.note_file_paid(payment_file=paid, by=CITY_STAFF.user())


def _refund_what_was_paid(city: DemoCity, campaign: Campaign, *, on: date) -> None:
    """A course is called off after the bank has paid: the next settlement is less.

    At the business whose manager one can sign in as.
    """
    firm = Merchant.objects.order_by("pk")[0]
    settled = Redemption.objects.filter(
        merchant=firm,
        state="done",
        bill_fen__gt=F("discount_fen"),
        settlement_lines__settlement__state="paid",
        settlement_lines__settlement__campaign=campaign,
    )
    # A small one: what is due since then has to be more.
    redemption = settled.order_by("discount_fen", "-bill_fen", "pk")[0]
    with clock.as_of(clock.at(on, AFTERNOON)):
        actions.refund_redemption(
            redemption=redemption,
            refund_fen=redemption.paid_fen,
            reason="培训班停办，全额退款",
            member=Member.objects.managers().filter(merchant=firm).order_by("pk")[0],
        )
    city.say("one refund of what was already paid")
