"""Balances, read from the book."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from vouchers.models import Account, Campaign

_BALANCES = """
    SELECT account.kind, account.tier_id, account.merchant_id,
           coalesce(sum(posting.amount_fen), 0)::bigint
      FROM vouchers_account AS account
 LEFT JOIN vouchers_posting AS posting ON posting.account_id = account.id
     WHERE account.campaign_id = %s
  GROUP BY account.id
  ORDER BY account.id
"""


@dataclass(frozen=True)
class Balances:
    """The money of a campaign by condition, in fen.

    `appropriated` = `pool` + `live` + `payable` + `settled` + `lapsed` + `returned`.
    """

    pool: int
    live: dict[int, int]
    """By tier."""
    payable: dict[int, int]
    """By merchant; below nothing where a merchant owes us."""
    settled: dict[int, int]
    """By merchant."""
    lapsed: int
    returned: int
    appropriated: int

    @property
    def total(self) -> int:
        """All of it; equals `appropriated`."""
        return (
            self.pool
            + sum(self.live.values())
            + sum(self.payable.values())
            + sum(self.settled.values())
            + self.lapsed
            + self.returned
        )


def balances_of(campaign: Campaign) -> Balances:
    """Where the money of a campaign is. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES, [campaign.pk])
        rows = cursor.fetchall()
    kind = Account.Kind
    one = {row[0]: row[3] for row in rows if row[1] is None and row[2] is None}
    return Balances(
        pool=one.get(kind.POOL, 0),
        live={row[1]: row[3] for row in rows if row[0] == kind.LIVE},
        payable={row[2]: row[3] for row in rows if row[0] == kind.PAYABLE},
        settled={row[2]: row[3] for row in rows if row[0] == kind.SETTLED},
        lapsed=one.get(kind.LAPSED, 0),
        returned=one.get(kind.RETURNED, 0),
        appropriated=-one.get(kind.TREASURY, 0),
    )
