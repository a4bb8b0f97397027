"""Counting what the money did, by the hour; a copy that can be made again at any time.

`count_hours` may run in several workers at once and be killed at any moment: an hour is
counted whole, and the mark of how far it got moves in the same transaction.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from vouchers.models import BookHour, Campaign, CountedUntil, HourFigure
from vouchers.queries.figures import summary_of

OVERLAP = timedelta(minutes=20)
"""A sweep notes the moment at which it began; its rows may be committed later."""
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

# The start of the oldest transaction that is still under way: what it writes cannot be
# seen yet, and may bear any moment since then.
_OLDEST_START = """
    SELECT min(xact_start) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
       AND backend_type = 'client backend'
"""
_REDEEMED_HOURS = """
    SELECT DISTINCT date_trunc('hour', redemption.redeemed_at)
      FROM vouchers_redemption AS redemption
      JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
     WHERE redemption.changed_at >= %(since)s AND voucher.campaign_id = %(campaign)s
"""
_REDEMPTIONS = """
    INSERT INTO vouchers_hourfigure
           (campaign_id, tier_id, shop_id, sport, hour, redeemed, bill_fen, subsidy_fen)
    SELECT voucher.campaign_id, voucher.tier_id, redemption.shop_id, redemption.sport,
           date_trunc('hour', redemption.redeemed_at), count(*),
           sum(redemption.bill_fen - coalesce(redemption.refund_fen, 0)),
           sum(redemption.discount_fen)
      FROM vouchers_redemption AS redemption
      JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
     WHERE voucher.campaign_id = %(campaign)s AND redemption.state = 'done'
       AND redemption.redeemed_at >= %(first)s AND redemption.redeemed_at < %(last)s
       AND date_trunc('hour', redemption.redeemed_at) = ANY(%(hours)s)
  GROUP BY 1, 2, 3, 4, 5
"""
_BOOKED_HOURS = """
    SELECT DISTINCT date_trunc('hour', at) FROM vouchers_transfer
     WHERE at >= %(since)s AND campaign_id = %(campaign)s
"""
_TRANSFERS = """
    INSERT INTO vouchers_bookhour
           (campaign_id, hour, kind, source, target, tier_id, count, amount_fen)
    SELECT transfer.campaign_id, date_trunc('hour', transfer.at), transfer.kind,
           debit.kind, credit.kind,
           CASE WHEN transfer.kind = 'lose'
                THEN (SELECT voucher.tier_id FROM vouchers_redemption AS redemption
                        JOIN vouchers_voucher AS voucher
                          ON voucher.id = redemption.voucher_id
                       WHERE redemption.id = transfer.redemption_id)
                ELSE coalesce(debit.tier_id, credit.tier_id) END,
           count(*), sum(transfer.amount_fen)
      FROM vouchers_transfer AS transfer
      JOIN vouchers_account AS debit ON debit.id = transfer.debit_id
      JOIN vouchers_account AS credit ON credit.id = transfer.credit_id
     WHERE transfer.campaign_id = %(campaign)s
       AND transfer.at >= %(first)s AND transfer.at < %(last)s
       AND date_trunc('hour', transfer.at) = ANY(%(hours)s)
  GROUP BY 1, 2, 3, 4, 5, 6
"""


def count_all_hours(*, at: datetime, afresh: bool = False) -> int:
    """Count what changed in any campaign that was published; how many hours."""
    campaigns = Campaign.objects.public().order_by("pk")
    return sum(count_hours(campaign=one, at=at, afresh=afresh) for one in campaigns)


@transaction.atomic
def count_hours(*, campaign: Campaign, at: datetime, afresh: bool = False) -> int:
    """Count the hours anew in which something changed; how many they were.

    `afresh` counts all of them, as if nothing had been counted before. A second worker
    has nothing to do while one counts, and goes.
    """
    CountedUntil.objects.bulk_create(
        [CountedUntil(campaign=campaign, changed_at=_LONG_AGO)], ignore_conflicts=True
    )
    counted = (
        CountedUntil.objects.select_for_update(skip_locked=True)
        .filter(campaign=campaign)
        .first()
    )
    if counted is None:
        return 0
    until = _safe_until(at)
    since = _LONG_AGO if afresh else counted.changed_at - OVERLAP
    if afresh:
        HourFigure.objects.filter(campaign=campaign).delete()
        BookHour.objects.filter(campaign=campaign).delete()
    redeemed = _hours(_REDEEMED_HOURS, campaign, since)
    HourFigure.objects.filter(campaign=campaign, hour__in=redeemed).delete()
    _count(_REDEMPTIONS, campaign, redeemed)
    booked = _hours(_BOOKED_HOURS, campaign, since)
    BookHour.objects.filter(campaign=campaign, hour__in=booked).delete()
    _count(_TRANSFERS, campaign, booked)
    counted.changed_at = max(until, counted.changed_at)
    counted.summary = summary_of(campaign, at=at, before=counted.summary)
    counted.save(update_fields=["changed_at", "summary"])
    return len(set(redeemed) | set(booked))


def _safe_until(at: datetime) -> datetime:
    """No change before this moment is still to come; read before anything is counted.

    What bears a moment and is not committed yet belongs to a transaction that is under
    way, or to a sweep that began within `OVERLAP`.
    """
    with connection.cursor() as cursor:
        cursor.execute(_OLDEST_START)
        (oldest,) = cursor.fetchone()
    return min(at, oldest) if oldest else at


def _hours(sql: str, campaign: Campaign, since: datetime) -> list[datetime]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"campaign": campaign.pk, "since": since})
        return sorted(hour for (hour,) in cursor.fetchall())


def _count(sql: str, campaign: Campaign, hours: list[datetime]) -> None:
    if not hours:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            sql,
            {
                "campaign": campaign.pk,
                "hours": hours,
                "first": hours[0],
                "last": hours[-1] + timedelta(hours=1),
            },
        )
