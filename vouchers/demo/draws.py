"""Two draws: one with its proof to check, and one that can be entered now.

The numbers "of the lottery" are invented, and so is who entered. Salts and numbers of
entries come from the city's dice, so that the same people win each time; a real draw
takes them from `secrets`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from bureau.accounts.demo import CITY_STAFF, RENCHENG_STAFF
from bureau.common import clock, codes, sealed
from bureau.common.demo import DemoCity
from bureau.draws import actions as draws
from bureau.draws import sportdraw
from bureau.draws.actions import BeaconName
from bureau.draws.models import Beacon, Draw, DrawEntry
from vouchers.actions.round_draws import announce_round_draw
from vouchers.demo.campaigns import DemoCampaign
from vouchers.demo.people import Claimant, Crowd, id_number_of
from vouchers.demo.rows import Rows
from vouchers.models import DrawnVoucher, Lot, Round, Voucher

ENTRIES = 420
READ = {
    "fc-kl8": "02 05 09 13 19 21 27 30 34 38 41 45 49 53 56 60 64 68 73 77",
    "fc-3d": "7 1 9",
}


def fill(city: DemoCity, made: DemoCampaign, rows: Rows, crowd: Crowd) -> None:
    over, open_now = made.round(3), made.round(6)
    draw = _announced(city, over)
    people = [*crowd.named, *city.dice.sample(crowd.others, k=ENTRIES)]
    _enter(city, rows, draw, over, people)
    _draw(over, draw)
    _hand_out(rows, over, draw, {who.user.pk: who for who in people})
    coming = _announced(city, open_now)
    early = city.dice.sample(crowd.others, k=90)
    _enter(city, rows, coming, open_now, early)


def _announced(city: DemoCity, of: Round) -> Draw:
    assert of.draws_at is not None  # noqa: S101 - a constraint promises it
    on = clock.local_day(of.draws_at)
    issue = f"{on:%Y}{on.timetuple().tm_yday:03}"
    return announce_round_draw(
        round=of,
        beacons=[BeaconName(source, issue) for source in READ],
        code=city.code(codes.LENGTH),
        by=CITY_STAFF.user(),
        at=of.opens_at - timedelta(hours=2),
    )


def _enter(
    city: DemoCity,
    rows: Rows,
    draw: Draw,
    of: Round,
    people: list[Claimant],
) -> None:
    """Rows as `draws.enter` leaves them; each person where there is room for one."""
    pools = {pool.prefix: pool for pool in draw.pools.all()}
    last = min(of.closes_at, city.now)
    entries = []
    for who in people:
        lots = [
            lot for lot in rows.made.lots[of.number] if rows.may_claim(who, lot.tier)
        ]
        if not lots:
            continue
        prefix = city.one_of(lots).tier.pool_prefix
        number = id_number_of(who.user)
        salt = city.dice.randbytes(draws.entering.SALT_BYTES)
        entry = DrawEntry(
            draw=draw,
            pool=pools[prefix],
            person=who.user,
            subject=sealed.fingerprint(number, purpose="draw-subject"),
            entry_id=sportdraw.id_of(
                prefix=prefix,
                random_part=city.code(sportdraw.RANDOM_PART),
                group_size=None,
            ),
            salt_sealed=sealed.seal(salt.hex()),
            commit=sportdraw.commit_of(salt=salt, id_number=number),
            entered_at=of.opens_at + (last - of.opens_at) * city.dice.random(),
        )
        entries.append(entry)
        rows.note(entry.entered_at, "draws.entry.entered", entry, who.user)
    DrawEntry.objects.bulk_create(entries)


def _draw(of: Round, draw: Draw) -> None:
    draws.freeze_draw(draw=draw, at=draw.freezes_at)
    for beacon in draw.beacons.order_by("position"):
        _read(beacon, draw.draws_at + timedelta(minutes=10))
    # The round knows already what becomes of the result, so that nobody hands it out
    # a second time.
    of.laid_out_at = of.closes_at + timedelta(seconds=30)
    of.handed_out_at = draw.draws_at + timedelta(minutes=12)
    of.ended_at = of.handed_out_at + timedelta(seconds=30)
    of.save(update_fields=["laid_out_at", "handed_out_at", "ended_at"])
    draws.run_draw(draw=draw, at=draw.draws_at + timedelta(minutes=11))


def _read(beacon: Beacon, at: datetime) -> None:
    for reader in (CITY_STAFF.user(), RENCHENG_STAFF.user()):
        draws.read_beacon(beacon=beacon, value=READ[beacon.source], by=reader, at=at)


def _hand_out(rows: Rows, of: Round, draw: Draw, people: dict[int, Claimant]) -> None:
    lots: dict[str, Lot] = {
        lot.tier.pool_prefix: lot for lot in rows.made.lots[of.number]
    }
    won = draw.entries.filter(outcome=DrawEntry.Outcome.WON).select_related("pool")
    at = of.handed_out_at
    assert at is not None and of.draw is not None  # noqa: PT018, S101 - set above
    for entry in won.order_by("pool", "rank"):
        lot = lots[entry.pool.prefix]
        who = people[entry.person_id or 0]
        voucher = rows.claim(who, lot, at, Voucher.Way.DRAW)
        rows.drawn.append(
            DrawnVoucher(entry=entry, lot=lot, voucher=voucher, decided_at=at)
        )
