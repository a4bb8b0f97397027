from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant
from vouchers.models import HASH_OF_TEXTS, TEXT_OF_A_LINE
from vouchers.queries.payment_files import altered_files

INVARIANTS = [
    Invariant(
        name="vouchers.settlement.is_the_sum_of_its_lines",
        meaning=_("A settlement pays what its lines add up to, and something."),
        sql="""
            SELECT settlement.id, settlement.number, settlement.amount_fen,
                   sum(line.amount_fen), count(line.id)
              FROM vouchers_settlement AS settlement
         LEFT JOIN vouchers_settlementline AS line
                ON line.settlement_id = settlement.id AND line.counts
             WHERE settlement.state <> 'rejected'
          GROUP BY settlement.id
            HAVING settlement.amount_fen <> coalesce(sum(line.amount_fen), 0)
                OR settlement.count <> count(line.id)
                OR settlement.amount_fen = 0
        """,
    ),
    Invariant(
        name="vouchers.settlement.rejected_counts_nothing",
        meaning=_("What is in a rejected settlement can be settled anew."),
        sql="""
            SELECT settlement.id, settlement.number, line.id
              FROM vouchers_settlementline AS line
              JOIN vouchers_settlement AS settlement
                ON settlement.id = line.settlement_id
             WHERE line.counts = (settlement.state = 'rejected')
        """,
    ),
    Invariant(
        name="vouchers.settlement.lines_are_of_its_merchant",
        meaning=_("A settlement has redemptions of its merchant and campaign only."),
        sql="""
            SELECT settlement.id, settlement.number, redemption.number
              FROM vouchers_settlementline AS line
              JOIN vouchers_settlement AS settlement
                ON settlement.id = line.settlement_id
              JOIN vouchers_redemption AS redemption
                ON redemption.id = line.redemption_id
              JOIN vouchers_voucher AS voucher ON voucher.id = redemption.voucher_id
             WHERE redemption.merchant_id <> settlement.merchant_id
                OR voucher.campaign_id <> settlement.campaign_id
                OR abs(line.amount_fen) <> redemption.discount_fen
        """,
    ),
    Invariant(
        name="vouchers.settlement.settled_is_what_was_paid",
        meaning=_("What is booked as settled was paid, less what merchants repaid."),
        sql="""
            SELECT coalesce(booked.merchant_id, paid.merchant_id), booked.fen, paid.fen
              FROM (SELECT account.campaign_id, account.merchant_id,
                           sum(posting.amount_fen) AS fen
                      FROM vouchers_account AS account
                      JOIN vouchers_posting AS posting
                        ON posting.account_id = account.id
                     WHERE account.kind = 'settled'
                  GROUP BY account.campaign_id, account.merchant_id) AS booked
         FULL JOIN (SELECT campaign_id, merchant_id, sum(fen) AS fen
                      FROM (SELECT campaign_id, merchant_id, amount_fen AS fen
                              FROM vouchers_settlement WHERE state = 'paid'
                         UNION ALL
                            SELECT repaid.campaign_id, redemption.merchant_id,
                                   -repaid.amount_fen
                              FROM vouchers_transfer AS repaid
                              JOIN vouchers_redemption AS redemption
                                ON redemption.id = repaid.redemption_id
                             WHERE repaid.kind = 'repay') AS each
                  GROUP BY campaign_id, merchant_id) AS paid
                ON paid.campaign_id = booked.campaign_id
               AND paid.merchant_id = booked.merchant_id
             WHERE coalesce(booked.fen, 0) <> coalesce(paid.fen, 0)
        """,
    ),
    Invariant(
        name="vouchers.settlement.payable_is_what_is_not_settled",
        meaning=_(
            "What we owe a merchant is redeemed and not paid, less what was refunded"
            " after it was paid."
        ),
        # Settled once, taken back once: a second line or a missing one shows here.
        sql="""
            SELECT account.id, account.merchant_id, coalesce(booked.fen, 0),
                   coalesce(due.fen, 0)
              FROM vouchers_account AS account
         LEFT JOIN (SELECT account_id, sum(amount_fen) AS fen
                      FROM vouchers_posting GROUP BY account_id) AS booked
                ON booked.account_id = account.id
         LEFT JOIN (SELECT voucher.campaign_id, redemption.merchant_id,
                           sum(redemption.discount_fen
                               * ((redemption.state = 'done')::int
                                  - coalesce(paid.lines, 0)
                                  + coalesce(repaid.times, 0))) AS fen
                      FROM vouchers_redemption AS redemption
                      JOIN vouchers_voucher AS voucher
                        ON voucher.id = redemption.voucher_id
                 LEFT JOIN (SELECT line.redemption_id,
                                   sum(sign(line.amount_fen)) AS lines
                              FROM vouchers_settlementline AS line
                              JOIN vouchers_settlement AS settlement
                                ON settlement.id = line.settlement_id
                             WHERE settlement.state = 'paid' AND line.counts
                          GROUP BY line.redemption_id) AS paid
                        ON paid.redemption_id = redemption.id
                 LEFT JOIN (SELECT redemption_id, count(*) AS times
                              FROM vouchers_transfer WHERE kind = 'repay'
                          GROUP BY redemption_id) AS repaid
                        ON repaid.redemption_id = redemption.id
                  GROUP BY voucher.campaign_id, redemption.merchant_id) AS due
                ON due.campaign_id = account.campaign_id
               AND due.merchant_id = account.merchant_id
             WHERE account.kind = 'payable'
               AND coalesce(booked.fen, 0) <> coalesce(due.fen, 0)
        """,
    ),
    Invariant(
        name="vouchers.settlement.lines_are_as_they_were_signed",
        meaning=_("The lines of a settlement are those that its SHA-256 was made of."),
        sql=f"""
            SELECT settlement.id, settlement.number
              FROM vouchers_settlement AS settlement
         LEFT JOIN (SELECT settlement_id, {HASH_OF_TEXTS} AS hash
                      FROM (SELECT line.settlement_id, line.kind,
                                   redemption.redeemed_at, redemption.number,
                                   {TEXT_OF_A_LINE} AS text
                              FROM vouchers_settlementline AS line
                              JOIN vouchers_redemption AS redemption
                                ON redemption.id = line.redemption_id
                              JOIN vouchers_voucher AS voucher
                                ON voucher.id = redemption.voucher_id
                              JOIN vouchers_shop AS shop
                                ON shop.id = redemption.shop_id) AS told
                  GROUP BY settlement_id) AS read ON read.settlement_id = settlement.id
             WHERE settlement.statement_hash IS DISTINCT FROM read.hash
        """,  # noqa: S608 - of our own parts
    ),
    Invariant(
        name="vouchers.payment_file.is_the_sum_of_its_settlements",
        meaning=_("A file for the bank has what its settlements add up to."),
        sql="""
            SELECT file.id, file.number, file.amount_fen, sum(settlement.amount_fen)
              FROM vouchers_paymentfile AS file
         LEFT JOIN vouchers_settlement AS settlement
                ON settlement.payment_file_id = file.id
          GROUP BY file.id
            HAVING file.amount_fen <> coalesce(sum(settlement.amount_fen), 0)
                OR file.count <> count(settlement.id)
                OR bool_or(settlement.state = 'prepared')
        """,
    ),
    Invariant(
        name="vouchers.payment_file.comes_out_as_it_was_made",
        meaning=_("A file for the bank is the one that its SHA-256 was made of."),
        ask=altered_files,
    ),
    Invariant(
        name="vouchers.settlement.takes_back_what_it_paid",
        meaning=_("Only what was paid and refunded is taken back, and only once."),
        sql="""
            SELECT back.id, back.redemption_id
              FROM vouchers_settlementline AS back
              JOIN vouchers_redemption AS redemption
                ON redemption.id = back.redemption_id
             WHERE back.kind = 'claw_back' AND back.counts
               AND (redemption.state = 'done'
                    OR NOT EXISTS (
                        SELECT FROM vouchers_settlementline AS line
                          JOIN vouchers_settlement AS settlement
                            ON settlement.id = line.settlement_id
                         WHERE line.redemption_id = back.redemption_id
                           AND line.kind = 'redeemed' AND line.counts
                           AND settlement.state = 'paid')
                    OR EXISTS (
                        SELECT FROM vouchers_transfer AS repaid
                         WHERE repaid.redemption_id = back.redemption_id
                           AND repaid.kind = 'repay'))
        """,
    ),
    Invariant(
        name="vouchers.settlement.nothing_held_is_approved",
        meaning=_("What a flag held when a settlement was approved is not in it."),
        sql="""
            SELECT settlement.id, settlement.number, line.redemption_id, flag.id
              FROM vouchers_settlement AS settlement
              JOIN vouchers_settlementline AS line
                ON line.settlement_id = settlement.id AND line.kind = 'redeemed'
              JOIN vouchers_flag_redemptions AS held
                ON held.redemption_id = line.redemption_id
              JOIN vouchers_flag AS flag ON flag.id = held.flag_id
             WHERE settlement.state IN ('approved', 'paid')
               AND flag.raised_at < settlement.prepared_at
               AND (flag.state <> 'cleared'
                    OR flag.decided_at > settlement.decided_at)
        """,
    ),
    Invariant(
        name="vouchers.campaign.closed_has_nothing_open",
        meaning=_("In a closed campaign no voucher is usable and nothing is owed."),
        sql="""
            SELECT campaign.id, account.kind, sum(posting.amount_fen)
              FROM vouchers_campaign AS campaign
              JOIN vouchers_account AS account ON account.campaign_id = campaign.id
              JOIN vouchers_posting AS posting ON posting.account_id = account.id
             WHERE campaign.state = 'closed'
               AND account.kind IN ('pool', 'live', 'payable', 'lapsed')
          GROUP BY campaign.id, account.id
            HAVING sum(posting.amount_fen) <> 0
        """,
    ),
    Invariant(
        name="vouchers.campaign.closed_moves_nothing",
        meaning=_("After a campaign was closed, none of its money moved."),
        sql="""
            SELECT campaign.id, transfer.id, transfer.kind, transfer.at
              FROM vouchers_campaign AS campaign
              JOIN vouchers_transfer AS transfer ON transfer.campaign_id = campaign.id
             WHERE campaign.state = 'closed' AND transfer.at > campaign.closed_at
        """,
    ),
    Invariant(
        name="vouchers.campaign.closed_returned_what_was_reported",
        meaning=_("What a closed campaign returned is what its report says."),
        sql="""
            SELECT report.id, report.campaign_id, sum(moved.amount_fen)
              FROM vouchers_closingreport AS report
         LEFT JOIN vouchers_transfer AS moved
                ON moved.campaign_id = report.campaign_id AND moved.kind = 'return'
             WHERE report.closed_at IS NOT NULL
          GROUP BY report.id
            HAVING coalesce(sum(moved.amount_fen), 0)
                   <> (report.figures #>> '{money_fen,to_return}')::bigint
        """,
    ),
    Invariant(
        name="vouchers.campaign.closed_by_two_people",
        meaning=_("A closed campaign has its report, approved by a second person."),
        sql="""
            SELECT campaign.id FROM vouchers_campaign AS campaign
         LEFT JOIN vouchers_closingreport AS report
                ON report.campaign_id = campaign.id AND report.closed_at IS NOT NULL
             WHERE (campaign.state = 'closed') <> (report.id IS NOT NULL)
        """,
    ),
]
