"""A person's own copy of what is held about their vouchers."""

from __future__ import annotations

from typing import Any

from bureau.accounts.models import User
from vouchers.models import QueueTicket
from vouchers.queries.wallet import vouchers_of


def voucher_data_of(user: User) -> dict[str, Any]:
    """Vouchers with where they were used, and rushes that the person came to.

    Entries in draws are in the copy of the draws. The hashes of device and network are
    told, too: they say that two claims came from one phone, and nothing else.
    """
    vouchers = vouchers_of(user).select_related("campaign", "tier", "lot__round")
    tickets = QueueTicket.objects.of(user).select_related("round__campaign", "district")
    return {
        "vouchers": [
            {
                "code": voucher.code,
                "campaign": voucher.campaign.name,
                "round": voucher.lot.round.number,
                "face_fen": voucher.face_fen,
                "threshold_fen": voucher.threshold_fen,
                "got_by": voucher.way,
                "state": voucher.state,
                "claimed_at": voucher.claimed_at.isoformat(),
                "expires_at": voucher.expires_at.isoformat(),
                "device": voucher.device,
                "network": voucher.network,
                "used": [
                    {
                        "number": use.number,
                        "shop": use.shop.name,
                        "at": use.redeemed_at.isoformat(),
                        "bill_fen": use.bill_fen,
                        "discount_fen": use.discount_fen,
                        "state": use.state,
                    }
                    for use in voucher.redemptions.select_related("shop").order_by("pk")
                ],
            }
            for voucher in vouchers.order_by("pk")
        ],
        "waiting_rooms": [
            {
                "campaign": ticket.round.campaign.name,
                "round": ticket.round.number,
                "came_at": ticket.joined_at.isoformat(),
                "district": ticket.district.name if ticket.district else None,
            }
            for ticket in tickets.order_by("pk")
        ],
    }
