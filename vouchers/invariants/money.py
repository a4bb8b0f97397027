from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

INVARIANTS = [
    Invariant(
        name="vouchers.money.every_fen_is_somewhere",
        meaning=_(
            "What was appropriated is in the pool, claimed, payable, settled, lapsed or"
            " returned, to the fen."
        ),
        sql="""
            SELECT campaign.id, campaign.appropriated_fen, sum(posting.amount_fen)
              FROM vouchers_campaign AS campaign
              JOIN vouchers_account AS account ON account.campaign_id = campaign.id
         LEFT JOIN vouchers_posting AS posting ON posting.account_id = account.id
             WHERE account.kind <> 'treasury'
          GROUP BY campaign.id
            HAVING campaign.appropriated_fen <> coalesce(sum(posting.amount_fen), 0)
        """,
    ),
    Invariant(
        name="vouchers.money.appropriations_add_up",
        meaning=_("A campaign holds the sum of its appropriations."),
        sql="""
            SELECT campaign.id, campaign.appropriated_fen, sum(given.amount_fen)
              FROM vouchers_campaign AS campaign
         LEFT JOIN vouchers_appropriation AS given ON given.campaign_id = campaign.id
          GROUP BY campaign.id
            HAVING campaign.appropriated_fen <> coalesce(sum(given.amount_fen), 0)
        """,
    ),
    Invariant(
        name="vouchers.money.tiers_promise_what_is_noted",
        meaning=_("A campaign's promise is the sum of its tiers."),
        sql="""
            SELECT campaign.id, campaign.promised_fen,
                   sum(tier.face_fen::bigint * tier.count)
              FROM vouchers_campaign AS campaign
         LEFT JOIN vouchers_tier AS tier ON tier.campaign_id = campaign.id
          GROUP BY campaign.id
            HAVING campaign.promised_fen
                   <> coalesce(sum(tier.face_fen::bigint * tier.count), 0)
        """,
    ),
    Invariant(
        name="vouchers.money.nothing_is_overdrawn",
        meaning=_("No money was taken from where there was none."),
        sql="""
            SELECT account.id, account.kind, sum(posting.amount_fen)
              FROM vouchers_account AS account
              JOIN vouchers_posting AS posting ON posting.account_id = account.id
             WHERE account.kind IN ('pool', 'live', 'lapsed', 'returned', 'settled')
          GROUP BY account.id
            HAVING sum(posting.amount_fen) < 0
        """,
    ),
    Invariant(
        name="vouchers.money.live_is_the_face_of_live_vouchers",
        meaning=_("What is claimed is the face value of the usable vouchers."),
        sql="""
            SELECT account.id, coalesce(booked.fen, 0), coalesce(held.fen, 0)
              FROM vouchers_account AS account
         LEFT JOIN (SELECT account_id, sum(amount_fen) AS fen
                      FROM vouchers_posting GROUP BY account_id) AS booked
                ON booked.account_id = account.id
         LEFT JOIN (SELECT tier_id, sum(face_fen) AS fen FROM vouchers_voucher
                     WHERE state = 'live' GROUP BY tier_id) AS held
                ON held.tier_id = account.tier_id
             WHERE account.kind = 'live'
               AND coalesce(booked.fen, 0) <> coalesce(held.fen, 0)
        """,
    ),
    Invariant(
        name="vouchers.money.owed_is_what_was_redeemed",
        meaning=_("What merchants got or will get is the sum of their redemptions."),
        sql="""
            SELECT coalesce(booked.merchant_id, done.merchant_id), booked.fen, done.fen
              FROM (SELECT account.campaign_id, account.merchant_id,
                           sum(posting.amount_fen) AS fen
                      FROM vouchers_account AS account
                      JOIN vouchers_posting AS posting
                        ON posting.account_id = account.id
                     WHERE account.kind IN ('payable', 'settled')
                  GROUP BY account.campaign_id, account.merchant_id) AS booked
         FULL JOIN (SELECT voucher.campaign_id, redemption.merchant_id,
                           sum(redemption.discount_fen) AS fen
                      FROM vouchers_redemption AS redemption
                      JOIN vouchers_voucher AS voucher
                        ON voucher.id = redemption.voucher_id
                     WHERE redemption.state = 'done'
                  GROUP BY voucher.campaign_id, redemption.merchant_id) AS done
                ON done.campaign_id = booked.campaign_id
               AND done.merchant_id = booked.merchant_id
             WHERE coalesce(booked.fen, 0) <> coalesce(done.fen, 0)
        """,
    ),
    Invariant(
        name="vouchers.money.moves_as_its_cause_says",
        meaning=_("Each transfer moves what its cause is worth, between its accounts."),
        sql="""
            SELECT transfer.id, transfer.kind, transfer.amount_fen
              FROM vouchers_transfer AS transfer
              JOIN vouchers_account AS debit ON debit.id = transfer.debit_id
              JOIN vouchers_account AS credit ON credit.id = transfer.credit_id
         LEFT JOIN vouchers_voucher AS voucher ON voucher.id = transfer.voucher_id
         LEFT JOIN vouchers_redemption AS redemption
                ON redemption.id = transfer.redemption_id
         LEFT JOIN vouchers_settlement AS settlement
                ON settlement.id = transfer.settlement_id
         LEFT JOIN vouchers_appropriation AS appropriation
                ON appropriation.id = transfer.appropriation_id
             WHERE (CASE
                    WHEN transfer.kind IN ('claim', 'expire', 'void', 'recycle') THEN
                         transfer.amount_fen = voucher.face_fen
                     AND transfer.campaign_id = voucher.campaign_id
                     AND coalesce(debit.tier_id, credit.tier_id, voucher.tier_id)
                         = voucher.tier_id
                    WHEN transfer.kind IN ('redeem', 'undo', 'give_back', 'lose') THEN
                         transfer.amount_fen = redemption.discount_fen
                     AND transfer.campaign_id = voucher.campaign_id
                     AND transfer.voucher_id = redemption.voucher_id
                     AND coalesce(debit.merchant_id, credit.merchant_id)
                         = redemption.merchant_id
                     AND coalesce(debit.tier_id, credit.tier_id, voucher.tier_id)
                         = voucher.tier_id
                    WHEN transfer.kind = 'settle' THEN
                         transfer.amount_fen = settlement.amount_fen
                     AND transfer.campaign_id = settlement.campaign_id
                     AND debit.merchant_id = settlement.merchant_id
                     AND credit.merchant_id = settlement.merchant_id
                     AND settlement.state = 'paid'
                    WHEN transfer.kind = 'repay' THEN
                         transfer.amount_fen = redemption.discount_fen
                     AND debit.merchant_id = redemption.merchant_id
                     AND credit.merchant_id = redemption.merchant_id
                    WHEN transfer.kind = 'appropriate' THEN
                         transfer.amount_fen = appropriation.amount_fen
                     AND transfer.campaign_id = appropriation.campaign_id
                    ELSE transfer.kind = 'return' END
                    AND (transfer.kind, debit.kind, credit.kind) IN (
                        ('appropriate', 'treasury', 'pool'), ('claim', 'pool', 'live'),
                        ('redeem', 'live', 'payable'), ('undo', 'payable', 'live'),
                        ('give_back', 'payable', 'live'), ('lose', 'payable', 'lapsed'),
                        ('expire', 'live', 'lapsed'), ('void', 'live', 'lapsed'),
                        ('recycle', 'lapsed', 'pool'), ('settle', 'payable', 'settled'),
                        ('repay', 'settled', 'payable'), ('return', 'pool', 'returned'),
                        ('return', 'lapsed', 'returned'))) IS NOT TRUE
        """,
    ),
    Invariant(
        name="vouchers.money.the_book_is_guarded",
        meaning=_("The book of the money is guarded by its triggers."),
        sql="""
            SELECT wanted AS missing_trigger
              FROM unnest(ARRAY['vouchers_transfer_is_append_only',
                                'vouchers_appropriation_is_append_only',
                                'vouchers_account_is_append_only',
                                'vouchers_redemption_stays',
                                'vouchers_settlement_stays',
                                'vouchers_settlementline_stays',
                                'vouchers_settlementline_counts_no_more',
                                'vouchers_settlementline_of_its_merchant']) AS wanted
             WHERE NOT EXISTS (SELECT FROM pg_trigger
                                WHERE tgname = wanted AND tgenabled IN ('O', 'A'))
        """,
    ),
]
