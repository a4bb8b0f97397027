"""What happened at the counters: bills, undone and given back ones, and expiry."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from bureau.common import clock
from bureau.common.demo import DemoCity
from vouchers.actions.ledger import Kind, Move
from vouchers.demo.merchants import Counter
from vouchers.demo.rows import DAY, Holding, Rows
from vouchers.models import Redemption, Voucher

USED, USED_SO_FAR = 0.82, 0.42
"""The share of the vouchers that was used; of those whose days go on it is less."""
HOURS = (
    *((hour, 2) for hour in (7, 8)),
    *((hour, 5) for hour in (9, 10, 11, 14)),
    *((hour, 7) for hour in (15, 16, 17)),
    *((hour, 16) for hour in (18, 19, 20)),
    (21, 9),
)
"""When people pay for their sport, and how many do."""
SMALL = 100_00
UNDONE, REFUNDED = 0.02, 0.015
TO_THE_FIRST = 20
"""Every so many comes to the business whose manager one can sign in as: whatever chance
does, it has customers in each week, and something to be settled."""


def fill(city: DemoCity, rows: Rows, counters: Sequence[Counter]) -> None:
    _Market(city, rows, counters).run()


class _Market:
    def __init__(self, city: DemoCity, rows: Rows, counters: Sequence[Counter]) -> None:
        self.city, self.rows = city, rows
        self.counters = list(counters)
        self.draws = [counter.trade.draws for counter in counters]
        self.served = 0
        self.crooked = [counter for counter in counters if counter.is_crooked]

    def run(self) -> None:
        for holding in list(self.rows.held):
            if self._is_kept(holding):
                continue
            self._spend(holding)
            voucher = holding.voucher
            if voucher.state == Voucher.State.LIVE and (
                voucher.expires_at <= self.city.now - timedelta(minutes=2)
            ):
                self.rows.expire(voucher)

    def _is_kept(self, holding: Holding) -> bool:
        """What the people to sign in as still have, to be shown at a counter."""
        return holding.voucher.expires_at > self.city.now and (
            not holding.by.user.username.startswith("c-voucher-")
        )

    def _spend(self, holding: Holding) -> None:
        city, voucher = self.city, holding.voucher
        share = USED if voucher.expires_at <= city.now else USED_SO_FAR
        if not city.chance(0.97 if holding.by.in_ring else share):
            return
        counter = self._counter(holding)
        at = self._moment(voucher, counter, in_ring=holding.by.in_ring)
        if at is None:
            return
        done = self._redeem(holding, counter, at)
        if counter.is_crooked:
            return
        if city.chance(UNDONE):
            self._undo(done, at + timedelta(minutes=city.between(1, 8)))
            # The bill was typed wrong, and is typed again.
            again = at + timedelta(minutes=city.between(9, 15))
            if again < min(voucher.expires_at, city.now):
                self._redeem(holding, counter, again)
        elif city.chance(REFUNDED):
            self._refund(done, at + timedelta(hours=city.between(2, 60)))

    def _counter(self, holding: Holding) -> Counter:
        large = holding.voucher.face_fen > SMALL
        if holding.by.in_ring and large:
            return self.city.one_of(self.crooked)
        self.served += 1
        if self.served % TO_THE_FIRST == 0:
            return self.counters[0]
        return self.city.dice.choices(self.counters, self.draws)[0]

    def _moment(
        self, voucher: Voucher, counter: Counter, *, in_ring: bool
    ) -> datetime | None:
        city = self.city
        first = clock.local_day(voucher.claimed_at)
        days = (clock.local_day(voucher.expires_at) - first).days
        if in_ring and counter.is_crooked:
            # One after the other, on one evening, or when no shop is open.
            start = clock.at(first + DAY, 2 * 60 if counter.is_off_hours else 17 * 60)
            at = start + timedelta(seconds=city.between(0, 1500))
        else:
            day = first + min(city.between(0, days), city.between(0, days)) * DAY
            hours, weights = zip(*HOURS, strict=True)
            hour: int = city.dice.choices(hours, weights)[0]
            at = clock.at(day, 60 * hour) + timedelta(seconds=city.between(0, 3599))
        if at < voucher.usable_from:
            at = voucher.usable_from + timedelta(minutes=city.between(30, 400))
        latest = min(voucher.expires_at, city.now - timedelta(minutes=20))
        return at if at < latest else None

    def _bill_fen(self, voucher: Voucher, counter: Counter, *, fake: bool) -> int:
        city, least = self.city, voucher.threshold_fen
        if fake:
            return least + city.one_of([0, 0, 0, 100])
        if voucher.face_fen > SMALL:  # a card for months, a course, equipment
            yuan = least / 100 * city.dice.lognormvariate(0.28, 0.24)
            return max(least, 100 * int(round(yuan, -1 if city.chance(0.7) else 0)))
        yuan = counter.trade.median_yuan * city.dice.lognormvariate(0, 0.45)
        return max(least, 100 * round(yuan))

    def _redeem(self, holding: Holding, counter: Counter, at: datetime) -> Redemption:
        city, rows, voucher = self.city, self.rows, holding.voucher
        clerk = city.one_of(counter.clerks)
        fake = counter.is_crooked and holding.by.in_ring
        done = Redemption(
            voucher=voucher,
            merchant=counter.merchant,
            shop=counter.shop,
            district=counter.shop.district,
            clerk=clerk,
            device=counter.devices[clerk.pk],
            sport=city.one_of(counter.trade.sports).value,
            bill_fen=self._bill_fen(voucher, counter, fake=fake),
            discount_fen=voucher.face_fen,
            redeemed_at=at,
            request_key=UUID(int=city.dice.getrandbits(128), version=4),
            distance_m=5000 if fake and counter.is_off_hours else self._distance(),
            changed_at=at,
        )
        voucher.state = Voucher.State.REDEEMED
        rows.redemptions.append(done)
        rows.move(
            Move.REDEEM,
            rows.account(Kind.LIVE, tier=voucher.tier),
            rows.account(Kind.PAYABLE, merchant_id=counter.merchant.pk),
            voucher,
            at,
            redemption=done,
            by=clerk.person,
        )
        rows.note(at, "vouchers.voucher.redeemed", done, clerk.person)
        return done

    def _distance(self) -> int | None:
        return self.city.one_of([None, 50, 50, 100, 100, 200])

    def _undo(self, done: Redemption, at: datetime) -> None:
        done.state = Redemption.State.UNDONE
        self._reverse(done, at, Move.UNDO, gives_back=True, refund_fen=None)

    def _refund(self, done: Redemption, at: datetime) -> None:
        """All of it in time gives the voucher back; a part of it, or late, does not."""
        city, voucher = self.city, done.voucher
        if at > city.now - timedelta(minutes=5):
            return
        full = city.chance(0.6)
        gives_back = full and at < voucher.expires_at
        done.state = Redemption.State.REFUNDED
        self._reverse(
            done,
            at,
            Move.GIVE_BACK if gives_back else Move.LOSE,
            gives_back=gives_back,
            refund_fen=done.paid_fen if full else done.paid_fen // 2,
        )

    def _reverse(
        self,
        done: Redemption,
        at: datetime,
        move: str,
        *,
        gives_back: bool,
        refund_fen: int | None,
    ) -> None:
        rows, voucher = self.rows, done.voucher
        person = done.clerk.person
        done.reversed_at = done.changed_at = at
        done.reversed_by, done.gave_back = person, gives_back
        done.refund_fen = refund_fen
        done.reason = "" if refund_fen is None else "顾客退款"
        voucher.state = Voucher.State.LIVE if gives_back else Voucher.State.LOST
        rows.move(
            move,
            rows.account(Kind.PAYABLE, merchant_id=done.merchant_id),
            rows.account(Kind.LIVE, tier=voucher.tier)
            if gives_back
            else rows.account(Kind.LAPSED),
            voucher,
            at,
            redemption=done,
            by=person,
        )
        event = "undone" if refund_fen is None else "refunded"
        rows.note(at, f"vouchers.redemption.{event}", done, person)
