from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError, TryLater


class UnknownPayment(DomainError):
    code = "payment_unknown"
    message = _("We do not know this payment.")
    status = HTTPStatus.NOT_FOUND


class PaymentAlreadyOpen(DomainError):
    code = "payment_already_open"
    message = _("Another payment for this order is still open.")


class PaymentClosed(DomainError):
    code = "payment_closed"
    message = _("The time to pay is over. Nothing was charged; please order again.")


class PaymentPaid(DomainError):
    code = "payment_paid"
    message = _("This has already been paid.")


class PaymentNotPaid(DomainError):
    code = "payment_not_paid"
    message = _("This has not been paid, so there is nothing to pay back.")


class RefundTooMuch(DomainError):
    code = "refund_too_much"
    message = _("More cannot be paid back than was paid and not yet refunded.")


class RefundKeyReused(DomainError):
    code = "refund_key_reused"
    message = _("A refund with this key was asked for with another amount.")


class RefundNotFailed(DomainError):
    code = "refund_not_failed"
    message = _("Only a refund that failed can be sent again.")


class ProviderNotOffered(DomainError):
    code = "payment_provider_not_offered"
    message = _("This way to pay is not available.")


class CashierClosed(DomainError):
    code = "sandbox_cashier_closed"
    message = _("The cashier has no open order with this number.")


class NotCash(DomainError):
    code = "payment_not_cash"
    message = _("This money goes back the way it came, not over the desk.")


class RefundPaidOut(DomainError):
    code = "refund_paid_out"
    message = _("This refund was paid out before.")


class DiscrepancyResolved(DomainError):
    code = "discrepancy_resolved"
    message = _("Somebody has already explained this.")


class AskedTooOften(TryLater):
    code = "payment_asked_too_often"
    message = _("We have just asked. Please wait a few seconds.")
