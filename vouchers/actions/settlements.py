"""What is to be paid is decided by a second person; then it moves on to the bank."""

from __future__ import annotations

from django.db import connection, transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from vouchers.actions import ledger
from vouchers.actions.members import refuse_own_people
from vouchers.errors.campaigns import CampaignOver
from vouchers.errors.settlements import (
    NothingPublished,
    RejectionNeedsReason,
    SamePerson,
    SettlementMovedOn,
    SettlementOutdated,
)
from vouchers.models import Campaign, Settlement

State = Settlement.State


@transaction.atomic
def approve_settlement(*, settlement: Settlement, by: User) -> Settlement:
    """Let it be paid. By another person than the one who prepared it.

    Raises `SettlementOutdated` when some of it was refunded or flagged meanwhile,
    `SamePerson`, `MerchantIsYours`, `SettlementMovedOn` and `CampaignOver`.
    """
    now = clock.now()
    row = locked(settlement)
    if row.state != State.PREPARED:
        raise SettlementMovedOn
    refuse_own_people(row.merchant_id, by)
    if outdated := _outdated(row):
        raise SettlementOutdated(count=outdated)
    with constraint_errors(vouchers_settlement_two_people=SamePerson):
        move_on(row, State.APPROVED, decided_at=now, decided_by=by)
    record(
        "vouchers.settlement.approved",
        subject=row,
        by=by,
        at=now,
        detail={"amount_fen": row.amount_fen, "hash": row.statement_hash},
    )
    return row


@transaction.atomic
def reject_settlement(*, settlement: Settlement, reason: str, by: User) -> Settlement:
    """Take it back, also when the bank could not pay it: its lines are settled anew.

    Raises `RejectionNeedsReason`, `SamePerson`, `SettlementMovedOn`, `CampaignOver`.
    """
    now = clock.now()
    reason = reason.strip()[:200]
    if not reason:
        raise RejectionNeedsReason
    row = locked(settlement)
    if row.state not in (State.PREPARED, State.APPROVED):
        raise SettlementMovedOn
    with constraint_errors(vouchers_settlement_two_people=SamePerson):
        move_on(row, State.REJECTED, decided_at=now, decided_by=by, reason=reason)
    row.lines.update(counts=False)
    record(
        "vouchers.settlement.rejected",
        subject=row,
        by=by,
        at=now,
        detail={"amount_fen": row.amount_fen, "reason": reason},
    )
    return row


def locked(settlement: Settlement) -> Settlement:
    row = (
        Settlement.objects.select_for_update(of=("self",))
        .select_related("campaign", "merchant")
        .get(pk=settlement.pk)
    )
    refuse_campaign(row.campaign)
    return row


def move_on(row: Settlement, state: Settlement.State, **values: object) -> None:
    """Compare and set; the row is locked, so this is the second belt."""
    moved = Settlement.objects.filter(pk=row.pk, state=row.state).update(
        state=state, **values
    )
    if not moved:
        raise SettlementMovedOn
    row.refresh_from_db()


_OUTDATED = """
    SELECT count(*) FROM vouchers_settlementline AS line
      JOIN vouchers_redemption AS redemption ON redemption.id = line.redemption_id
     WHERE line.settlement_id = %s AND line.kind = 'redeemed'
       AND (redemption.state <> 'done'
            OR EXISTS (SELECT FROM vouchers_flag_redemptions AS held
                         JOIN vouchers_flag AS flag ON flag.id = held.flag_id
                        WHERE held.redemption_id = redemption.id
                          AND flag.state <> 'cleared'))
"""


def _outdated(settlement: Settlement) -> int:
    """How many of its redemptions should not be paid any more.

    Refunds that are under way are waited for, and count.
    """
    ledger.hold_payable(settlement.campaign_id, [settlement.merchant_id])
    with connection.cursor() as cursor:
        cursor.execute(_OUTDATED, [settlement.pk])
        return int(cursor.fetchone()[0])


def refuse_campaign(campaign: Campaign) -> None:
    if campaign.state == Campaign.State.DRAFT:
        raise NothingPublished
    if campaign.state == Campaign.State.CLOSED:
        raise CampaignOver
