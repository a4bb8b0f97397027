from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

# What changed within the last minutes may still be waiting to be counted.
INVARIANTS = [
    Invariant(
        name="vouchers.figures.hours_are_the_redemptions",
        meaning=_("What the figures say of an hour is the sum of its redemptions."),
        sql="""
            WITH done AS (
                SELECT voucher.campaign_id, voucher.tier_id, redemption.shop_id,
                       redemption.sport,
                       date_trunc('hour', redemption.redeemed_at) AS hour,
                       count(*) FILTER (WHERE redemption.state = 'done') AS redeemed,
                       coalesce(sum(redemption.bill_fen
                                    - coalesce(redemption.refund_fen, 0))
                                FILTER (WHERE redemption.state = 'done'), 0) AS bill,
                       max(redemption.changed_at) AS changed_at
                  FROM vouchers_redemption AS redemption
                  JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
              GROUP BY 1, 2, 3, 4, 5
            )
            SELECT counted.campaign_id, done.shop_id, figure.shop_id AS counted_shop_id,
                   done.hour, figure.hour AS counted_hour, done.redeemed,
                   figure.redeemed AS counted
              FROM done
         FULL JOIN vouchers_hourfigure AS figure
                ON figure.campaign_id = done.campaign_id
               AND figure.tier_id = done.tier_id AND figure.shop_id = done.shop_id
               AND figure.sport = done.sport AND figure.hour = done.hour
              JOIN vouchers_counteduntil AS counted
                ON counted.campaign_id
                   = coalesce(done.campaign_id, figure.campaign_id)
             WHERE (done.changed_at IS NULL
                    OR done.changed_at < counted.changed_at - interval '20 minutes')
               AND (coalesce(done.redeemed, 0) <> coalesce(figure.redeemed, 0)
                    OR coalesce(done.bill, 0) <> coalesce(figure.bill_fen, 0))
        """,
    ),
    Invariant(
        name="vouchers.figures.hours_are_the_book",
        meaning=_("The hours of the book are the sums of its transfers."),
        sql="""
            WITH booked AS (
                SELECT campaign_id, kind, date_trunc('hour', at) AS hour,
                       count(*) AS count, sum(amount_fen) AS fen, max(at) AS last_at
                  FROM vouchers_transfer GROUP BY 1, 2, 3
            ), kept AS (
                SELECT campaign_id, kind, hour, sum(count) AS count,
                       sum(amount_fen) AS fen
                  FROM vouchers_bookhour GROUP BY 1, 2, 3
            )
            SELECT counted.campaign_id, booked.kind, kept.kind AS kept_kind,
                   booked.hour, kept.hour AS kept_hour, booked.count,
                   kept.count AS kept
              FROM booked
         FULL JOIN kept ON kept.campaign_id = booked.campaign_id
                       AND kept.kind = booked.kind AND kept.hour = booked.hour
              JOIN vouchers_counteduntil AS counted
                ON counted.campaign_id = coalesce(booked.campaign_id, kept.campaign_id)
             WHERE (booked.last_at IS NULL
                    OR booked.last_at < counted.changed_at - interval '20 minutes')
               AND (coalesce(booked.count, 0) <> coalesce(kept.count, 0)
                    OR coalesce(booked.fen, 0) <> coalesce(kept.fen, 0))
        """,
    ),
]
