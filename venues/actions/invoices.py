"""The money of a club's season: one invoice for all its bookings.

Locks: the invoice's own (advisory) → its payments → floor → booking → the row of the
invoice. Whoever makes a payment for an invoice, or lowers it, holds the first; a
provider's callback begins with the payments and ends with the row, so nobody waits in
a circle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.money import yuan
from bureau.notices.actions import notify
from bureau.payments import actions as payments
from bureau.payments.models import Payment
from venues.actions.money import close_due, lock_invoice_money, pay_back
from venues.errors.seasons import (
    InvoiceNotOpen,
    ReferenceMissing,
    TransferBeforeInvoice,
    TransferDone,
    TransferInTheFuture,
)
from venues.models import Booking, BookingLine, Invoice, TransferBack

State = Invoice.State
DUE_DAYS = 14
"""Days that a club has to pay."""
REMIND_DAYS = 3
"""How many days before an invoice is due its club is reminded."""
PAY_MINUTES = 30
"""How long a cashier stays open; asked again, it opens anew."""


@transaction.atomic
def pay_invoice(*, invoice: Invoice, by: User) -> Payment:
    """Ask for the money on line; asked again, the same payment while it is open.

    Raises `InvoiceNotOpen`.
    """
    now = clock.now()
    paid = lock_invoice_money(invoice.pk)
    invoice = _lock(invoice.pk)
    if invoice.state != State.OPEN:
        raise InvoiceNotOpen
    for payment in paid:
        is_due = payment.state == Payment.State.DUE
        fits = payment.amount_fen == invoice.total_fen
        # Another contact's cashier is not this one's to see.
        is_theirs = payment.payer_id == by.pk and payment.is_payable_at(now)
        if is_due and fits and is_theirs:
            return payment
        if is_due:
            payments.close_payment(payment=payment, by=by)
    with translation.override(settings.LANGUAGE_CODE):
        title = _("Invoice %(number)s, %(club)s") % {
            "number": invoice.number,
            "club": invoice.club.name,
        }
    return payments.request_payment(
        owner=invoice,
        payer=by,
        amount_fen=invoice.total_fen,
        title=title[:120],
        expires_at=now + timedelta(minutes=PAY_MINUTES),
        return_path=invoice.get_absolute_url(),
        by=by,
    )


def take_invoice_money(*, invoice: Invoice, payment: Payment) -> Invoice:
    """Money for an invoice is there. What it does not ask for goes straight back.

    That is all of it when the invoice was paid otherwise or is void, and the rest when
    dates were given back while somebody stood at the cashier. Called inside the
    transaction that settled the payment, which has locked the invoice's payments.
    """
    now = clock.now()
    invoice = _lock(invoice.pk)
    asked = invoice.total_fen if invoice.state == State.OPEN else 0
    too_much = payment.refundable_fen - asked
    if asked and too_much >= 0:
        _mark_paid(invoice, at=payment.paid_at or now)
        close_due(list(Payment.objects.for_owner(invoice).due()), by=None)
        record(
            "venues.invoice.paid",
            subject=invoice,
            by=payment.payer,
            at=now,
            detail={"payment": payment.number, "fen": asked},
        )
        tell_club(invoice, "venues.invoice_paid", at=now)
    else:
        too_much = payment.refundable_fen
    if too_much:
        payments.request_refund(
            payment=payment,
            amount_fen=too_much,
            reason=_("The invoice does not ask for this any more."),
            by=None,
            key="not-asked",
        )
    return invoice


@transaction.atomic
def note_transfer(
    *, invoice: Invoice, reference: str, paid_on: date, by: User
) -> Invoice:
    """Staff saw the whole sum in the account.

    Raises `ReferenceMissing`, `TransferInTheFuture`, `InvoiceNotOpen` or
    `TransferBeforeInvoice`.
    """
    now = clock.now()
    reference = reference.strip()
    if not reference:
        raise ReferenceMissing
    if paid_on > clock.local_day(now):
        raise TransferInTheFuture
    paid = lock_invoice_money(invoice.pk)
    invoice = _lock(invoice.pk)
    if invoice.state != State.OPEN:
        raise InvoiceNotOpen
    if paid_on < clock.local_day(invoice.request.asked_at):
        raise TransferBeforeInvoice
    invoice.transferred_fen = invoice.total_fen
    invoice.transfer_reference = reference[:64]
    invoice.transfer_noted_by = by
    _mark_paid(invoice, at=clock.at(paid_on, 0))
    close_due(paid, by=by)
    record(
        "venues.invoice.transferred",
        subject=invoice,
        by=by,
        at=now,
        detail={
            "reference": reference,
            "paid_on": paid_on.isoformat(),
            "fen": invoice.total_fen,
        },
    )
    tell_club(invoice, "venues.invoice_paid", at=now)
    return invoice


@transaction.atomic
def note_transfer_back(
    *, transfer: TransferBack, reference: str, by: User
) -> TransferBack:
    """Staff have paid it back. Raises `ReferenceMissing` or `TransferDone`."""
    now = clock.now()
    reference = reference.strip()
    if not reference:
        raise ReferenceMissing
    done = TransferBack.objects.filter(pk=transfer.pk, done_at=None).update(
        done_at=now, done_by=by, reference=reference[:64]
    )
    if not done:
        raise TransferDone
    transfer = TransferBack.objects.select_related("invoice").get(pk=transfer.pk)
    record(
        "venues.transferback.done",
        subject=transfer,
        by=by,
        at=now,
        detail={"reference": reference, "fen": transfer.fen},
    )
    tell_club(
        transfer.invoice, "venues.invoice_money_back", at=now, sum=yuan(transfer.fen)
    )
    return transfer


def lower_invoice(
    booking: Booking,
    lines: Sequence[BookingLine],
    *,
    back: Mapping[int, int],
    key: str,
    reason: str,
    by: User | None,
    at: datetime,
) -> int:
    """Take slots off the invoice of their booking; how much goes back the way it came.

    `back` says what each line brings back, in fen; the rest of its price is kept. What
    came by bank transfer is for staff to pay back (`TransferBack`). The caller has
    locked the money (`lock_payments`), the floor and the booking, in this order.
    """
    if booking.invoice_id is None:
        return 0
    invoice = _lock(booking.invoice_id)
    lower = sum(back[line.pk] for line in lines)
    invoice.total_fen -= lower
    invoice.retained_fen += sum(line.price_fen for line in lines) - lower
    invoice.save(update_fields=["total_fen", "retained_fen"])
    record(
        "venues.invoice.lowered",
        subject=invoice,
        by=by,
        at=at,
        detail={"booking": booking.number, "by_fen": lower, "reason": reason},
    )
    paid = list(Payment.objects.for_owner(invoice).order_by("pk"))
    if invoice.state == State.PAID:
        on_line = min(lower, sum(payment.refundable_fen for payment in paid))
        pay_back(paid, fen=on_line, reason=reason or _("Given back"), by=by, key=key)
        if lower > on_line:
            TransferBack.objects.create(
                invoice=invoice,
                booking=booking,
                fen=lower - on_line,
                reason=(reason or _("Given back"))[:200],
                asked_at=at,
            )
        return on_line
    if lower:
        close_due(paid, by=by)  # it asks for the old sum
    if invoice.state == State.OPEN and not invoice.total_fen:
        Invoice.objects.filter(pk=invoice.pk).update(state=State.VOID)
    return 0


def remind_of_invoices(*, at: datetime) -> int:
    """Remind clubs of what is due soon, and of what is overdue; how many were told.

    Each once (`reminded_at`, `reminded_late_at` are moved by one worker only). A day on
    which nothing ran is made up for: the first until it is due, the other later on.
    """
    today = clock.local_day(at)
    unpaid = Invoice.objects.filter(state=State.OPEN)
    soon = unpaid.filter(
        reminded_at=None,
        due_on__gte=today,
        due_on__lte=today + timedelta(days=REMIND_DAYS),
    )
    late = unpaid.filter(reminded_late_at=None, due_on__lt=today)
    return _remind(soon, "venues.invoice_due_soon", mark="reminded_at", at=at) + (
        _remind(late, "venues.invoice_overdue", mark="reminded_late_at", at=at)
    )


def _remind(rows: QuerySet[Invoice], kind: str, *, mark: str, at: datetime) -> int:
    told = 0
    for pk in list(rows.order_by("due_on", "pk").values_list("pk", flat=True)):
        with transaction.atomic():
            # Asked again: it may be paid, void or told by another worker.
            if rows.filter(pk=pk).update(**{mark: at}):
                tell_club(_lock(pk), kind, at=at)
                told += 1
    return told


def tell_club(invoice: Invoice, kind: str, *, at: datetime, **more: str) -> None:
    """A notice about an invoice to the contact of its club."""
    notify(
        recipient=invoice.club.contact,
        kind=kind,
        context={
            "club": invoice.club.name,
            "venue": invoice.request.season.venue.name,
            "number": invoice.number,
            "total": yuan(invoice.total_fen),
            "due_on": invoice.due_on.isoformat(),
            **more,
        },
        subject=invoice,
        at=at,
    )


def add_to_invoice(invoice: Invoice, fen: int) -> None:
    """One more date is booked; only while the invoice is being made."""
    added = Invoice.objects.filter(pk=invoice.pk, state=State.NEW).update(
        total_fen=F("total_fen") + fen
    )
    if added != 1:
        raise InvoiceNotOpen


def _mark_paid(invoice: Invoice, *, at: datetime) -> None:
    invoice.state = State.PAID
    invoice.paid_at = at
    invoice.save(
        update_fields=[
            "state",
            "paid_at",
            "transferred_fen",
            "transfer_reference",
            "transfer_noted_by",
        ]
    )


def _lock(invoice_id: int) -> Invoice:
    return (
        Invoice.objects.select_related("club__contact", "request__season__venue")
        .select_for_update(of=["self"])
        .get(pk=invoice_id)
    )
