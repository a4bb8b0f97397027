from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.audit.invariants import Invariant

INVARIANTS = [
    Invariant(
        "payments.refunds_add_up",
        _("What a payment counts as refunded is the sum of its refunds."),
        """
        SELECT p.number, p.refunded_fen, COALESCE(SUM(r.amount_fen), 0) AS refunds_fen
        FROM payments_payment p
        LEFT JOIN payments_refund r ON r.payment_id = p.id
        GROUP BY p.id
        HAVING p.refunded_fen <> COALESCE(SUM(r.amount_fen), 0)
        """,
    ),
    Invariant(
        "payments.refunds_stay_within_what_was_paid",
        _("No more is refunded than was paid."),
        """
        SELECT number, state, amount_fen, refunded_fen FROM payments_payment
        WHERE refunded_fen > CASE WHEN state = 'paid' THEN amount_fen ELSE 0 END
        """,
    ),
    Invariant(
        "payments.settled_events_have_their_payment",
        _("Every callback that brought money has its paid payment."),
        """
        SELECT e.provider, e.event_id, e.number, e.provider_ref
        FROM payments_providerevent e
        WHERE e.outcome IN ('settled', 'surplus')
          AND NOT EXISTS (
            SELECT FROM payments_payment p
            WHERE p.provider = e.provider AND p.provider_ref = e.provider_ref
              AND p.state = 'paid'
        )
        """,
    ),
    Invariant(
        "payments.forged_events_change_nothing",
        _("No callback with a wrong signature was acted on."),
        """
        SELECT provider, event_id, outcome FROM payments_providerevent
        WHERE NOT signature_ok
          AND outcome IN ('settled', 'surplus', 'done', 'sent', 'failed', '')
        """,
    ),
    Invariant(
        "payments.surplus_money_goes_back",
        _("What was paid twice is refunded in full."),
        """
        SELECT number, amount_fen, refunded_fen FROM payments_payment
        WHERE surplus_of_id IS NOT NULL AND refunded_fen <> amount_fen
        """,
    ),
    Invariant(
        "payments.settlements_are_recorded",
        _("Every payment that was settled has exactly one audit entry that says so."),
        """
        SELECT p.number, COUNT(e.id) AS entries
        FROM payments_payment p
        LEFT JOIN audit_entry e ON e.subject_type = 'payments.payment'
          AND e.subject_id = p.id AND e.event = 'payments.payment.settled'
        WHERE p.state = 'paid' AND p.surplus_of_id IS NULL
        GROUP BY p.id
        HAVING COUNT(e.id) <> 1
        """,
    ),
    Invariant(
        "payments.sandbox_money_arrives",
        _("Money at the sandbox cashier is a paid payment after 15 minutes."),
        """
        SELECT s.number, s.ref, s.amount_fen, s.paid_at
        FROM payments_sandboxtransaction s
        WHERE s.state = 'paid' AND s.paid_at < now() - interval '15 minutes'
          AND NOT EXISTS (
            SELECT FROM payments_payment p
            WHERE p.provider = 'sandbox' AND p.provider_ref = s.ref
              AND p.state = 'paid'
        )
          AND NOT EXISTS (
            SELECT FROM payments_discrepancy d
            WHERE d.provider = 'sandbox' AND d.provider_ref = s.ref
        )
        """,
    ),
    Invariant(
        "payments.sandbox_agrees_on_refunds",
        _("Every finished sandbox refund is in the cashier's book with its amount."),
        """
        SELECT r.number, r.amount_fen, s.amount_fen AS sandbox_fen
        FROM payments_refund r
        JOIN payments_payment p ON p.id = r.payment_id AND p.provider = 'sandbox'
        LEFT JOIN payments_sandboxrefund s ON s.number = r.number
        WHERE r.state = 'done' AND s.amount_fen IS DISTINCT FROM r.amount_fen
        """,
    ),
    Invariant(
        "payments.due_payments_are_closed_in_time",
        _("No payment is still open an hour after its time."),
        """
        SELECT number, expires_at FROM payments_payment
        WHERE state = 'due' AND expires_at < now() - interval '1 hour'
        """,
    ),
    Invariant(
        "payments.cash_is_in_a_drawer",
        _("Every payment in cash was put into a drawer, and every refund taken out."),
        """
        SELECT p.number, r.number, p.amount_fen, r.amount_fen AS refund_fen, m.fen
        FROM payments_payment p
        LEFT JOIN payments_refund r ON r.payment_id = p.id AND r.state = 'done'
        LEFT JOIN payments_cashmovement m
          ON m.payment_id = p.id AND m.refund_id IS NOT DISTINCT FROM r.id
        WHERE p.provider = 'cash' AND p.state = 'paid' AND r.id IS NOT NULL
          AND m.fen IS DISTINCT FROM -r.amount_fen
        UNION ALL
        SELECT p.number, '', p.amount_fen, 0, m.fen
        FROM payments_payment p
        LEFT JOIN payments_cashmovement m
          ON m.payment_id = p.id AND m.refund_id IS NULL
        WHERE p.provider = 'cash' AND p.state = 'paid'
          AND m.fen IS DISTINCT FROM p.amount_fen
        """,
    ),
]
