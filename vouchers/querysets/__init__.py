"""What we ask about vouchers, in the words of the domain."""

from __future__ import annotations

from vouchers.querysets.campaigns import (
    CampaignQuerySet,
    LotQuerySet,
    RoundQuerySet,
    TermsQuerySet,
)
from vouchers.querysets.claiming import QueueTicketQuerySet, VoucherQuerySet
from vouchers.querysets.merchants import (
    MemberQuerySet,
    MerchantQuerySet,
    ParticipationQuerySet,
    ShopQuerySet,
)
from vouchers.querysets.radar import FlagQuerySet
from vouchers.querysets.redemptions import RedemptionQuerySet
from vouchers.querysets.settlements import SettlementQuerySet, SettlementRunQuerySet

__all__ = [
    "CampaignQuerySet",
    "FlagQuerySet",
    "LotQuerySet",
    "MemberQuerySet",
    "MerchantQuerySet",
    "ParticipationQuerySet",
    "QueueTicketQuerySet",
    "RedemptionQuerySet",
    "RoundQuerySet",
    "SettlementQuerySet",
    "SettlementRunQuerySet",
    "ShopQuerySet",
    "TermsQuerySet",
    "VoucherQuerySet",
]
