from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

INVARIANTS = [
    Invariant(
        name="vouchers.campaign.published_has_its_rules",
        meaning=_("Every published campaign has published rules, in versions 1, 2, 3…"),
        sql="""
            SELECT campaign.id, count(terms.id), max(terms.version)
              FROM vouchers_campaign AS campaign
         LEFT JOIN vouchers_terms AS terms
                ON terms.campaign_id = campaign.id AND terms.published_at IS NOT NULL
             WHERE campaign.state <> 'draft'
          GROUP BY campaign.id
            HAVING count(terms.id) = 0 OR count(terms.id) <> max(terms.version)
        """,
    ),
    Invariant(
        name="vouchers.campaign.draft_gives_nothing",
        meaning=_("Nothing of a campaign is given away before it is published."),
        sql="""
            SELECT campaign.id FROM vouchers_campaign AS campaign
             WHERE campaign.state = 'draft'
               AND (EXISTS (SELECT FROM vouchers_voucher AS voucher
                             WHERE voucher.campaign_id = campaign.id)
                    OR EXISTS (SELECT FROM vouchers_round AS round
                                WHERE round.campaign_id = campaign.id
                                  AND (round.laid_out_at IS NOT NULL
                                       OR round.draw_id IS NOT NULL)))
        """,
    ),
    Invariant(
        name="vouchers.round.draws_what_was_announced",
        meaning=_("The draw of a round gives away what the round does, then as said."),
        sql="""
            SELECT round.id, draw.draw_id
              FROM vouchers_round AS round
              JOIN draws_draw AS draw ON draw.id = round.draw_id
             WHERE draw.state <> 'void' AND draw.replaces_id IS NULL
               AND (draw.entries_close_at <> round.closes_at
                    OR draw.draws_at <> round.draws_at)
             UNION ALL
            SELECT round.id, pool.prefix
              FROM vouchers_round AS round
              JOIN draws_pool AS pool ON pool.draw_id = round.draw_id
         FULL JOIN (SELECT lot.*, 'T' || lot.tier_id AS prefix
                      FROM vouchers_lot AS lot
                      JOIN vouchers_round AS drawn ON drawn.id = lot.round_id
                     WHERE drawn.draw_id IS NOT NULL) AS lot
                ON lot.round_id = round.id AND lot.prefix = pool.prefix
             WHERE (round.id IS NOT NULL OR lot.id IS NOT NULL)
               AND (pool.id IS NULL OR lot.id IS NULL OR pool.quota <> lot.amount)
        """,
    ),
    Invariant(
        name="vouchers.campaign.rules_are_guarded",
        meaning=_("Published rules are guarded by their triggers."),
        sql="""
            SELECT wanted AS missing_trigger
              FROM unnest(ARRAY['vouchers_terms_are_frozen',
                                'vouchers_terms_districts_are_frozen']) AS wanted
             WHERE NOT EXISTS (SELECT FROM pg_trigger
                                WHERE tgname = wanted AND tgenabled IN ('O', 'A'))
        """,
    ),
]
