"""First vouchers of people who claim in the same moment: one statement for all of them.

In the second in which a rush opens nearly everybody is somebody who has nothing of the
campaign yet. So little has to be asked of them that it can be asked of several at once:
claims that come while others are on their way to the database wait, and go together.
Who is not given a voucher this way is not refused: `claims.give` asks about everything,
and has the words. The constraints are the same for both (docs/adr/0018).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from threading import Lock

from django.db import DEFAULT_DB_ALIAS, Error, connections

from bureau.common import clock
from bureau.common.db import is_outage, prepared
from bureau.common.http import origin
from bureau.common.trusted import note_answer
from vouchers.models import StockShard
from vouchers.queries.eligibility import NAME_OF
from vouchers.queries.lots import LotFacts
from vouchers.queries.validity import validity_of

MOST_TOGETHER = 16
PATIENCE = 1.0
"""Seconds that a claim waits for those before it. Then it goes alone."""

# $2 is what is the same for all of them; $3 are the beginnings of IDs that may, $4 the
# shard to begin at.
_NUMBERS = (
    "lot",
    "campaign",
    "tier",
    "terms",
    "version",
    "face",
    "threshold",
    "most",
    "pool",
    "live",
    "least_age",
    "most_age",
)
_OF = {name: f"($2::bigint[])[{n}]" for n, name in enumerate(_NUMBERS, start=1)}

_GIVE = f"""
WITH said AS (
    SELECT *
      FROM json_to_recordset($1::json) AS one (
           person bigint, session text, at timestamptz, code text,
           usable_from timestamptz, expires_at timestamptz, device text, network text,
           ip inet, request_id text)
     LIMIT {MOST_TOGETHER}
), free AS (
    SELECT said.*, {NAME_OF} AS name
      FROM said
      JOIN accounts_user AS someone ON someone.id = said.person
      JOIN accounts_verifiedidentity AS identity ON identity.user_id = said.person
     WHERE someone.is_active
       AND EXISTS (
           SELECT FROM django_session AS session
            WHERE session.session_key = said.session
              AND session.expire_date > said.at)
       AND NOT EXISTS (
           SELECT FROM vouchers_voucher AS held
            WHERE held.campaign_id = {_OF["campaign"]} AND held.person_id = said.person)
       AND NOT EXISTS (
           SELECT FROM accounts_user_groups AS role WHERE role.user_id = said.person)
       AND ({_OF["least_age"]} IS NULL OR identity.birth_on
            <= (said.at AT TIME ZONE '{clock.CHINA}')::date
               - make_interval(years => {_OF["least_age"]}::int))
       AND ({_OF["most_age"]} IS NULL OR identity.birth_on
            > (said.at AT TIME ZONE '{clock.CHINA}')::date
              - make_interval(years => {_OF["most_age"]}::int + 1))
       AND (cardinality($3::text[]) = 0
            OR left(identity.masked_id_number, 4) = ANY ($3::text[]))
), stock AS (
    SELECT shard
      FROM vouchers_stockshard
     WHERE lot_id = {_OF["lot"]} AND remaining >= json_array_length($1::json)
       AND EXISTS (
           SELECT FROM vouchers_campaign AS campaign
            WHERE campaign.id = {_OF["campaign"]} AND campaign.state = 'published')
       AND NOT EXISTS (
           SELECT FROM vouchers_terms AS newer
            WHERE newer.campaign_id = {_OF["campaign"]}
              AND newer.version > {_OF["version"]}
              AND newer.published_at IS NOT NULL)
  ORDER BY (shard + {StockShard.SHARDS} - $4::int) % {StockShard.SHARDS}
     LIMIT 1
), voucher AS (
    INSERT INTO vouchers_voucher (
        code, campaign_id, tier_id, lot_id, terms_id, person_id, number_of_person,
        number_in_tier, most_in_tier, face_fen, threshold_fen, way, state, claimed_at,
        usable_from, expires_at, device, network)
    SELECT free.code, {_OF["campaign"]}, {_OF["tier"]}, {_OF["lot"]}, {_OF["terms"]},
           free.person, 1, 1, {_OF["most"]}, {_OF["face"]}, {_OF["threshold"]}, 'rush',
           'live', free.at, free.usable_from, free.expires_at, free.device, free.network
      FROM free, stock
  ORDER BY free.person
 RETURNING id, person_id, claimed_at
), taken AS (
    UPDATE vouchers_stockshard AS shard SET remaining = shard.remaining - given.number
      FROM stock, (SELECT count(*) AS number FROM voucher) AS given
     WHERE shard.lot_id = {_OF["lot"]} AND shard.shard = stock.shard
       AND given.number > 0
 RETURNING shard.remaining
), moved AS (
    INSERT INTO vouchers_transfer (
        campaign_id, kind, debit_id, credit_id, amount_fen, at, voucher_id, by_id)
    SELECT {_OF["campaign"]}, 'claim', {_OF["pool"]}, {_OF["live"]}, {_OF["face"]},
           voucher.claimed_at, voucher.id, voucher.person_id
      FROM voucher, taken
), noted AS (
    INSERT INTO audit_entry (
        event, subject_type, subject_id, actor_id, actor_name, actor_role, occurred_at,
        ip, request_id, detail)
    SELECT 'vouchers.voucher.claimed', 'vouchers.voucher', voucher.id, free.person,
           free.name, '', free.at, free.ip, free.request_id,
           jsonb_build_object('lot', {_OF["lot"]}, 'way', 'rush')
      FROM voucher, free, taken
     WHERE free.person = voucher.person_id
)
SELECT voucher.person_id, voucher.id, taken.remaining FROM voucher, taken
"""  # noqa: S608 - our own text


def _locked() -> Lock:
    lock = Lock()
    lock.acquire()
    return lock


@dataclass(eq=False)
class First:
    """A claim for somebody's first voucher of a campaign.

    `called` is let go when its turn has come, or its answer is there.
    """

    facts: LotFacts
    person_id: int
    said: str
    is_on_its_way: bool = False
    called: Lock = field(default_factory=_locked)
    voucher_id: int | None = None
    left_in_shard: int = 0
    error: BaseException | None = None

    @property
    def wants(self) -> tuple[int, int]:
        """From which lot, under which rules: the same for all who go together."""
        return self.facts.lot.pk, self.facts.terms.pk


def first_of(
    facts: LotFacts,
    *,
    person_id: int,
    session: str,
    code: str,
    device: str,
    network: str,
    at: datetime,
) -> First | None:
    """A claim that may go with others; None where more has to be asked about it."""
    validity = validity_of(facts.terms, claimed_at=at)
    if not session or validity.is_empty or not facts.is_free_for_the_first:
        return None
    source = origin()
    said = {
        "person": person_id,
        "session": session,
        "at": at.isoformat(),
        "code": code,
        "usable_from": validity.usable_from.isoformat(),
        "expires_at": validity.expires_at.isoformat(),
        "device": device,
        "network": network,
        "ip": source.ip,
        "request_id": source.request_id,
    }
    return First(facts, person_id, json.dumps(said))


class _Company:
    """Who claims while others are on their way. One party goes at a time.

    Who comes back from the way calls the first of those who wait, and that one takes
    along whoever waits by then. What waits here is in memory only, and its browsers
    wait for their answers: where the process dies, nothing was promised to anybody.
    """

    def __init__(self) -> None:
        self.door = Lock()
        self.somebody_is_out = False
        self.waiting: list[First] = []

    def give(self, mine: First) -> None:
        """Ask for this one, or find it asked for by who went before."""
        if self._waits(mine) and self._leaves(mine):
            return
        if not mine.is_on_its_way:
            party = [mine]
            try:
                party = self._with(mine)
                _ask(party)
            finally:
                self.call_the_next()
                for one in party:
                    one.called.release()
        if mine.error is not None:
            raise mine.error

    def _waits(self, mine: First) -> bool:
        with self.door:
            if not self.somebody_is_out:
                self.somebody_is_out = True
                return False
            self.waiting.append(mine)
            return True

    def _leaves(self, mine: First) -> bool:
        """Whether nobody has called this one in time."""
        if mine.called.acquire(timeout=PATIENCE):
            return False
        with self.door:
            if mine in self.waiting:
                self.waiting.remove(mine)
                return True
        mine.called.acquire()  # it is on its way: the answer comes with those
        return False

    def _with(self, mine: First) -> list[First]:
        """Who goes now: this one, and others from the same lot; each person once."""
        with self.door:
            party = {mine.person_id: mine}
            for other in self.waiting:
                if len(party) < MOST_TOGETHER and other.wants == mine.wants:
                    party.setdefault(other.person_id, other)
            for one in party.values():
                one.is_on_its_way = True
            self.waiting = [one for one in self.waiting if not one.is_on_its_way]
        return sorted(party.values(), key=lambda one: one.person_id)

    def call_the_next(self) -> None:
        """The way is free for another party."""
        with self.door:
            if self.waiting:
                self.waiting.pop(0).called.release()
            else:
                self.somebody_is_out = False


_company = _Company()


def give_together(first: First) -> None:
    """Give a voucher to who has none of the campaign, or leave it as it is.

    Not inside of a transaction: others would be part of it.
    """
    _company.give(first)


def _ask(party: Sequence[First]) -> None:
    try:
        answers = _execute(party)
    except BaseException as error:
        if isinstance(error, Error) and not is_outage(error):
            # Nothing is written. Somebody came first, at a person's own number or at
            # the last ones of a shard, or one of them is asked for what there is not:
            # each goes alone, and hears what there is to hear.
            return
        # Of a connection that was lost nobody knows what is done: all are told so.
        for one in party:
            one.error = error
        raise
    note_answer()
    for one in party:
        one.voucher_id, one.left_in_shard = answers.get(one.person_id, (None, 0))


def _execute(party: Sequence[First]) -> dict[int, tuple[int, int]]:
    said = f"[{','.join(one.said for one in party)}]"
    facts = party[0].facts
    call = prepared("vouchers_first", _GIVE, 4)
    # A cursor of the driver's own, on a connection that was looked up once: Django's
    # proxies take longer than what is between them.
    through = connections[DEFAULT_DB_ALIAS]
    with through.wrap_database_errors, through.connection.cursor() as cursor:
        # Servers take from different rows, as long as they can: nobody waits then.
        shard = through.connection.get_backend_pid() % StockShard.SHARDS
        given = [said, _numbers_of(facts), facts.terms.id_prefixes, shard]
        cursor.execute(call, given)
        return {person: (pk, left) for person, pk, left in cursor.fetchall()}


@lru_cache(maxsize=64)
def _numbers_of(facts: LotFacts) -> str:
    """$2, as PostgreSQL reads it."""
    tier, terms = facts.lot.tier, facts.terms
    values = {
        "lot": facts.lot.pk,
        "campaign": facts.round.campaign_id,
        "tier": tier.pk,
        "terms": terms.pk,
        "version": terms.version,
        "face": tier.face_fen,
        "threshold": tier.threshold_fen,
        "most": tier.per_person,
        "pool": facts.pool_account,
        "live": facts.live_account,
        "least_age": terms.least_age,
        "most_age": terms.most_age,
    }
    said = ("NULL" if values[name] is None else str(values[name]) for name in _NUMBERS)
    return f"{{{','.join(said)}}}"
