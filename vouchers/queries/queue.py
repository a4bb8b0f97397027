"""Turns in the queue in front of a rush, and the tokens that prove them.

A token is checked without the database: it says for which round and person it is and
when their turn is, and it is bound to whoever was handed it (a session's key, or a
token of the API). Elsewhere it is of no use (docs/vouchers/queue.md).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from django.conf import settings

from vouchers.errors.claiming import NoRush
from vouchers.models import QueueTicket, Round

_MAC_LENGTH = 40  # hex digits: 160 bits


@dataclass(frozen=True)
class Turn:
    """When a person may claim in a round, as a token says."""

    round_id: int
    person_id: int
    at: datetime


def turn_of(ticket: QueueTicket, round: Round) -> Turn:  # noqa: A002
    """The turn that a ticket gives; the round has a rush."""
    at = ticket.turn_at(_opening(round), round.spread_seconds)
    return Turn(round.pk, ticket.person_id, at)


def _opening(round: Round) -> datetime:  # noqa: A002
    if round.claims_from is None:
        raise NoRush
    return round.claims_from


def turn_token(turn: Turn, *, holder: str) -> str:
    """What the page carries and the claim hands back.

    `holder` is the key of the session, or what stands for a device of the API.
    """
    said = f"{turn.round_id}.{turn.person_id}.{_micros(turn.at)}"
    return f"{said}.{_mac(said, holder)}"


def read_turn(token: str, *, holder: str) -> Turn | None:
    """The turn of a token; None where it is forged, or was handed to another holder."""
    said, _, mac = token.rpartition(".")
    if not holder or not hmac.compare_digest(_mac(said, holder).encode(), mac.encode()):
        return None
    # It is ours, so it is well formed.
    round_id, person_id, micros = map(int, said.split("."))
    seconds, rest = divmod(micros, 10**6)
    at = datetime.fromtimestamp(seconds, UTC).replace(microsecond=rest)
    return Turn(round_id, person_id, at)


def _micros(moment: datetime) -> int:
    # Whole numbers: a float of today's seconds does not hold microseconds exactly.
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86400 + since.seconds) * 10**6 + since.microseconds


def _mac(said: str, holder: str) -> str:
    message = f"voucher-turn|{said}|{holder}".encode()
    key = settings.FINGERPRINT_KEY.encode()
    return hmac.new(key, message, sha256).hexdigest()[:_MAC_LENGTH]


@dataclass(frozen=True)
class Standing:
    """Where somebody stands, told honestly: chance decided, and nothing moves it."""

    turn_at: datetime
    about: int
    """The n-th of those present, as far as one can tell from the place drawn."""
    present: int
    came_late: bool


def standing_of(ticket: QueueTicket, round: Round, *, present: int) -> Standing:  # noqa: A002
    """`present` is how many have a ticket now; it may be a second old."""
    opens_at = _opening(round)
    present = max(present, 1)
    late = ticket.joined_at >= opens_at
    about = present if late else ticket.place * present // QueueTicket.PLACES + 1
    turn_at = ticket.turn_at(opens_at, round.spread_seconds)
    return Standing(turn_at, about, present, late)


def present_in(round: Round) -> int:  # noqa: A002 - what it is
    """How many have come; counts an index, so ask once a second at most."""
    return QueueTicket.objects.filter(round=round).count()
