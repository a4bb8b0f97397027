"""Facts from the apps below: each receiver makes one action call."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from bureau.draws.models import Draw
from bureau.draws.signals import (
    draw_done,
    draw_redone,
    draw_voided,
    entered_by_staff,
)
from bureau.payments.models import Payment
from bureau.payments.signals import explanation_asked, payment_settled
from venues import actions
from venues.models import Booking, Invoice


def _invoice_of(payment: Payment) -> Invoice | None:
    if (payment.owner_app, payment.owner_model) != ("venues", "invoice"):
        return None
    return Invoice.objects.get(pk=payment.owner_id)


def _booking_of(payment: Payment) -> Booking | None:
    if (payment.owner_app, payment.owner_model) != ("venues", "booking"):
        return None
    return Booking.objects.get(pk=payment.owner_id)


@receiver(payment_settled)
def confirm_or_refund(payment: Payment, **_: Any) -> None:
    if invoice := _invoice_of(payment):
        actions.take_invoice_money(invoice=invoice, payment=payment)
    booking = _booking_of(payment)
    if booking is None:
        return
    if change := booking.changes.filter(payment=payment).first():
        actions.confirm_paid_change(change=change, payment=payment)
    else:
        actions.confirm_paid_booking(booking=booking, payment=payment)


@receiver(explanation_asked)
def explain(payment: Payment, **_: Any) -> str | None:
    """Money that we keep stands for a booking that stands, or for what was retained."""
    if invoice := _invoice_of(payment):
        return invoice.number if invoice.state == Invoice.State.PAID else None
    booking = _booking_of(payment)
    kept = (Booking.State.CONFIRMED, Booking.State.NO_SHOW)
    if booking and (booking.state in kept or booking.retained_fen):
        return booking.number
    return None


@receiver(draw_done)
def hand_out(draw: Draw, **_: Any) -> None:
    actions.queue_hand_out(draw=draw)


@receiver(draw_voided)
def end_ballot(draw: Draw, **_: Any) -> None:
    actions.end_ballot_of(draw=draw, reason=draw.void_reason)


@receiver(draw_redone)
def refuse_redraw(replaces: Draw, **_: Any) -> None:
    actions.refuse_redraw(draw=replaces)


@receiver(entered_by_staff)
def refuse_entries_by_staff(draw: Draw, **_: Any) -> None:
    actions.refuse_entries_by_staff(draw=draw)
