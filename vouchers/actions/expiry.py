"""What ends a voucher that nobody used: its time, or the bureau.

Eight workers do the work of one: each takes rows that no other has locked, and what a
killed one had in hand is as it was.
"""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.db.models import F

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.money import yuan
from bureau.notices.actions import Message, notify, notify_each
from vouchers.actions import ledger
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.errors.claiming import VoidNeedsReason, VoucherNotLive
from vouchers.models import Tier, Voucher

BATCH = 500

# One statement for a batch: state, book, pool and audit trail go together.
_EXPIRE = """
WITH due AS (
    SELECT id, campaign_id, tier_id, terms_id, face_fen
      FROM vouchers_voucher
     WHERE state = 'live' AND expires_at <= %(at)s
  ORDER BY expires_at, id
     LIMIT %(batch)s
       FOR UPDATE SKIP LOCKED
), gone AS (
    UPDATE vouchers_voucher AS voucher SET state = 'expired', expired_at = %(at)s
      FROM due WHERE voucher.id = due.id
 RETURNING voucher.id
), accounts AS (
    SELECT due.*, live.id AS live_id, lapsed.id AS lapsed_id, pool.id AS pool_id,
           terms.recycles AND campaign.state = 'published' AS recycles
      FROM due
      JOIN vouchers_campaign AS campaign ON campaign.id = due.campaign_id
      JOIN vouchers_terms AS terms ON terms.id = due.terms_id
      JOIN vouchers_account AS live ON live.campaign_id = due.campaign_id
       AND live.kind = 'live' AND live.tier_id = due.tier_id
      JOIN vouchers_account AS lapsed ON lapsed.campaign_id = due.campaign_id
       AND lapsed.kind = 'lapsed'
      JOIN vouchers_account AS pool ON pool.campaign_id = due.campaign_id
       AND pool.kind = 'pool'
), lapse AS (
    INSERT INTO vouchers_transfer
           (campaign_id, kind, debit_id, credit_id, amount_fen, at, voucher_id)
    SELECT campaign_id, 'expire', live_id, lapsed_id, face_fen, %(at)s, id
      FROM accounts
), back AS (
    INSERT INTO vouchers_transfer
           (campaign_id, kind, debit_id, credit_id, amount_fen, at, voucher_id)
    SELECT campaign_id, 'recycle', lapsed_id, pool_id, face_fen, %(at)s, id
      FROM accounts WHERE recycles
), given_back AS (
    SELECT tier_id, count(*) AS n FROM accounts WHERE recycles GROUP BY tier_id
), tiers AS (
    UPDATE vouchers_tier AS tier SET released = tier.released - given_back.n
      FROM given_back WHERE tier.id = given_back.tier_id
), noted AS (
    INSERT INTO audit_entry (event, subject_type, subject_id, actor_name, actor_role,
                             occurred_at, request_id, detail)
    SELECT 'vouchers.voucher.expired', 'vouchers.voucher', id, '', '', %(at)s, '',
           jsonb_build_object('recycled', recycles)
      FROM accounts
)
SELECT count(*) FROM gone
"""


def expire_vouchers(*, at: datetime) -> int:
    """Take back what nobody can use any more; how many vouchers that were.

    Their money lapses; where the rules say so, it returns to the pool at once, and the
    tier may give it away again.
    """
    total = 0
    while True:
        with transaction.atomic():
            _hold_tiers(at)
            with connection.cursor() as cursor:
                cursor.execute(_EXPIRE, {"at": at, "batch": BATCH})
                done: int = cursor.fetchone()[0]
        total += done
        if not done:
            return total


def _hold_tiers(at: datetime) -> None:
    """Tiers come before vouchers in the order of locks (vouchers/actions)."""
    due = Voucher.objects.run_out_at(at).order_by("expires_at", "pk")[:BATCH]
    tiers = Tier.objects.filter(pk__in=set(due.values_list("tier", flat=True)))
    list(tiers.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def remind_of_expiry(*, at: datetime) -> int:
    """Tell people of vouchers that run out soon, once each; how many were told.

    A day before; where a voucher serves less than two days, in the second half of that.
    """
    total = 0
    while done := _remind_some(at):
        total += done
    return total


@transaction.atomic
def _remind_some(at: datetime) -> int:
    due = Voucher.objects.to_remind_at(at).select_related("person", "campaign")
    locked = due.select_for_update(skip_locked=True, of=("self",))
    rows = list(locked.order_by("expires_at", "pk")[:BATCH])
    Voucher.objects.filter(pk__in=[row.pk for row in rows]).update(reminded_at=at)
    notify_each(
        kind="vouchers.expires_soon",
        messages=[
            Message(
                row.person,
                {
                    "campaign": row.campaign.name,
                    "face": yuan(row.face_fen),
                    "code": row.code,
                    "expires_at": row.last_moment.isoformat(),
                },
                row,
            )
            for row in rows
        ],
        at=at,
    )
    return len(rows)


@transaction.atomic
def void_voucher(*, voucher: Voucher, reason: str, by: User) -> Voucher:
    """Cancel a voucher that can still be used; its person is told why.

    It still counts towards the person's limits. Raises `VoidNeedsReason`,
    `VoucherNotLive`.
    """
    at = clock.now()
    reason = reason.strip()[:200]
    if not reason:
        raise VoidNeedsReason
    tier = Tier.objects.select_for_update(no_key=True).get(pk=voucher.tier_id)
    live = Voucher.objects.filter(pk=voucher.pk, state=Voucher.State.LIVE)
    if not live.update(state=Voucher.State.VOID):
        raise VoucherNotLive
    voucher.refresh_from_db()
    campaign = voucher.campaign
    lapsed = ledger.account(campaign, Kind.LAPSED)
    ledger.move(
        Move.VOID,
        debit=ledger.account(campaign, Kind.LIVE, tier=tier),
        credit=lapsed,
        amount_fen=voucher.face_fen,
        cause=Cause(voucher=voucher),
        by=by,
        at=at,
    )
    if voucher.terms.recycles:
        ledger.move(
            Move.RECYCLE,
            debit=lapsed,
            credit=ledger.account(campaign, Kind.POOL),
            amount_fen=voucher.face_fen,
            cause=Cause(voucher=voucher),
            by=by,
            at=at,
        )
        Tier.objects.filter(pk=tier.pk).update(released=F("released") - 1)
    record(
        "vouchers.voucher.voided",
        subject=voucher,
        by=by,
        at=at,
        detail={"reason": reason},
    )
    notify(
        recipient=voucher.person,
        kind="vouchers.voided",
        context={
            "campaign": campaign.name,
            "face": yuan(voucher.face_fen),
            "code": voucher.code,
            "reason": reason,
        },
        subject=voucher,
        at=at,
    )
    return voucher
