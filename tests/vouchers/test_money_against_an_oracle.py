"""Whatever happens in whatever order, the book agrees with a slow, simple oracle.

The oracle keeps lists of Python objects and counts them anew each time; it knows no
ledger. BUREAU_LEDGER_OPERATIONS=100000 makes the run as long as the goal says, and
BUREAU_LEDGER_TALLY names a file for what was done (`python -m bench ledger`).
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.errors import DomainError
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.counter import shown
from vouchers import actions
from vouchers.models import (
    Flag,
    Lot,
    Member,
    Merchant,
    QueueTicket,
    Redemption,
    Round,
    Settlement,
    Shop,
    Voucher,
)
from vouchers.queries import balances_of

STEPS = 100
OPERATIONS = int(os.environ.get("BUREAU_LEDGER_OPERATIONS", "1000"))
TALLY = os.environ.get("BUREAU_LEDGER_TALLY", "")
done = Counter[str]()
BEGIN = datetime(2026, 10, 1, 2, tzinfo=UTC)
APPROPRIATED = 100_000_00
UNDO = timedelta(minutes=10)
NTH = st.integers(0, 1000)


# --- The oracle -----------------------------------------------------------------------


@dataclass
class Paper:
    """A voucher."""

    row: Voucher
    tier: int
    face: int
    expires_at: datetime
    state: str = "live"
    is_back: bool = False
    """Its money returned to the pool."""


@dataclass
class Use:
    """A redemption."""

    row: Redemption
    paper: Paper
    firm: int
    at: datetime
    state: str = "done"
    flag: str = ""
    refund: int = 0
    line: Pay | None = None
    taken_back: Pay | None = None
    repaid: bool = False

    @property
    def is_held(self) -> bool:
        return self.flag in ("open", "confirmed")

    @property
    def is_owing(self) -> bool:
        """Paid, not done any more, and neither taken back nor paid back."""
        return (
            self.state != "done"
            and self.line is not None
            and self.line.state == "paid"
            and self.taken_back is None
            and not self.repaid
        )


@dataclass
class Pay:
    """A settlement."""

    row: Settlement
    firm: int
    days: tuple[date, date]
    amount: int
    uses: list[Use]
    backs: list[Use]
    state: str = "prepared"
    is_in_file: bool = False


@dataclass
class World:
    """All there is, and what follows from it."""

    recycles: bool
    gives_back: bool
    keeps: bool
    stock: dict[int, int]
    firms: list[int]
    papers: list[Paper] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    pays: list[Pay] = field(default_factory=list)
    is_closed: bool = False

    def balances(self) -> dict[str, Any]:
        live = {tier: self.faces("live", tier=tier) for tier in self.stock}
        lapsed = sum(
            one.face
            for one in self.papers
            if one.state in ("expired", "lost", "void") and not one.is_back
        )
        settled = {firm: self.settled(firm) for firm in self.firms}
        used = self.faces("redeemed")
        pool = APPROPRIATED - sum(live.values()) - used - lapsed
        return {
            "live": live,
            "payable": {firm: self.done(firm) - settled[firm] for firm in self.firms},
            "settled": settled,
            "pool": 0 if self.is_closed else pool,
            "lapsed": 0 if self.is_closed else lapsed,
            "returned": pool + lapsed if self.is_closed else 0,
            "appropriated": APPROPRIATED,
        }

    def faces(self, state: str, *, tier: int | None = None) -> int:
        return sum(
            one.face
            for one in self.papers
            if one.state == state and tier in (None, one.tier)
        )

    def done(self, firm: int) -> int:
        mine = [use for use in self.uses if use.firm == firm]
        return sum(use.paper.face for use in mine if use.state == "done")

    def settled(self, firm: int) -> int:
        pays = [pay for pay in self.pays if pay.firm == firm]
        uses = [use for use in self.uses if use.firm == firm]
        paid = sum(pay.amount for pay in pays if pay.state == "paid")
        return paid - sum(use.paper.face for use in uses if use.repaid)

    def settle(self, firm: int, days: tuple[date, date]) -> tuple[list[Use], list[Use]]:
        """What a settlement of these days has: redemptions, and what is taken back."""
        mine = [use for use in self.uses if use.firm == firm]
        due = [
            use
            for use in mine
            if use.state == "done"
            and not use.is_held
            and clock.local_day(use.at) <= days[1]
            and (use.line is None or use.line.state == "rejected")
        ]
        return due, [use for use in mine if use.is_owing]


def refusal(act: Callable[[], Any]) -> tuple[Any, str]:
    """(what came of it, the code of the refusal or nothing)."""
    done["actions"] += 1
    try:
        return act(), ""
    except DomainError as refused:
        return None, refused.code


# --- The machine ----------------------------------------------------------------------


class Money(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        atomic = transaction.atomic()
        self.stack.enter_context(atomic)
        self.stack.callback(lambda: transaction.set_rollback(True))
        self.time = self.stack.enter_context(time_machine.travel(BEGIN, tick=False))

    @initialize(recycles=st.booleans(), gives_back=st.booleans(), keeps=st.booleans())
    def begin(self, recycles: bool, gives_back: bool, keeps: bool) -> None:  # noqa: FBT001
        self.campaign = make.campaign(
            appropriated_fen=APPROPRIATED,
            terms={
                "valid_days": 4,
                "recycles": recycles,
                "full_refund_gives_back": gives_back,
                "partial_refund_keeps_subsidy": keeps,
                "undo_minutes": 10,
            },
        )
        self.round = make.round_of(self.campaign, closes_at=BEGIN + timedelta(days=40))
        self.lots: list[Lot] = [
            make.lot(
                make.tier(
                    self.campaign,
                    face_fen=face,
                    threshold_fen=threshold,
                    count=40,
                    per_person=100,
                ),
                round=self.round,
                amount=amount,
            )
            for face, threshold, amount in ((10_00, 10_00, 5), (200_00, 500_00, 30))
        ]
        self.person: User = city.verified()
        self.ticket = QueueTicket.objects.create(
            round=self.round,
            person=self.person,
            place=0,
            joined_at=self.round.opens_at - timedelta(minutes=1),
        )
        self.firms: list[tuple[Merchant, Shop, Member]] = []
        for _n in range(2):
            firm = make.merchant(takes_part_in=self.campaign)
            self.firms.append((firm, make.shop(firm), make.member(firm)))
        self.maker, self.checker = city.user(), city.user()
        self.world = World(
            recycles=recycles,
            gives_back=gives_back,
            keeps=keeps,
            stock={lot.tier_id: lot.amount for lot in self.lots},
            firms=[firm.pk for firm, _shop, _clerk in self.firms],
        )

    @property
    def now(self) -> datetime:
        return clock.now()

    # --- Citizens and counters ----------------------------------------------------

    @rule(nth=NTH)
    def claim(self, nth: int) -> None:
        lot = self.lots[nth % len(self.lots)]
        expected = self.world.stock[lot.tier_id] > 0 and self.now < self.round.closes_at
        row, code = refusal(
            lambda: actions.claim_voucher(
                lot=lot, by=self.person, ticket=self.ticket, at=self.now
            )
        )
        assert (code == "") == expected, code
        if row:
            self.world.stock[lot.tier_id] -= 1
            last = clock.local_day(self.now) + timedelta(days=5)
            paper = Paper(row, lot.tier_id, lot.tier.face_fen, clock.at(last, 0))
            assert row.expires_at == paper.expires_at
            self.world.papers.append(paper)

    @rule(nth=NTH, whose=NTH)
    def redeem(self, nth: int, whose: int) -> None:
        if not self.world.papers:
            return
        # Mostly the newest: the others are used or over.
        paper = self.world.papers[-1 - nth % min(6, len(self.world.papers))]
        firm, shop, clerk = self.firms[whose % 2]
        expected = paper.state == "live" and self.now < paper.expires_at
        row, code = refusal(
            lambda: actions.redeem_voucher(
                text=shown(paper.row),
                bill_fen=paper.row.threshold_fen + 100 * (whose % 3),
                member=clerk,
                shop=shop,
                request_key=uuid4(),
                at=self.now,
            )
        )
        assert (code == "") == expected, code
        if row:
            paper.state = "redeemed"
            self.world.uses.append(Use(row, paper, firm.pk, self.now))

    @rule(nth=NTH)
    def undo(self, nth: int) -> None:
        use = self.use(nth)
        if use is None or use.state == "undone":
            return
        clerk = use.row.clerk
        expected = use.state == "done" and self.now < use.at + UNDO
        _row, code = refusal(
            lambda: actions.undo_redemption(
                redemption=use.row, member=clerk, at=self.now
            )
        )
        assert (code == "") == expected, code
        if not code:
            use.state, use.paper.state = "undone", "live"

    @rule(nth=NTH, is_full=st.booleans())
    def refund(self, nth: int, is_full: bool) -> None:  # noqa: FBT001
        use = self.use(nth)
        if use is None or use.state == "refunded":
            return
        paid = use.row.paid_fen
        back = paid if is_full else max(paid - 1, 0)
        # A bill of which a part was given back before: the sum of all is written.
        is_more = back >= (use.refund or 0)
        _row, code = refusal(
            lambda: actions.refund_redemption(
                redemption=use.row,
                refund_fen=back,
                reason="returned",
                by=self.checker,
                at=self.now,
            )
        )
        assert (code == "") == (use.state == "done" and is_more), code
        enough = use.row.bill_fen - back >= use.row.voucher.threshold_fen
        if not code and self.world.keeps and back < paid and enough:
            use.refund = back
        elif not code:
            lives = (
                self.world.gives_back
                and back == paid
                and self.now < use.paper.expires_at
            )
            use.state, use.paper.state = "refunded", "live" if lives else "lost"

    def use(self, nth: int) -> Use | None:
        uses = self.world.uses
        return uses[-1 - nth % len(uses)] if uses else None

    @rule()
    def expire(self) -> None:
        over = [
            paper
            for paper in self.world.papers
            if paper.state == "live" and paper.expires_at <= self.now
        ]
        assert actions.expire_vouchers(at=self.now) == len(over)
        for paper in over:
            paper.state, paper.is_back = "expired", self.world.recycles

    @rule(nth=NTH)
    def void(self, nth: int) -> None:
        if not self.world.papers or nth % 4:
            return
        paper = self.world.papers[-1 - nth % len(self.world.papers)]
        _row, code = refusal(
            lambda: actions.void_voucher(
                voucher=paper.row, reason="a mistake", by=self.checker
            )
        )
        assert (code == "") == (paper.state == "live"), code
        if not code:
            paper.state, paper.is_back = "void", self.world.recycles

    @rule(minutes=st.sampled_from([1, 9, 60, 600, 1440, 1440, 3 * 1440]))
    def pass_time(self, minutes: int) -> None:
        self.time.shift(timedelta(minutes=minutes))

    # --- The radar ----------------------------------------------------------------

    @rule(nth=NTH, decided=st.sampled_from(["open", "cleared", "confirmed"]))
    def flag(self, nth: int, decided: str) -> None:
        use = self.use(nth)
        if use is None:
            return
        self._flag(use, decided)

    def _flag(self, use: Use, decided: str) -> None:
        state = {"flag": use.flag}
        if state["flag"] in ("cleared", "confirmed"):
            return
        rule_name = f"r{use.row.pk}"
        made, _new = Flag.objects.get_or_create(
            campaign=self.campaign,
            merchant_id=use.firm,
            rule=rule_name,
            day=clock.local_day(use.at),
            defaults={"score": 1.0, "evidence": {}, "raised_at": self.now},
        )
        made.redemptions.add(use.row)
        if decided != "open":
            Flag.objects.filter(pk=made.pk).update(
                state=decided,
                decided_at=self.now,
                decided_by=self.checker,
                reason="looked at",
            )
        use.flag = decided

    @rule()
    def write_down(self) -> None:
        gone = [
            use
            for use in self.world.uses
            if use.flag == "confirmed" and use.state == "done"
        ]
        done = actions.write_down_redemptions(
            campaign=self.campaign, reason="nobody paid", by=self.checker
        )
        assert done == len(gone)
        for use in gone:
            use.state, use.paper.state = "refunded", "lost"

    # --- Settlements --------------------------------------------------------------

    @rule()
    def prepare(self) -> None:
        last = clock.today() - timedelta(days=1)
        days = (last - timedelta(days=6), last)
        run = actions.prepare_settlements(
            campaign=self.campaign, from_on=days[0], until_on=days[1], by=self.maker
        )
        for firm in self.world.firms:
            result = run.results[str(firm)]
            standing = [
                pay
                for pay in self.world.pays
                if (pay.firm, pay.days) == (firm, days) and pay.state != "rejected"
            ]
            if standing:
                assert result == standing[0].row.number
                continue
            due, back = self.world.settle(firm, days)
            net = sum(use.paper.face for use in due) - sum(
                use.paper.face for use in back
            )
            if net <= 0:
                assert result == net
                continue
            row = Settlement.objects.get(number=result)
            assert (row.amount_fen, row.count) == (net, len(due) + len(back))
            pay = Pay(row, firm, days, net, due, back)
            self.world.pays.append(pay)
            for use in due:
                use.line = pay
            for use in back:
                use.taken_back = pay

    def pay_of(self, nth: int) -> Pay | None:
        pays = self.world.pays
        return pays[-1 - nth % min(4, len(pays))] if pays else None

    @rule(nth=NTH)
    def approve(self, nth: int) -> None:
        pay = self.pay_of(nth)
        if pay is None:
            return
        by = self.maker if nth % 7 == 0 else self.checker
        good = all(use.state == "done" and not use.is_held for use in pay.uses)
        expected = pay.state == "prepared" and good and by is self.checker
        _row, code = refusal(
            lambda: actions.approve_settlement(settlement=pay.row, by=by)
        )
        assert (code == "") == expected, code
        if not code:
            pay.state = "approved"

    @rule(nth=NTH)
    def reject(self, nth: int) -> None:
        pay = self.pay_of(nth)
        if pay is None or nth % 3:
            return
        self._reject(pay)

    def _reject(self, pay: Pay) -> None:
        _row, code = refusal(
            lambda: actions.reject_settlement(
                settlement=pay.row, reason="wrong account", by=self.checker
            )
        )
        assert (code == "") == (pay.state in ("prepared", "approved")), code
        if not code:
            pay.state = "rejected"
            for use in pay.backs:
                use.taken_back = None

    @rule()
    def make_file(self) -> None:
        ready = [
            pay
            for pay in self.world.pays
            if pay.state == "approved"
            and not pay.is_in_file
            and not any(use.is_held for use in pay.uses)
        ]
        made, code = refusal(
            lambda: actions.make_payment_file(by=self.maker, campaign=self.campaign)
        )
        assert (code == "") == bool(ready), code
        if made:
            assert made.amount_fen == sum(pay.amount for pay in ready)
            for pay in ready:
                pay.is_in_file = True

    @rule(nth=NTH)
    def pay(self, nth: int) -> None:
        pay = self.pay_of(nth)
        if pay is None:
            return
        _row, code = refusal(
            lambda: actions.note_paid(settlement=pay.row, by=self.maker)
        )
        assert (code == "") == (pay.state == "approved" and pay.is_in_file), code
        if not code:
            pay.state = "paid"

    @rule(nth=NTH)
    def visit(self, nth: int) -> None:
        """A citizen claims and goes straight to the counter."""
        self.claim(nth)
        self.redeem(0, nth)

    @rule(days=st.sampled_from([1, 2, 7]))
    def settle_all(self, days: int) -> None:
        """A period from the preparation to the payment, if nothing stands against."""
        self.time.shift(timedelta(days=days))
        self.prepare()
        for pay in self.in_state("prepared"):
            if all(use.state == "done" and not use.is_held for use in pay.uses):
                actions.approve_settlement(settlement=pay.row, by=self.checker)
                pay.state = "approved"
        self.make_file()
        for pay in self.in_state("approved"):
            if pay.is_in_file:
                actions.note_paid(settlement=pay.row, by=self.maker)
                pay.state = "paid"

    @rule(nth=NTH)
    def repay(self, nth: int) -> None:
        firm = self.firms[nth % 2][0]
        owing = [use for use in self.world.uses if use.firm == firm.pk and use.is_owing]
        _rows, code = refusal(
            lambda: actions.note_repayment(
                campaign=self.campaign,
                merchant=firm,
                amount_fen=sum(use.paper.face for use in owing),
                document="1",
                by=self.maker,
            )
        )
        assert (code == "") == bool(owing), code
        for use in owing:
            use.repaid = True

    # --- What must always be so ---------------------------------------------------

    @invariant()
    def the_book_agrees_after_each_step(self) -> None:
        done["steps"] += 1
        self.the_book_agrees()

    def the_book_agrees(self) -> None:
        done["checks"] += 1
        found = balances_of(self.campaign)
        expected = self.world.balances()
        assert {name: getattr(found, name) for name in expected} == expected
        assert found.total == found.appropriated == APPROPRIATED

    def teardown(self) -> None:
        try:
            if hasattr(self, "world"):
                done["examples"] += 1
                done["proofs"] += 2
                assert broken_promises(of="vouchers") == []
                self.wind_up()
                self.the_book_agrees()
                assert broken_promises(of="vouchers") == []
                if TALLY:
                    Path(TALLY).write_text(json.dumps(done))
        finally:
            self.stack.close()

    def wind_up(self) -> None:
        """To the end of the campaign: all is settled, what is left goes back.

        Every example gets here, and so settles, refunds, and settles again.
        """
        for nth in range(4):
            self.visit(nth)
        self.settle_all(1)
        self.refund(0, is_full=True)
        self.visit(0)
        self.visit(2)
        self.settle_all(1)
        self.the_book_agrees()
        self.time.shift(timedelta(days=60))
        self.expire()
        actions.end_rounds(at=self.now)
        for use in self.world.uses:
            if use.flag == "open":
                self._flag(use, "cleared")
        self.write_down()
        for pay in self.in_state("prepared", "approved"):
            self._reject(pay)
        for nth in (0, 1):
            self.repay(nth)
        self.the_book_agrees()
        self.prepare()
        for pay in self.in_state("prepared"):
            actions.approve_settlement(settlement=pay.row, by=self.checker)
            pay.state = "approved"
        self.make_file()
        for pay in self.in_state("approved"):
            actions.note_paid(settlement=pay.row, by=self.maker)
            pay.state = "paid"
        report = actions.prepare_closing_report(campaign=self.campaign, by=self.maker)
        actions.close_campaign(report=report, by=self.checker)
        self.world.is_closed = True
        assert Round.objects.get(pk=self.round.pk).ended_at is not None

    def in_state(self, *states: str) -> list[Pay]:
        return [pay for pay in self.world.pays if pay.state in states]


@pytest.mark.django_db
@pytest.mark.timeout(0 if OPERATIONS > 10_000 else 300)
def test_the_book_agrees_with_the_oracle() -> None:
    # An example may end before its last step: go on until all of them are done.
    while (left := OPERATIONS - done["steps"]) > 0:
        run_state_machine_as_test(
            Money,
            settings=settings(
                max_examples=-(-left // STEPS),
                stateful_step_count=STEPS,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
