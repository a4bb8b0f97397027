from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

INVARIANTS = [
    Invariant(
        name="vouchers.lot.gives_what_it_laid_out",
        meaning=_("Vouchers given away and vouchers left are what was laid out."),
        sql="""
            SELECT lot.id, lot.laid_out, coalesce(stock.remaining, 0), given.count
              FROM vouchers_lot AS lot
              JOIN vouchers_round AS round ON round.id = lot.round_id
         LEFT JOIN (SELECT lot_id, sum(remaining) AS remaining
                      FROM vouchers_stockshard GROUP BY lot_id) AS stock
                ON stock.lot_id = lot.id
         LEFT JOIN (SELECT lot_id, count(*) AS count
                      FROM vouchers_voucher GROUP BY lot_id) AS given
                ON given.lot_id = lot.id
             WHERE coalesce(lot.laid_out, 0)
                   <> coalesce(stock.remaining, 0) + coalesce(given.count, 0)
        """,
    ),
    Invariant(
        name="vouchers.tier.never_oversold",
        meaning=_("No more vouchers of a tier are out than it has."),
        sql="""
            SELECT tier.id, tier.count, count(*)
              FROM vouchers_tier AS tier
              JOIN vouchers_voucher AS voucher ON voucher.tier_id = tier.id
         LEFT JOIN vouchers_transfer AS back
                ON back.voucher_id = voucher.id AND back.kind = 'recycle'
             WHERE back.id IS NULL
          GROUP BY tier.id
            HAVING count(*) > tier.count
        """,
    ),
    Invariant(
        name="vouchers.tier.released_is_what_is_out",
        meaning=_("What a tier released is on offer or given away."),
        sql="""
            SELECT tier.id, tier.released, coalesce(stock.n, 0), coalesce(given.n, 0)
              FROM vouchers_tier AS tier
         LEFT JOIN (SELECT lot.tier_id, sum(shard.remaining) AS n
                      FROM vouchers_stockshard AS shard
                      JOIN vouchers_lot AS lot ON lot.id = shard.lot_id
                  GROUP BY lot.tier_id) AS stock ON stock.tier_id = tier.id
         LEFT JOIN (SELECT voucher.tier_id, count(*) AS n
                      FROM vouchers_voucher AS voucher
                     WHERE NOT EXISTS (SELECT FROM vouchers_transfer AS back
                                        WHERE back.voucher_id = voucher.id
                                          AND back.kind = 'recycle')
                  GROUP BY voucher.tier_id) AS given ON given.tier_id = tier.id
             WHERE tier.released <> coalesce(stock.n, 0) + coalesce(given.n, 0)
        """,
    ),
    Invariant(
        name="vouchers.voucher.is_of_its_lot",
        meaning=_("A voucher is of the tier and campaign of what it was taken from."),
        sql="""
            SELECT voucher.id, voucher.campaign_id, voucher.tier_id, voucher.lot_id
              FROM vouchers_voucher AS voucher
              JOIN vouchers_lot AS lot ON lot.id = voucher.lot_id
              JOIN vouchers_tier AS tier ON tier.id = lot.tier_id
              JOIN vouchers_terms AS terms ON terms.id = voucher.terms_id
             WHERE (voucher.tier_id, voucher.campaign_id, terms.campaign_id,
                    voucher.face_fen, voucher.threshold_fen)
                   IS DISTINCT FROM (lot.tier_id, tier.campaign_id, tier.campaign_id,
                                     tier.face_fen, tier.threshold_fen)
        """,
    ),
    Invariant(
        name="vouchers.voucher.ended_as_the_book_says",
        meaning=_("Expired, cancelled and lost vouchers ended so in the book."),
        sql="""
            SELECT voucher.id, voucher.state, ended.kinds
              FROM vouchers_voucher AS voucher
         LEFT JOIN (SELECT voucher_id, array_agg(kind::text ORDER BY kind) AS kinds
                      FROM vouchers_transfer WHERE kind IN ('expire', 'void', 'lose')
                  GROUP BY voucher_id) AS ended ON ended.voucher_id = voucher.id
             WHERE ended.kinds IS DISTINCT FROM CASE voucher.state
                       WHEN 'expired' THEN ARRAY['expire']
                       WHEN 'void' THEN ARRAY['void']
                       WHEN 'lost' THEN ARRAY['lose'] END
        """,
    ),
    Invariant(
        name="vouchers.voucher.claimed_once_in_the_book",
        meaning=_("Every voucher has its one claim in the book."),
        sql="""
            SELECT voucher.id FROM vouchers_voucher AS voucher
         LEFT JOIN vouchers_transfer AS claim
                ON claim.voucher_id = voucher.id AND claim.kind = 'claim'
               AND claim.amount_fen = voucher.face_fen
             WHERE claim.id IS NULL
        """,
    ),
    Invariant(
        name="vouchers.voucher.used_has_its_redemption",
        meaning=_("A used voucher has one redemption, and only a used one has."),
        sql="""
            SELECT voucher.id, voucher.state, redemption.id
              FROM vouchers_voucher AS voucher
         FULL JOIN (SELECT * FROM vouchers_redemption WHERE state = 'done')
                AS redemption ON redemption.voucher_id = voucher.id
             WHERE (voucher.state = 'redeemed') <> (redemption.id IS NOT NULL)
        """,
    ),
    Invariant(
        name="vouchers.draw.winners_are_served_once",
        meaning=_("Every entry that won has a voucher or a reason, once handed out."),
        sql="""
            SELECT entry.id
              FROM vouchers_round AS round
              JOIN draws_entry AS entry ON entry.draw_id = round.draw_id
         LEFT JOIN vouchers_drawnvoucher AS drawn ON drawn.entry_id = entry.id
             WHERE round.handed_out_at IS NOT NULL AND entry.outcome = 'won'
               AND drawn.id IS NULL
        """,
    ),
]
