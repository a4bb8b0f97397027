"""Tables of public money: what is promised, claimed, redeemed, owed and paid."""

from __future__ import annotations

from vouchers.models.campaigns import Appropriation, Campaign, DistrictCap, Tier
from vouchers.models.claiming import DrawnVoucher, QueueTicket, Voucher
from vouchers.models.figures import BookHour, CountedUntil, HourFigure
from vouchers.models.ledger import Account, Transfer
from vouchers.models.merchants import (
    HIGH_RISK,
    Device,
    Member,
    Merchant,
    MerchantChange,
    Participation,
    Shop,
)
from vouchers.models.radar import Flag
from vouchers.models.redemptions import Redemption, RefusedScan
from vouchers.models.rounds import Lot, Round, StockShard
from vouchers.models.settlements import (
    HASH_OF_TEXTS,
    TEXT_OF_A_LINE,
    ClosingReport,
    PaymentFile,
    Settlement,
    SettlementLine,
    SettlementRun,
)
from vouchers.models.terms import Terms

__all__ = [
    "HASH_OF_TEXTS",
    "HIGH_RISK",
    "TEXT_OF_A_LINE",
    "Account",
    "Appropriation",
    "BookHour",
    "Campaign",
    "ClosingReport",
    "CountedUntil",
    "Device",
    "DistrictCap",
    "DrawnVoucher",
    "Flag",
    "HourFigure",
    "Lot",
    "Member",
    "Merchant",
    "MerchantChange",
    "Participation",
    "PaymentFile",
    "QueueTicket",
    "Redemption",
    "RefusedScan",
    "Round",
    "Settlement",
    "SettlementLine",
    "SettlementRun",
    "Shop",
    "StockShard",
    "Terms",
    "Tier",
    "Transfer",
    "Voucher",
]
