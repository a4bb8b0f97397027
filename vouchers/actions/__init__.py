"""What people can do with vouchers. One function per thing; `actions.claim_voucher(…)`.

Order of locks, the same everywhere, so that nobody waits in a circle:
campaign → the merchant's payable account → round → tier → stock → the voucher → its
redemption → caps.
"""

from __future__ import annotations

from vouchers.actions.calling_off import (
    call_off_campaign,
    call_off_round,
    tell_of_called_off_rounds,
)
from vouchers.actions.campaigns import (
    Texts,
    describe_campaign,
    draft_campaign,
    enter_appropriation,
    publish_campaign,
    set_district_caps,
)
from vouchers.actions.checking import refuse_stale
from vouchers.actions.claims import (
    Claimed,
    Where,
    claim_by_token,
    claim_voucher,
)
from vouchers.actions.closing import (
    close_campaign,
    prepare_closing_report,
    write_down_redemptions,
)
from vouchers.actions.devices import (
    block_device,
    know_device,
    unblock_device,
)
from vouchers.actions.drawn import (
    enter_round_draw,
    entry_of,
    follow_redraw,
    hand_out_draw,
    hand_out_drawn,
    queue_round_hand_out,
    refuse_round_entries_by_staff,
    refuse_void_of_round,
)
from vouchers.actions.expiry import (
    expire_vouchers,
    remind_of_expiry,
    void_voucher,
)
from vouchers.actions.figures import (
    count_all_hours,
    count_hours,
)
from vouchers.actions.forgetting import (
    give_up_vouchers,
)
from vouchers.actions.members import (
    Invitation,
    accept_invitation,
    change_member,
    find_invitation,
    forget_member,
    invitation_link,
    invitation_text,
    invite_again,
    invite_member,
    note_invitation_sent,
    remove_member,
    resend_invitations,
)
from vouchers.actions.merchant_changes import (
    approve_change,
    ask_for_change,
    refuse_change,
    warn_of_permits,
    withdraw_change,
)
from vouchers.actions.merchant_imports import (
    import_merchants,
)
from vouchers.actions.merchants import (
    MerchantFacts,
    approve_merchant,
    check_shop,
    correct_merchant,
    leave_as_merchant,
    refuse_merchant,
    register_merchant,
    reinstate_merchant,
    reseal_accounts,
    suspend_merchant,
)
from vouchers.actions.participations import (
    end_part,
    take_part,
    take_part_together,
)
from vouchers.actions.payments import (
    make_payment_file,
    note_file_paid,
    note_paid,
    note_repayment,
    open_payment_file,
)
from vouchers.actions.queue import (
    call_next,
    call_queues,
    join_queue,
)
from vouchers.actions.radar import (
    decide_flag,
    decide_flags,
    scan_last_days,
    scan_with_radar,
)
from vouchers.actions.redemptions import (
    redeem_voucher,
)
from vouchers.actions.reversals import (
    gives_back,
    keeps_subsidy,
    refund_redemption,
    refuse_refund,
    undo_redemption,
    undo_until,
)
from vouchers.actions.rounds import (
    RoundPlan,
    set_rounds,
)
from vouchers.actions.scans import (
    Offer,
    look_up_voucher,
)
from vouchers.actions.settlement_runs import (
    ask_for_settlements,
    finish_settlement_runs,
    prepare_settlements,
    propose_settlements,
    work_through_run,
)
from vouchers.actions.settlements import (
    approve_settlement,
    reject_settlement,
)
from vouchers.actions.shops import (
    ShopFacts,
    add_shop,
    change_shop,
    open_shop,
)
from vouchers.actions.stock import (
    end_rounds,
    lay_out_round,
    lay_out_rounds,
)
from vouchers.actions.terms import (
    change_terms,
    set_terms,
)
from vouchers.actions.tiers import (
    TierPlan,
    set_tiers,
)

__all__ = [
    "Claimed",
    "Invitation",
    "MerchantFacts",
    "Offer",
    "RoundPlan",
    "ShopFacts",
    "Texts",
    "TierPlan",
    "Where",
    "accept_invitation",
    "add_shop",
    "approve_change",
    "approve_merchant",
    "approve_settlement",
    "ask_for_change",
    "ask_for_settlements",
    "block_device",
    "call_next",
    "call_off_campaign",
    "call_off_round",
    "call_queues",
    "change_member",
    "change_shop",
    "change_terms",
    "check_shop",
    "claim_by_token",
    "claim_voucher",
    "close_campaign",
    "correct_merchant",
    "count_all_hours",
    "count_hours",
    "decide_flag",
    "decide_flags",
    "describe_campaign",
    "draft_campaign",
    "end_part",
    "end_rounds",
    "enter_appropriation",
    "enter_round_draw",
    "entry_of",
    "expire_vouchers",
    "find_invitation",
    "finish_settlement_runs",
    "follow_redraw",
    "forget_member",
    "give_up_vouchers",
    "gives_back",
    "hand_out_draw",
    "hand_out_drawn",
    "import_merchants",
    "invitation_link",
    "invitation_text",
    "invite_again",
    "invite_member",
    "join_queue",
    "keeps_subsidy",
    "know_device",
    "lay_out_round",
    "lay_out_rounds",
    "leave_as_merchant",
    "look_up_voucher",
    "make_payment_file",
    "note_file_paid",
    "note_invitation_sent",
    "note_paid",
    "note_repayment",
    "open_payment_file",
    "open_shop",
    "prepare_closing_report",
    "prepare_settlements",
    "propose_settlements",
    "publish_campaign",
    "queue_round_hand_out",
    "redeem_voucher",
    "refund_redemption",
    "refuse_change",
    "refuse_merchant",
    "refuse_refund",
    "refuse_round_entries_by_staff",
    "refuse_stale",
    "refuse_void_of_round",
    "register_merchant",
    "reinstate_merchant",
    "reject_settlement",
    "remind_of_expiry",
    "remove_member",
    "reseal_accounts",
    "resend_invitations",
    "scan_last_days",
    "scan_with_radar",
    "set_district_caps",
    "set_rounds",
    "set_terms",
    "set_tiers",
    "suspend_merchant",
    "take_part",
    "take_part_together",
    "tell_of_called_off_rounds",
    "unblock_device",
    "undo_redemption",
    "undo_until",
    "void_voucher",
    "warn_of_permits",
    "withdraw_change",
    "work_through_run",
    "write_down_redemptions",
]
