from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

INVARIANTS = [
    Invariant(
        name="vouchers.redemption.counted_at_its_merchant",
        meaning=_("What a merchant's cap counts is what it redeemed."),
        sql="""
            SELECT part.id, part.redeemed_fen, done.fen
              FROM vouchers_participation AS part
         FULL JOIN (SELECT voucher.campaign_id, redemption.merchant_id,
                           sum(redemption.discount_fen) AS fen
                      FROM vouchers_redemption AS redemption
                      JOIN vouchers_voucher AS voucher
                        ON voucher.id = redemption.voucher_id
                     WHERE redemption.state = 'done'
                  GROUP BY voucher.campaign_id, redemption.merchant_id) AS done
                ON done.campaign_id = part.campaign_id
               AND done.merchant_id = part.merchant_id
             WHERE coalesce(part.redeemed_fen, 0) <> coalesce(done.fen, 0)
        """,
    ),
    Invariant(
        name="vouchers.redemption.counted_in_its_district",
        meaning=_("What a district's cap counts is what its shops redeemed."),
        sql="""
            SELECT cap.id, cap.redeemed_fen, done.fen
              FROM vouchers_districtcap AS cap
         LEFT JOIN (SELECT voucher.campaign_id, redemption.district_id,
                           sum(redemption.discount_fen) AS fen
                      FROM vouchers_redemption AS redemption
                      JOIN vouchers_voucher AS voucher
                        ON voucher.id = redemption.voucher_id
                     WHERE redemption.state = 'done'
                  GROUP BY voucher.campaign_id, redemption.district_id) AS done
                ON done.campaign_id = cap.campaign_id
               AND done.district_id = cap.district_id
             WHERE cap.redeemed_fen <> coalesce(done.fen, 0)
        """,
    ),
    Invariant(
        name="vouchers.redemption.moved_its_money",
        meaning=_("Every redemption, undo and refund stands in the book, once."),
        sql="""
            SELECT redemption.id, redemption.state,
                   array_agg(transfer.kind ORDER BY transfer.id)
              FROM vouchers_redemption AS redemption
         LEFT JOIN vouchers_transfer AS transfer
                ON transfer.redemption_id = redemption.id
               AND transfer.amount_fen = redemption.discount_fen
               AND transfer.kind <> 'repay'
          GROUP BY redemption.id
            HAVING NOT CASE redemption.state
                WHEN 'done' THEN array_agg(transfer.kind::text ORDER BY transfer.id)
                     = ARRAY['redeem']
                WHEN 'undone' THEN array_agg(transfer.kind::text ORDER BY transfer.id)
                     = ARRAY['redeem', 'undo']
                ELSE array_agg(transfer.kind::text ORDER BY transfer.id)
                     = ARRAY['redeem', CASE WHEN redemption.gave_back
                                            THEN 'give_back' ELSE 'lose' END]
                END
        """,
    ),
    Invariant(
        name="vouchers.redemption.is_of_its_merchant",
        meaning=_("Shop and clerk of a redemption are of the merchant that is paid."),
        sql="""
            SELECT redemption.id, redemption.merchant_id, shop.merchant_id AS of_shop,
                   member.merchant_id AS of_clerk
              FROM vouchers_redemption AS redemption
              JOIN vouchers_shop AS shop ON shop.id = redemption.shop_id
              JOIN vouchers_member AS member ON member.id = redemption.clerk_id
             WHERE redemption.merchant_id <> shop.merchant_id
                OR redemption.merchant_id <> member.merchant_id
        """,
    ),
    Invariant(
        name="vouchers.redemption.of_the_vouchers_face",
        meaning=_("A bill reached its voucher's threshold; its face was taken off."),
        sql="""
            SELECT redemption.id FROM vouchers_redemption AS redemption
              JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
             WHERE redemption.discount_fen <> voucher.face_fen
                OR redemption.bill_fen < voucher.threshold_fen
        """,
    ),
]
