"""The only way into the book of the money."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, models

from bureau.accounts.models import User
from bureau.common.db import insert
from vouchers.models import (
    Account,
    Appropriation,
    Campaign,
    Merchant,
    Redemption,
    Settlement,
    Tier,
    Transfer,
    Voucher,
)

Kind = Account.Kind
Move = Transfer.Kind


def open_accounts(campaign: Campaign, tiers: Iterable[Tier] = ()) -> None:
    """The accounts that every campaign has, and one for each tier. Safe to repeat."""
    kinds = (Kind.TREASURY, Kind.POOL, Kind.LAPSED, Kind.RETURNED)
    Account.objects.bulk_create(
        [
            *(Account(campaign=campaign, kind=kind) for kind in kinds),
            *(Account(campaign=campaign, kind=Kind.LIVE, tier=tier) for tier in tiers),
        ],
        ignore_conflicts=True,
    )


def open_merchant_accounts(campaign: Campaign, merchant: Merchant) -> None:
    """What is owed to a merchant and what was paid. Safe to repeat."""
    Account.objects.bulk_create(
        [
            Account(campaign=campaign, kind=kind, merchant=merchant)
            for kind in (Kind.PAYABLE, Kind.SETTLED)
        ],
        ignore_conflicts=True,
    )


def account(
    campaign: Campaign,
    kind: Account.Kind,
    *,
    tier: Tier | None = None,
    merchant: Merchant | None = None,
) -> Account:
    """An account that was opened before. Raises `Account.DoesNotExist`."""
    return Account.objects.get(
        campaign=campaign, kind=kind, tier=tier, merchant=merchant
    )


def hold_payable(campaign_id: int, merchants: Sequence[int]) -> None:
    """For who settles: wait for refunds of these merchants, and keep them waiting.

    What they owe is then looked at by one alone. Counters go on, for their transfers
    only look at these rows.
    """
    _lock_payable(campaign_id, merchants, "FOR NO KEY UPDATE")


def share_payable(campaign_id: int, merchants: Sequence[int]) -> None:
    """For who takes a redemption back: not while a settlement is made or approved.

    One row for each merchant, where each redemption would be thousands.
    """
    _lock_payable(campaign_id, merchants, "FOR SHARE")


def _lock_payable(campaign_id: int, merchants: Sequence[int], how: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT FROM vouchers_account WHERE campaign_id = %s AND kind = 'payable'"
            f" AND merchant_id = ANY (%s::bigint[]) ORDER BY id {how}",
            [campaign_id, list(merchants)],
        )


@dataclass(frozen=True)
class Cause:
    """What a transfer is about; at least one of them."""

    voucher: Voucher | None = None
    redemption: Redemption | None = None
    settlement: Settlement | None = None
    appropriation: Appropriation | None = None


def move(
    kind: Transfer.Kind,
    *,
    debit: Account,
    credit: Account,
    amount_fen: int,
    cause: Cause,
    by: User | None,
    at: datetime,
) -> Transfer:
    """Write that `amount_fen` left `debit` and arrived at `credit`.

    Call it inside the transaction of what it is about. What may happen only once (a
    claim, an expiry, each step of a redemption, a settlement's payment) is refused a
    second time by a constraint `vouchers_transfer_…_once…`.
    """
    transfer = Transfer(
        campaign_id=debit.campaign_id,
        kind=kind,
        debit=debit,
        credit=credit,
        amount_fen=amount_fen,
        at=at,
        voucher=cause.voucher,
        redemption=cause.redemption,
        settlement=cause.settlement,
        appropriation=cause.appropriation,
        by=by,
    )
    insert(transfer)
    return transfer


def balance_fen(of: Account) -> int:
    """What arrived less what left."""
    total = Transfer.objects.filter(models.Q(credit=of) | models.Q(debit=of)).aggregate(
        fen=models.Sum(
            models.Case(
                models.When(credit=of, then=models.F("amount_fen")),
                default=-models.F("amount_fen"),
                output_field=models.BigIntegerField(),
            )
        )
    )
    return int(total["fen"] or 0)
