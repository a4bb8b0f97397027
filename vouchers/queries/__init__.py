"""Reads over several tables."""

from __future__ import annotations

from vouchers.queries.claim_data import (
    voucher_data_of,
)
from vouchers.queries.closing import (
    closing_figures,
    closing_pdf,
    closing_workbook,
    obstacles_to_closing,
    to_write_down,
)
from vouchers.queries.contradictions import (
    Contradiction,
    contradictions_of,
)
from vouchers.queries.eligibility import (
    Reason,
    why_not,
)
from vouchers.queries.figures import (
    Figures,
    figures_of,
    parts_in,
)
from vouchers.queries.ledger import (
    Balances,
    balances_of,
)
from vouchers.queries.merchants import (
    counters_of,
    devices_of,
    membership_of,
    memberships_of,
    merchant_data_of,
    merchant_work,
    papers_of,
    people_of,
    permit_state,
    reasons_for_manager_to_stay,
    twins_of,
)
from vouchers.queries.queue import (
    Standing,
    Turn,
    present_in,
    read_turn,
    standing_of,
    turn_of,
    turn_token,
)
from vouchers.queries.rules import (
    RuleChange,
    RuleGroup,
    rule_changes,
    rule_groups,
    rules_in_words,
)
from vouchers.queries.settlements import (
    MerchantMoney,
    Statement,
    money_by_merchant,
    next_period,
    owed_fen,
    statement_of,
    statement_pdf,
    statement_workbook,
    taken_back_of,
)
from vouchers.queries.shops import (
    FoundShop,
    ShopPoint,
    ShopWish,
    count_shops,
    find_shops,
    shop_points,
    shops_near,
)
from vouchers.queries.stock import (
    LotStock,
    stock_of,
)
from vouchers.queries.validity import (
    Validity,
    is_redeem_hour,
    validity_of,
)

__all__ = [
    "Balances",
    "Contradiction",
    "Figures",
    "FoundShop",
    "LotStock",
    "MerchantMoney",
    "Reason",
    "RuleChange",
    "RuleGroup",
    "ShopPoint",
    "ShopWish",
    "Standing",
    "Statement",
    "Turn",
    "Validity",
    "balances_of",
    "closing_figures",
    "closing_pdf",
    "closing_workbook",
    "contradictions_of",
    "count_shops",
    "counters_of",
    "devices_of",
    "figures_of",
    "find_shops",
    "is_redeem_hour",
    "membership_of",
    "memberships_of",
    "merchant_data_of",
    "merchant_work",
    "money_by_merchant",
    "next_period",
    "obstacles_to_closing",
    "owed_fen",
    "papers_of",
    "parts_in",
    "people_of",
    "permit_state",
    "present_in",
    "read_turn",
    "reasons_for_manager_to_stay",
    "rule_changes",
    "rule_groups",
    "rules_in_words",
    "shop_points",
    "shops_near",
    "standing_of",
    "statement_of",
    "statement_pdf",
    "statement_workbook",
    "stock_of",
    "taken_back_of",
    "to_write_down",
    "turn_of",
    "turn_token",
    "twins_of",
    "validity_of",
    "voucher_data_of",
    "why_not",
]
