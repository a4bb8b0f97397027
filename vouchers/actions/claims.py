"""Claiming: one statement gives a voucher, or nothing (docs/adr/0013).

The statement looks at everything that speaks against it, writes the voucher, takes one
from a shard of the stock, moves the money and notes who did it. Three constraints hold
it, whoever comes at the same moment: no shard falls below nothing, one person's claims
want the same number and so come one after the other, and nobody has more of a tier than
allowed. Whoever breaks one of them looks again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from django.db import IntegrityError, connection, transaction

from bureau.accounts.models import User
from bureau.common import clock, codes
from bureau.common.db import prepared
from bureau.common.http import origin
from bureau.common.trusted import note_answer
from vouchers.actions.queue import call_next, refuse
from vouchers.actions.stock import lay_out_round, note_sold_out
from vouchers.actions.together import first_of, give_together
from vouchers.errors.claiming import (
    Busy,
    CampaignClosed,
    KeptForOthers,
    NoRush,
    NoSuchLot,
    NotInTheQueue,
    NotOpenYet,
    NotYourTurn,
    PageIsOld,
    RoundOver,
    SignedOut,
    SoldOut,
    TooManyClaims,
    TurnForged,
    round_over,
)
from vouchers.models import Lot, QueueTicket, StockShard, Voucher
from vouchers.queries.eligibility import MARKS, VERDICT, reasons_of, verdict_given
from vouchers.queries.lots import LotFacts, forget_lots, lot_facts, remembered_lot
from vouchers.queries.queue import Turn, read_turn, turn_of
from vouchers.queries.validity import validity_of

TRIES = 40
"""Each broken constraint means that somebody else got one: so this has an end."""

_CLAIM = f"""
WITH {VERDICT}, pick AS (
    SELECT coalesce(
        (SELECT shard FROM vouchers_stockshard
          WHERE lot_id = $16::bigint AND shard = $17::int AND remaining > 0),
        (SELECT shard FROM vouchers_stockshard
          WHERE lot_id = $16::bigint AND remaining > 0
       ORDER BY (shard + {StockShard.SHARDS} - $17::int) % {StockShard.SHARDS}
          LIMIT 1)) AS shard
), voucher AS (
    INSERT INTO vouchers_voucher (
        code, campaign_id, tier_id, lot_id, terms_id, person_id, number_of_person,
        number_in_tier, most_in_tier, face_fen, threshold_fen, way, state, claimed_at,
        usable_from, expires_at, device, network)
    SELECT $18::text, $4::bigint, $6::bigint, $16::bigint, $5::bigint, $1::bigint,
           chosen.number_of_person, chosen.number_in_tier, $8::int, $7::int, $19::int,
           $20::text, 'live', $3::timestamptz, $21::timestamptz, $22::timestamptz,
           $23::text, $24::text
      FROM chosen, verdict, pick
     WHERE verdict.codes = '{{}}' AND pick.shard IS NOT NULL
       AND $30::int IN (0, chosen.number_of_person)
 RETURNING id
), taken AS (
    UPDATE vouchers_stockshard AS stock SET remaining = stock.remaining - 1
      FROM voucher, pick
     WHERE stock.lot_id = $16::bigint AND stock.shard = pick.shard
 RETURNING stock.remaining
), moved AS (
    INSERT INTO vouchers_transfer (
        campaign_id, kind, debit_id, credit_id, amount_fen, at, voucher_id, by_id)
    SELECT $4::bigint, 'claim', $25::bigint, $26::bigint, $7::int, $3::timestamptz,
           voucher.id, CASE WHEN $29::boolean THEN $1::bigint END
      FROM voucher, taken
), noted AS (
    INSERT INTO audit_entry (
        event, subject_type, subject_id, actor_id, actor_name, actor_role, occurred_at,
        ip, request_id, detail)
    SELECT 'vouchers.voucher.claimed', 'vouchers.voucher', voucher.id,
           CASE WHEN $29::boolean THEN $1::bigint END,
           CASE WHEN $29::boolean THEN person.name ELSE '' END,
           CASE WHEN $29::boolean THEN coalesce((
                SELECT string_agg(name, ', ' ORDER BY name COLLATE "C")
                  FROM accounts_user_groups AS role
                  JOIN auth_group ON auth_group.id = role.group_id
                 WHERE role.user_id = $1::bigint), '') ELSE '' END,
           $3::timestamptz, $27::inet, $28::text,
           jsonb_build_object('lot', $16::bigint, 'way', $20::text)
      FROM voucher, taken, person
)
SELECT verdict.codes, voucher.id, taken.remaining, chosen.number_of_person
  FROM verdict
CROSS JOIN chosen
LEFT JOIN voucher ON true
LEFT JOIN taken ON true
"""  # noqa: S608 - our own text
_CLAIM_MARKS = MARKS + 15

# Somebody came first: at the person's own number, or at the last one of a shard.
_LOOK_AGAIN = {
    "vouchers_voucher_one_at_a_time",
    "vouchers_voucher_within_the_tier",
    "vouchers_stockshard_not_oversold",
    "vouchers_voucher_code_key",
}


Answer = tuple[list[str], int | None, int | None, int]
"""What speaks against it; the voucher; what its shard has left; its number."""


@dataclass(frozen=True)
class Claimed:
    """What a claim came to."""

    voucher_id: int
    code: str
    left_in_shard: int


@dataclass(frozen=True)
class Where:
    """What a claim is known by later: keyed hashes, no more (vouchers/http)."""

    device: str = ""
    network: str = ""


NOWHERE = Where()


def claim_voucher(
    *,
    lot: Lot,
    by: User,
    ticket: QueueTicket | None = None,
    nth: int = 0,
    at: datetime | None = None,
    where: Where = NOWHERE,
) -> Voucher:
    """Give one voucher of a lot to a person whose turn it is.

    `ticket` is theirs of the lot's round (it is looked up where it is not given). `nth`
    says which voucher of the person in the campaign this shall be, counted from 1: the
    same one asked for again comes back as it is.

    Raises `NoSuchLot`, `CampaignClosed`, `NoRush`, `NotOpenYet`, `RoundOver`,
    `NotInTheQueue`, `NotYourTurn`, `KeptForOthers`, `SoldOut`, `NotEligible`,
    `AlreadyClaimed`, `PageIsOld`, `Busy`.
    """
    at = at or clock.now()
    facts = lot_facts(lot.pk)
    if facts is None:
        raise NoSuchLot
    _refuse_closed(facts, at=at)
    if ticket is None:
        ticket = QueueTicket.objects.filter(round=facts.round, person=by).first()
    if ticket is None or (ticket.round_id, ticket.person_id) != (facts.round.pk, by.pk):
        raise NotInTheQueue
    turn = turn_of(ticket, facts.round)
    _refuse_early(turn, at=at)
    facts = _refuse_uncalled(facts, turn, at=at)
    claimed = give(facts, person_id=by.pk, at=at, where=where, nth=nth)
    return Voucher.objects.get(pk=claimed.voucher_id)


def claim_by_token(
    *,
    token: str,
    lot_id: int,
    holder: str,
    session: str = "",
    nth: int = 0,
    at: datetime,
    where: Where = NOWHERE,
) -> Claimed:
    """`claim_voucher` for who shows a turn token: in most cases one statement.

    `holder` is what the token was handed to. With a `session` key, its row has to be
    there still, which is looked at in the same statement. That all are gone, a process
    remembers for a second. First vouchers of a campaign go together with those of
    others who claim at the same moment (`vouchers.actions.together`).

    Raises what `claim_voucher` raises, and `TurnForged`, `SignedOut`, `TooManyClaims`.
    """
    turn = read_turn(token, holder=holder)
    facts = remembered_lot(lot_id)
    if facts is None:
        raise NoSuchLot
    if turn is None or turn.round_id != facts.round.pk:
        raise TurnForged
    _tries.count(turn.person_id)
    _refuse_closed(facts, at=at)
    if facts.claims_from is not None and turn.at < facts.claims_from:
        raise TurnForged  # of an opening that was put off since
    _refuse_early(turn, at=at)
    if _gone.is_remembered(lot_id):
        raise SoldOut
    facts = _refuse_uncalled(facts, turn, at=at)
    if nth <= 1 and not connection.in_atomic_block:
        claimed = _together(facts, turn.person_id, session, at=at, where=where)
        if claimed is not None:
            return claimed
    try:
        return give(
            facts,
            person_id=turn.person_id,
            session=session,
            at=at,
            where=where,
            nth=nth,
        )
    except SoldOut:
        _gone.remember(lot_id)
        raise


def _together(
    facts: LotFacts, person_id: int, session: str, *, at: datetime, where: Where
) -> Claimed | None:
    """Somebody's first voucher of the campaign; None: ask about everything."""
    code = codes.new_code()
    first = first_of(
        facts,
        person_id=person_id,
        session=session,
        code=code,
        device=where.device,
        network=where.network,
        at=at,
    )
    if first is None:
        return None
    give_together(first)
    if first.voucher_id is None:
        return None
    if first.left_in_shard == 0:
        note_sold_out(facts.lot.pk)
    return Claimed(first.voucher_id, code, first.left_in_shard)


class _Gone:
    """Lots of which nothing was left a moment ago. It may refuse, and never grants."""

    seconds = 1.0

    def __init__(self) -> None:
        self.seen: dict[int, float] = {}

    def remember(self, lot_id: int) -> None:
        if len(self.seen) > 1000:
            self.seen.clear()
        self.seen[lot_id] = monotonic()

    def is_remembered(self, lot_id: int) -> bool:
        return monotonic() - self.seen.get(lot_id, -self.seconds) < self.seconds


class _Tries:
    """How often somebody taps. Two servers count for themselves: it need not be exact.

    In the memory of the process, since claims go on without Redis.
    """

    most, seconds = 10, 5

    def __init__(self) -> None:
        self.window = 0
        self.counts: dict[int, int] = {}

    def count(self, person_id: int) -> None:
        window = int(monotonic()) // self.seconds
        if window != self.window:
            self.window, self.counts = window, {}
        tries = self.counts[person_id] = self.counts.get(person_id, 0) + 1
        if tries > self.most:
            raise TooManyClaims(after=self.seconds)


_gone, _tries = _Gone(), _Tries()


def _refuse_closed(facts: LotFacts, *, at: datetime) -> None:
    if facts.is_closed:
        raise CampaignClosed
    if not facts.is_published:
        raise NoSuchLot
    if facts.claims_from is None or facts.claims_until is None:
        raise NoRush
    if at < facts.claims_from:
        raise NotOpenYet(opens_at=clock.at_text(facts.claims_from))
    if at >= facts.claims_until:
        raise round_over(facts.round.called_off_for)


def _refuse_early(turn: Turn, *, at: datetime) -> None:
    if at < turn.at:
        local = turn.at.astimezone(clock.CHINA)
        raise NotYourTurn(turn_at=f"{local:%H:%M:%S}")


def _refuse_uncalled(facts: LotFacts, turn: Turn, *, at: datetime) -> LotFacts:
    """Refuse who has not been called while vouchers are kept for others.

    It is asked of facts that are at most a second old, and costs no question then.
    """
    if facts.calls_next_at(at):
        call_next(lot_id=facts.lot.pk, at=at)
        forget_lots()
        facts = remembered_lot(facts.lot.pk) or facts
    if facts.lot.is_kept_from(turn.at):
        if facts.lot.sold_out_at is not None:
            raise SoldOut
        raise KeptForOthers(facts.lot.held_until or at)
    return facts


def give(
    facts: LotFacts,
    *,
    person_id: int,
    at: datetime,
    session: str = "",
    where: Where = NOWHERE,
    way: Voucher.Way = Voucher.Way.RUSH,
    nth: int = 0,
) -> Claimed:
    """Write a voucher of a lot for a person, or raise what speaks against it.

    Times and turns are the caller's. A drawn voucher is given by the portal, and its
    place was looked at when the person entered.
    """
    for _look in range(TRIES):
        code = codes.new_code()
        answer = _ask(
            [
                *verdict_given(
                    facts,
                    person_id=person_id,
                    session=session,
                    at=at,
                    checks_place=way == Voucher.Way.RUSH,
                ),
                *_voucher_given(
                    facts,
                    person_id=person_id,
                    code=code,
                    at=at,
                    where=where,
                    way=way,
                    nth=nth,
                ),
            ]
        )
        if answer is None:
            continue
        reasons, voucher_id, left, number = answer
        if voucher_id is not None:
            if left == 0:
                note_sold_out(facts.lot.pk)
            return Claimed(voucher_id, code, left or 0)
        if 0 < nth < number and "signed_out" not in reasons:
            return _claimed_before(facts, person_id=person_id, nth=nth)
        if "changed" not in reasons:
            _refuse(reasons, facts)
            _refuse_sold_out(facts, at=at)
        # Rules were published in this second, or the scheduler is away and nobody had
        # laid the stock out.
        forget_lots()
        facts = lot_facts(facts.lot.pk) or facts
        if not facts.is_published:
            raise CampaignClosed
    raise Busy


def _voucher_given(
    facts: LotFacts,
    *,
    person_id: int,
    code: str,
    at: datetime,
    where: Where,
    way: Voucher.Way,
    nth: int,
) -> list[Any]:
    """The values for the marks of `_CLAIM` behind those of `VERDICT`."""
    validity = validity_of(facts.terms, claimed_at=at)
    if validity.is_empty:
        raise RoundOver
    source = origin()
    return [
        facts.lot.pk,
        person_id % StockShard.SHARDS,
        code,
        facts.lot.tier.threshold_fen,
        way.value,
        validity.usable_from,
        validity.expires_at,
        where.device,
        where.network,
        facts.pool_account,
        facts.live_account,
        source.ip,
        source.request_id,
        way == Voucher.Way.RUSH,
        nth,
    ]


def _claimed_before(facts: LotFacts, *, person_id: int, nth: int) -> Claimed:
    """The same tap again, or one whose answer was lost: the same answer."""
    found = Voucher.objects.get(
        campaign=facts.round.campaign_id, person=person_id, number_of_person=nth
    )
    if found.lot_id != facts.lot.pk:
        raise PageIsOld
    return Claimed(found.pk, found.code, 0)


def _refuse_sold_out(facts: LotFacts, *, at: datetime) -> None:
    """Raise `SoldOut`, unless the stock was not laid out before this moment."""
    if facts.round.laid_out_at is None and lay_out_round(
        round_id=facts.round.pk, at=at
    ):
        return
    note_sold_out(facts.lot.pk)
    raise SoldOut


def _ask(given: Sequence[Any]) -> Answer | None:
    """The answer of the statement; None where somebody else came first."""
    try:
        if not connection.in_atomic_block:
            return _execute(given)
        with transaction.atomic():  # a savepoint: what is around it goes on
            return _execute(given)
    except IntegrityError as broken:
        diagnostics = getattr(broken.__cause__, "diag", None)
        if getattr(diagnostics, "constraint_name", "") not in _LOOK_AGAIN:
            raise
        return None


def _execute(given: Sequence[Any]) -> Answer:
    with connection.cursor() as cursor:
        cursor.execute(prepared("vouchers_claim", _CLAIM, _CLAIM_MARKS), given)
        found: Answer = cursor.fetchone()
    note_answer()
    return found


def _refuse(reasons: list[str], facts: LotFacts) -> None:
    if "signed_out" in reasons:
        raise SignedOut
    refuse(reasons_of(reasons, facts.terms, facts.lot))
