"""What people and providers can do with money. One file per subject."""

from __future__ import annotations

from bureau.payments.actions.callbacks import note_forgery, take_callback
from bureau.payments.actions.cash import pay_out_cash, take_cash
from bureau.payments.actions.cashier import decline_sandbox, pay_sandbox
from bureau.payments.actions.discrepancies import (
    note_discrepancy,
    resolve_discrepancy,
)
from bureau.payments.actions.payments import (
    close_payment,
    note_opening,
    request_payment,
    settle_payment,
    start_payment,
)
from bureau.payments.actions.questions import ask_again, claim_question
from bureau.payments.actions.refunds import (
    claim_refund,
    note_refund_answer,
    request_refund,
    request_refunds,
    resend_refund,
)

__all__ = [
    "ask_again",
    "claim_question",
    "claim_refund",
    "close_payment",
    "decline_sandbox",
    "note_discrepancy",
    "note_forgery",
    "note_opening",
    "note_refund_answer",
    "pay_out_cash",
    "pay_sandbox",
    "request_payment",
    "request_refund",
    "request_refunds",
    "resend_refund",
    "resolve_discrepancy",
    "settle_payment",
    "start_payment",
    "take_callback",
    "take_cash",
]
