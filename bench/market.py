"""A market that is made up: fifty merchants, of whom we know who is crooked.

The radar is measured on it (bench/lines/radar.py, tests/vouchers/test_radar_market.py).
Everything follows from the seed. Merchants differ in size, sport, prices and hours;
some honest ones are odd in just the way in which a crook would be, and crooks have
honest customers, too.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID

from django.contrib.gis.geos import MultiPolygon, Point, Polygon

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.sports import Sport
from bureau.regions.models import District
from vouchers.actions.radar import scan_with_radar
from vouchers.models import (
    Campaign,
    Flag,
    Lot,
    Member,
    Merchant,
    Redemption,
    RefusedScan,
    Round,
    Shop,
    Terms,
    Tier,
    Voucher,
)

MERCHANTS, CROOKED, DAYS = 50, 5, 28
FIRST = date(2026, 6, 1)  # a Monday; the same market on any day of the year
KINDS_OF_CROOKS = ("hugger", "screenshots", "friends", "far", "night")
KINDS_OF_ODD = ("rush", "pool", "course", "all_night", "family", "mall", "wifi")
# (face, threshold) in yuan, the largest first: people use the best one that fits.
TIERS = ((400, 1000), (200, 500), (20, 20), (10, 10))
CARRIERS = [f"carrier{n}" for n in range(20)]
# Sport -> (middle of the bills in yuan, spread of their logarithm)
PRICES: tuple[tuple[str, float, float], ...] = (
    (Sport.BADMINTON, 90, 0.5),
    (Sport.TENNIS, 220, 0.6),
    (Sport.FITNESS, 650, 0.6),
    (Sport.SWIMMING, 60, 0.6),
    (Sport.FOOTBALL, 400, 0.4),
    (Sport.BASKETBALL, 120, 0.6),
    (Sport.CLIMBING, 260, 0.5),
    (Sport.ATHLETICS, 900, 0.5),
)


@dataclass
class Firm:
    """A merchant before it is written down."""

    number: int
    sport: str
    middle: float
    spread: float
    a_day: float
    opens: int
    closes: int
    clerks: int
    kind: str = "honest"
    share: float = 0.0
    """Of its redemptions that nobody paid for."""
    own_network: str = ""
    rows: list[Sale] = field(default_factory=list)
    refused: list[datetime] = field(default_factory=list)


@dataclass
class Sale:
    """A redemption before it is written down."""

    at: datetime
    bill_fen: int
    tier: tuple[int, int]
    clerk: int
    claimed_at: datetime
    device: str
    network: str
    distance_m: int | None
    person: str
    undone: bool = False


@dataclass(frozen=True)
class Market:
    """A market in the database, and who is crooked in it."""

    campaign: Campaign
    crooked: frozenset[int]
    """Keys of merchants."""
    kinds: dict[int, str]
    first: date
    redemptions: int

    def scan(self) -> set[int]:
        """Look at every day, as the nights do; who was flagged."""
        now = clock.now()
        for back in range(DAYS):
            day = self.first + timedelta(days=back)
            scan_with_radar(campaign=self.campaign, day=day, at=now)
        return set(
            Flag.objects.filter(campaign=self.campaign).values_list(
                "merchant_id", flat=True
            )
        )


class Maker:
    """Draws one market."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a model, nothing of value
        self.first = FIRST
        self.people = 0

    def firms(self) -> list[Firm]:
        dice = self.dice
        firms = []
        for number in range(MERCHANTS):
            sport, middle, spread = dice.choice(PRICES)
            firms.append(
                Firm(
                    number,
                    sport,
                    middle * dice.uniform(0.7, 1.4),
                    spread,
                    a_day=max(1.0, dice.lognormvariate(1.3, 0.6)),
                    opens=dice.choice((7, 8, 9, 10)),
                    closes=dice.choice((20, 21, 22)),
                    clerks=dice.randint(1, 4),
                )
            )
        chosen = dice.sample(firms, CROOKED + len(KINDS_OF_ODD))
        for firm, kind in zip(chosen, (*KINDS_OF_CROOKS, *KINDS_OF_ODD), strict=True):
            firm.kind = kind
            if kind in KINDS_OF_CROOKS:
                firm.share = dice.uniform(0.35, 0.75)
                firm.a_day = max(firm.a_day, 2.5)
        for firm in firms:
            if make_odd := _ODD.get(firm.kind):
                make_odd(firm, dice)
        return firms

    def trade(self, firm: Firm) -> None:
        """Four weeks of a firm."""
        for day in range(DAYS):
            on = self.first + timedelta(days=day)
            weekend = 1.5 if on.weekday() >= 5 else 0.85
            for _n in range(self.poisson(firm.a_day * weekend)):
                firm.rows += self.visit(firm, on)
            if firm.kind == "family" and on.weekday() == 6:
                firm.rows += self.family_of_six(firm, on)
        if cheat := _CROOKS.get(firm.kind):
            cheat(self, firm)
        for _n in range(self.poisson(0.03 * len(firm.rows))):
            firm.refused.append(self.dice.choice(firm.rows).at)

    def visit(self, firm: Firm, on: date) -> list[Sale]:
        """A customer, or two to four of a family, each with a voucher."""
        dice = self.dice
        at = self.open_hour(firm, on)
        together = dice.choice((2, 2, 3, 4)) if dice.random() < 0.08 else 1
        network = self.network(firm)
        device = self.device()
        return [
            self.sale(
                firm,
                at + timedelta(seconds=40 * n),
                network=network,
                # In half of the families one phone serves all.
                device=device if n == 0 or dice.random() < 0.5 else self.device(),
            )
            for n in range(together)
        ]

    def family_of_six(self, firm: Firm, on: date) -> list[Sale]:
        """Grandparents, too, every Sunday, from one phone; four different vouchers."""
        at = self.open_hour(firm, on)
        sales = []
        for n in range(6):
            one = self.sale(firm, at + timedelta(seconds=40 * n))
            one.person = f"family{n}"
            one.device, one.network = "family phone", "family home"
            sales.append(one)
        return sales

    def sale(
        self,
        firm: Firm,
        at: datetime,
        *,
        network: str = "",
        device: str = "",
        bill: float | None = None,
    ) -> Sale:
        dice = self.dice
        fen, tier = self.bill(firm) if bill is None else self.fit(bill)
        waited = timedelta(hours=dice.lognormvariate(3.2, 1.2))
        if dice.random() < 0.04:
            waited = timedelta(seconds=dice.uniform(20, 110))
        distance = None
        if dice.random() < 0.7:
            far = 0.12 if firm.kind == "mall" else 0.015
            distance = dice.choice((50, 100, 100, 200, 500))
            distance = 2000 if dice.random() < far else distance
        return Sale(
            at,
            fen,
            tier,
            dice.randrange(firm.clerks),
            at - waited,
            device or self.device(),
            network or self.network(firm),
            distance,
            self.person(firm),
            undone=dice.random() < 0.02,
        )

    def bill(self, firm: Firm) -> tuple[int, tuple[int, int]]:
        dice = self.dice
        if firm.kind == "pool":  # a ticket for 20, just the voucher's threshold
            return 20_00, (20, 20)
        if firm.kind == "course" and dice.random() < 0.35:
            return 500_00, (200, 500)
        bill = dice.lognormvariate(0, firm.spread) * firm.middle
        if dice.random() < 0.5:
            bill = round(bill / 10) * 10
        return self.fit(max(bill, 10))

    def fit(self, bill: float) -> tuple[int, tuple[int, int]]:
        """The best voucher; who is just below a threshold sometimes fills up."""
        for tier in TIERS:
            short = tier[1] - bill
            if 0 < short <= tier[1] * 0.12 and self.dice.random() < 0.5:
                bill = tier[1] + self.dice.choice((0, 0, 2, 5, 8))
            if bill >= tier[1]:
                return round(bill * 100), tier
        return 10_00, (10, 10)

    # --- Parts ---

    def open_hour(self, firm: Firm, on: date) -> datetime:
        dice = self.dice
        if firm.kind == "rush" and dice.random() < 0.6:
            return clock.at(on, dice.randrange(18 * 60, 20 * 60))
        if firm.kind == "all_night" and dice.random() < 0.12:
            return clock.at(on, dice.randrange(0, 6 * 60))
        hour = dice.triangular(firm.opens, firm.closes, firm.closes - 2.5)
        minutes = int(hour * 60)
        return clock.at(on, minutes) + timedelta(seconds=dice.randrange(60))

    def network(self, firm: Firm) -> str:
        dice = self.dice
        if firm.own_network and dice.random() < 0.4:
            return firm.own_network
        if dice.random() < 0.6:
            return dice.choice(CARRIERS)
        return f"home{dice.getrandbits(40)}"

    def device(self) -> str:
        return f"{self.dice.getrandbits(48):012x}"

    def person(self, firm: Firm) -> str:
        """Somebody new, or one of the regulars of the house."""
        if self.dice.random() < 0.25:
            return f"regular{firm.number}-{self.dice.randrange(40)}"
        self.people += 1
        return f"p{self.people}"

    def poisson(self, mean: float) -> int:
        """Knuth's way; means are small."""
        left, count = self.dice.random(), 0
        bound = 2.718281828459045 ** -min(mean, 500.0)
        while left > bound:
            left *= self.dice.random()
            count += 1
        return count

    def fakes(self, firm: Firm) -> int:
        """How many it takes for the share, beside the honest ones."""
        honest = len(firm.rows)
        return max(12, round(honest * firm.share / (1 - firm.share)))

    def some_day(self) -> date:
        return self.first + timedelta(days=self.dice.randrange(DAYS))


# --- Honest, and odd ------------------------------------------------------------------


def _big(firm: Firm, dice: random.Random) -> None:
    """A large gym whose evenings are full."""
    firm.a_day, firm.clerks = dice.uniform(14, 22), 3


def _pool(firm: Firm, dice: random.Random) -> None:
    firm.sport, firm.a_day = Sport.SWIMMING, dice.uniform(4, 9)


def _gym(firm: Firm, dice: random.Random) -> None:
    firm.sport, firm.a_day = Sport.FITNESS, dice.uniform(4, 8)
    firm.middle, firm.spread = 600, 0.6
    firm.own_network = f"wifi{firm.number}"


_ODD: dict[str, Callable[[Firm, random.Random], None]] = {
    "rush": _big,
    "pool": _pool,
    "course": _gym,
    "all_night": _gym,
    "wifi": _gym,
}


# --- Crooked --------------------------------------------------------------------------


def _hugger(maker: Maker, firm: Firm) -> None:
    """Bills made up at the threshold, spread over the opening hours.

    Some vary them a little, some type 500 and 1,000, and some always the same.
    """
    thresholds: tuple[int, ...] = (500, 500, 1000)
    extras: tuple[int, ...] = (0, 0, 1, 2, 3, 5, 9)
    style = maker.dice.randrange(3)
    if style:
        extras = (0,)
    if style == 2:
        thresholds = (500,)
    for _n in range(maker.fakes(firm)):
        bill = maker.dice.choice(thresholds) + maker.dice.choice(extras)
        at = maker.open_hour(firm, maker.some_day())
        firm.rows.append(maker.sale(firm, at, bill=bill))


def _screenshots(maker: Maker, firm: Firm) -> None:
    """Pictures of codes, collected and used up in a few minutes; some too late."""
    left = maker.fakes(firm)
    while left > 0:
        many = min(left, maker.dice.randint(12, 24))
        at = maker.open_hour(firm, maker.some_day())
        clerk = maker.dice.randrange(firm.clerks)
        for _n in range(many):
            at += timedelta(seconds=maker.dice.uniform(8, 25))
            one = maker.sale(firm, at)
            one.clerk, one.distance_m = clerk, None
            firm.rows.append(one)
            if maker.dice.random() < 0.3:
                firm.refused.append(at)
        left -= many


def _friends(maker: Maker, firm: Firm) -> None:
    """A few phones, on which many people's vouchers were claimed."""
    left = maker.fakes(firm)
    phones = [maker.device() for _n in range(max(2, left // maker.dice.randint(8, 14)))]
    for _n in range(left):
        at = maker.open_hour(firm, maker.some_day())
        one = maker.sale(firm, at, device=maker.dice.choice(phones))
        firm.rows.append(one)


def _far(maker: Maker, firm: Firm) -> None:
    """Redeemed from home, by a picture that came over the phone."""
    for _n in range(maker.fakes(firm)):
        at = maker.open_hour(firm, maker.some_day())
        one = maker.sale(firm, at)
        if maker.dice.random() < 0.8:
            one.distance_m = maker.dice.choice((2000, 5000, 10000))
        firm.rows.append(one)


def _night(maker: Maker, firm: Firm) -> None:
    """When the shop is shut and nobody looks."""
    for _n in range(maker.fakes(firm)):
        minute = maker.dice.randrange(22 * 60 + 30, 28 * 60)
        at = clock.at(maker.some_day(), 0) + timedelta(minutes=minute)
        firm.rows.append(maker.sale(firm, at))


_CROOKS: dict[str, Callable[[Maker, Firm], None]] = {
    "hugger": _hugger,
    "screenshots": _screenshots,
    "friends": _friends,
    "far": _far,
    "night": _night,
}


# --- Written down ---------------------------------------------------------------------


def make_market(seed: int) -> Market:
    """Draw a market and write it into the database, without its money."""
    maker = Maker(seed)
    firms = maker.firms()
    for firm in firms:
        maker.trade(firm)
    campaign, terms, lots = _campaign(seed)
    counters = {firm.number: _merchant(firm, seed) for firm in firms}
    rows = [(firm, one) for firm in firms for one in sorted(firm.rows, key=_moment)]
    people = _people([one.person for _firm, one in rows], seed)
    nth: dict[tuple[int, int], int] = {}
    vouchers = []
    for _firm, one in rows:
        person, lot = people[one.person], lots[one.tier]
        nth[person, 0] = nth.get((person, 0), 0) + 1
        nth[person, lot.tier_id] = nth.get((person, lot.tier_id), 0) + 1
        vouchers.append(
            Voucher(
                campaign=campaign,
                tier_id=lot.tier_id,
                lot=lot,
                terms=terms,
                person_id=person,
                number_of_person=nth[person, 0],
                number_in_tier=nth[person, lot.tier_id],
                most_in_tier=99,
                face_fen=one.tier[0] * 100,
                threshold_fen=one.tier[1] * 100,
                state="live" if one.undone else "redeemed",
                claimed_at=one.claimed_at,
                usable_from=one.claimed_at,
                expires_at=one.at + timedelta(days=30),
                device=one.device[:16],
                network=one.network[:16],
            )
        )
    Voucher.objects.bulk_create(vouchers, batch_size=2000)
    Redemption.objects.bulk_create(
        [
            _redemption(maker, one, of, counters[firm.number])
            for (firm, one), of in zip(rows, vouchers, strict=True)
        ],
        batch_size=2000,
    )
    RefusedScan.objects.bulk_create(
        [
            RefusedScan(
                shop=counters[firm.number].shop,
                clerk=counters[firm.number].clerks[0],
                code="voucher_stale",
                at=at,
            )
            for firm in firms
            for at in firm.refused
        ]
    )
    kinds = {counters[firm.number].shop.merchant_id: firm.kind for firm in firms}
    crooked = frozenset(pk for pk, kind in kinds.items() if kind in KINDS_OF_CROOKS)
    return Market(campaign, crooked, kinds, maker.first, len(rows))


def _moment(one: Sale) -> datetime:
    return one.at


def _campaign(seed: int) -> tuple[Campaign, Terms, dict[tuple[int, int], Lot]]:
    now = clock.now()
    campaign = Campaign.objects.create(
        slug=f"market-{seed}",
        name=f"Market {seed}",
        state=Campaign.State.PUBLISHED,
        appropriated_fen=10**12,
        published_at=now,
        created_at=now,
    )
    terms = Terms.objects.create(campaign=campaign, published_at=now, valid_days=30)
    opened = Round.objects.create(
        campaign=campaign,
        number=1,
        opens_at=clock.at(FIRST - timedelta(days=40), 0),
        closes_at=clock.at(FIRST + timedelta(days=DAYS), 0),
    )
    lots = {}
    for face, threshold in TIERS:
        tier = Tier.objects.create(
            campaign=campaign,
            face_fen=face * 100,
            threshold_fen=threshold * 100,
            count=10**6,
        )
        lots[face, threshold] = Lot.objects.create(
            round=opened, tier=tier, amount=10**6, laid_out=10**6
        )
    return campaign, terms, lots


@dataclass(frozen=True)
class Counter:
    """A shop and who works there."""

    shop: Shop
    clerks: Sequence[Member]


def _merchant(firm: Firm, seed: int) -> Counter:
    now = clock.now()
    square = MultiPolygon(Polygon.from_bbox((116.0, 35.0, 117.0, 36.0)), srid=4326)
    place, _new = District.objects.get_or_create(
        code="370811",
        defaults={
            "name": "任城区",
            "name_en": "Rencheng",
            "position": 1,
            "boundary": square,
        },
    )
    (boss, *people) = User.objects.bulk_create(
        User(username=f"market-{seed}-{firm.number}-{n}")
        for n in range(firm.clerks + 1)
    )
    made = Merchant.objects.create(
        name=f"{firm.kind} {firm.number}",
        credit_code=f"M{seed:06}{firm.number:04}",
        sports=[Sport.BADMINTON],
        bank_name="-",
        account_name="-",
        sealed_account=b"-",
        masked_account="-",
        contact=boss,
        state=Merchant.State.APPROVED,
        applied_at=now,
    )
    shop = Shop.objects.create(
        merchant=made,
        name="1",
        district=place,
        address="-",
        location=Point(116.587, 35.415, srid=4326),
        sports=[firm.sport],
    )
    clerks = Member.objects.bulk_create(
        Member(
            merchant=made,
            person=person,
            role="clerk",
            name="-",
            invited_at=now,
            joined_at=now,
        )
        for person in people
    )
    return Counter(shop, clerks)


def _people(names: Sequence[str], seed: int) -> dict[str, int]:
    unique = list(dict.fromkeys(names))
    made = User.objects.bulk_create(
        [User(username=f"market-{seed}-{name}") for name in unique], batch_size=5000
    )
    return {name: user.pk for name, user in zip(unique, made, strict=True)}


def _redemption(maker: Maker, one: Sale, of: Voucher, where: Counter) -> Redemption:
    return Redemption(
        voucher=of,
        merchant_id=where.shop.merchant_id,
        shop=where.shop,
        clerk=where.clerks[one.clerk % len(where.clerks)],
        sport=where.shop.sports[0],
        bill_fen=one.bill_fen,
        discount_fen=of.face_fen,
        state="undone" if one.undone else "done",
        redeemed_at=one.at,
        reversed_at=one.at + timedelta(minutes=5) if one.undone else None,
        gave_back=True if one.undone else None,
        request_key=UUID(int=maker.dice.getrandbits(128)),
        distance_m=one.distance_m,
        changed_at=one.at,
    )
