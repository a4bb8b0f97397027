from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

INVARIANTS = [
    Invariant(
        name="vouchers.merchant.takes_part_with_accounts",
        meaning=_("Who takes part in a campaign has its accounts in the book."),
        sql="""
            SELECT part.id, part.campaign_id, part.merchant_id
              FROM vouchers_participation AS part
             WHERE (SELECT count(*) FROM vouchers_account AS account
                     WHERE account.campaign_id = part.campaign_id
                       AND account.merchant_id = part.merchant_id
                       AND account.kind IN ('payable', 'settled')) <> 2
        """,
    ),
    Invariant(
        name="vouchers.member.serves_own_counters",
        meaning=_("A clerk serves counters of their own merchant only."),
        sql="""
            SELECT member.id, shop.id
              FROM vouchers_member_shops AS served
              JOIN vouchers_member AS member ON member.id = served.member_id
              JOIN vouchers_shop AS shop ON shop.id = served.shop_id
             WHERE shop.merchant_id <> member.merchant_id
        """,
    ),
    Invariant(
        name="vouchers.member.works_or_is_invited",
        meaning=_("Who works at a merchant is a person, or a number with a link."),
        sql="""
            SELECT member.id
              FROM vouchers_member AS member
             WHERE member.left_at IS NULL
               AND member.person_id IS NULL
               AND (member.invite_code IS NULL OR member.invited_phone = '')
        """,
    ),
]
