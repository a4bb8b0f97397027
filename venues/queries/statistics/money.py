"""What the venues took in: paid minus refunded, to the fen as the ledger has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from venues.queries.statistics.scope import Scope

TRANSFER = "transfer"
"""The way of money that a club sent by bank: it is in no payment of the ledger."""

# A payment counts on the day on which it was paid, a refund on the day on which it was
# asked for: from then on the ledger holds it back (`Payment.refunded_fen`). What a club
# sent by bank, and what staff send back, stands on its invoice and counts alike. The
# money of a booking of several sports stands under no single one.
_MOVES = """
    WITH moves AS (
        SELECT owner_model, owner_id, provider, paid_at AS at,
               amount_fen AS paid, 0 AS refunded
          FROM payments_payment
         WHERE owner_app = 'venues' AND state = 'paid'
           AND paid_at >= %(since)s AND paid_at < %(until)s
        UNION ALL
        SELECT payment.owner_model, payment.owner_id, payment.provider,
               refund.created_at, 0, refund.amount_fen
          FROM payments_refund refund
          JOIN payments_payment payment ON payment.id = refund.payment_id
         WHERE payment.owner_app = 'venues'
           AND refund.created_at >= %(since)s AND refund.created_at < %(until)s
        UNION ALL
        SELECT 'invoice', id, %(transfer)s, paid_at, transferred_fen, 0
          FROM venues_invoice
         WHERE transferred_fen > 0
           AND paid_at >= %(since)s AND paid_at < %(until)s
        UNION ALL
        SELECT 'invoice', invoice_id, %(transfer)s, asked_at, 0, fen
          FROM venues_transferback
         WHERE asked_at >= %(since)s AND asked_at < %(until)s
    ), owned AS (
        SELECT moves.*, booking.channel, booking.venue_id, played.sport
          FROM moves
          JOIN venues_booking booking
            ON moves.owner_model = 'booking' AND booking.id = moves.owner_id
          CROSS JOIN LATERAL (
               SELECT CASE WHEN min(court.sport) = max(court.sport)
                           THEN min(court.sport) ELSE '' END AS sport
                 FROM venues_bookingline line
                 JOIN venues_bookable court ON court.id = line.bookable_id
                WHERE line.booking_id = booking.id) played
        UNION ALL
        SELECT moves.*, 'series', season.venue_id, court.sport
          FROM moves
          JOIN venues_invoice invoice
            ON moves.owner_model = 'invoice' AND invoice.id = moves.owner_id
          JOIN venues_seasonrequest request ON request.id = invoice.request_id
          JOIN venues_season season ON season.id = request.season_id
          JOIN venues_bookable court ON court.id = request.bookable_id
    )
    SELECT venue_id, provider, channel, sport,
           to_char(at AT TIME ZONE 'Asia/Shanghai', 'YYYY-MM') AS month,
           sum(paid)::bigint, sum(refunded)::bigint
      FROM owned
     WHERE venue_id = ANY(%(venues)s) AND (%(sport)s = '' OR sport = %(sport)s)
     GROUP BY 1, 2, 3, 4, 5
     ORDER BY 1, 2, 3, 4, 5
"""


@dataclass
class Taking:
    """Fen that came in, and fen that went back."""

    paid: int = 0
    refunded: int = 0

    @property
    def kept(self) -> int:
        return self.paid - self.refunded


@dataclass(frozen=True)
class Money:
    """The same fen from five sides; each of them adds up to the total."""

    total: Taking
    venues: dict[int, Taking]
    methods: dict[str, Taking]
    channels: dict[str, Taking]
    sports: dict[str, Taking]
    """Under "" what was paid for several sports at once."""
    months: dict[str, Taking]
    transfers: dict[int, Taking]
    """By venue, what of it went by bank."""


def money_in(scope: Scope) -> Money:
    """One question. With a sport, only what was paid for that sport alone."""
    with connection.cursor() as cursor:
        cursor.execute(
            _MOVES,
            {
                "since": scope.since,
                "until": scope.until,
                "venues": scope.venue_ids,
                "sport": scope.sport,
                "transfer": TRANSFER,
            },
        )
        rows = cursor.fetchall()
    total = Taking()
    sides: list[dict[object, Taking]] = [defaultdict(Taking) for _side in range(5)]
    transfers: dict[object, Taking] = defaultdict(Taking)
    for *keys, paid, refunded in rows:
        venue_id, method, *_others = keys
        of_bank = [transfers[venue_id]] if method == TRANSFER else []
        for taking in (total, *_of(sides, keys), *of_bank):
            taking.paid += paid
            taking.refunded += refunded
    in_parts = [dict(side) for side in (*sides, transfers)]
    return Money(total, *in_parts)  # type: ignore[arg-type]


def _of(sides: list[dict[object, Taking]], keys: list[object]) -> Iterable[Taking]:
    return (side[key] for side, key in zip(sides, keys, strict=True))
