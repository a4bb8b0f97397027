"""What merchants and districts have redeemed, and the most that they may.

Many counters want the same row, so it comes last before the commit; the merchant's row
first, then the district's. Who lays caps of districts anew holds the merchants' rows
meanwhile (`hold_counters`): every redemption is either in the count or comes after it.
"""

from __future__ import annotations

from django.db import connection

from bureau.common.db import prepared
from bureau.common.money import yuan
from vouchers.errors.counter import DistrictCapReached, MerchantCapReached
from vouchers.models import Campaign, Participation, Redemption

_COUNT_MERCHANT = """
    UPDATE vouchers_participation SET redeemed_fen = redeemed_fen + $2
     WHERE id = $1
       AND (coalesce(cap_fen, $3) IS NULL OR redeemed_fen + $2 <= coalesce(cap_fen, $3))
"""
# A statement of its own: it sees a cap that was laid while we waited for the first one.
_COUNT_DISTRICT = """
    WITH counted AS (
         UPDATE vouchers_districtcap SET redeemed_fen = redeemed_fen + $3
          WHERE campaign_id = $1 AND district_id = $2 AND redeemed_fen + $3 <= cap_fen
      RETURNING id)
  SELECT EXISTS (SELECT FROM counted), cap_fen - redeemed_fen
    FROM vouchers_districtcap
   WHERE campaign_id = $1 AND district_id = $2
"""


def count_towards_caps(
    redemption: Redemption, *, part_id: int, merchant_cap_fen: int | None
) -> None:
    """Add a redemption to what its merchant and district redeemed, within their caps.

    `merchant_cap_fen` is the cap of the rules, for a merchant without one of its own.
    Raises `MerchantCapReached` or `DistrictCapReached`.
    """
    fen = redemption.discount_fen
    of = [redemption.voucher.campaign_id, redemption.district_id]
    with connection.cursor() as cursor:
        call = prepared("vouchers_cap_merchant", _COUNT_MERCHANT, 3)
        cursor.execute(call, [part_id, fen, merchant_cap_fen])
        if cursor.rowcount != 1:
            part = Participation.objects.get(pk=part_id)
            most = merchant_cap_fen if part.cap_fen is None else part.cap_fen
            raise MerchantCapReached(left=_left((most or 0) - part.redeemed_fen))
        call = prepared("vouchers_cap_district", _COUNT_DISTRICT, 3)
        cursor.execute(call, [*of, fen])
        capped = cursor.fetchone()
    if capped and not capped[0]:
        raise DistrictCapReached(left=_left(capped[1]))


def _left(fen: int) -> str:
    return yuan(max(fen, 0))


_OFF_MERCHANT = """
    UPDATE vouchers_participation SET redeemed_fen = redeemed_fen - %s
     WHERE campaign_id = %s AND merchant_id = %s
"""
_OFF_DISTRICT = """
    UPDATE vouchers_districtcap SET redeemed_fen = redeemed_fen - %s
     WHERE campaign_id = %s AND district_id = %s
"""


def count_off_caps(redemption: Redemption) -> None:
    """What was taken back is free for other redemptions."""
    fen, campaign_id = redemption.discount_fen, redemption.voucher.campaign_id
    with connection.cursor() as cursor:
        cursor.execute(_OFF_MERCHANT, [fen, campaign_id, redemption.merchant_id])
        cursor.execute(_OFF_DISTRICT, [fen, campaign_id, redemption.district_id])


def hold_counters(campaign: Campaign) -> None:
    """Wait until redemptions under way are counted; hold the next ones until commit.

    Call it before the rows of the districts' caps are locked or made.
    """
    rows = Participation.objects.select_for_update(no_key=True)
    list(rows.filter(campaign=campaign).order_by("pk").values_list("pk", flat=True))


_COUNT_DISTRICTS = """
    UPDATE vouchers_districtcap AS cap
       SET redeemed_fen = coalesce((
           SELECT sum(redemption.discount_fen)
             FROM vouchers_redemption AS redemption
             JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
            WHERE redemption.state = 'done' AND voucher.campaign_id = cap.campaign_id
              AND redemption.district_id = cap.district_id), 0)
     WHERE cap.campaign_id = %s AND cap.redeemed_fen = 0
"""


def count_district_caps(campaign: Campaign) -> None:
    """Count what was redeemed where a cap is new. The counters are held."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_DISTRICTS, [campaign.pk])
