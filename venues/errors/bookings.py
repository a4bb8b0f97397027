"""Why a booking is not changed or called off."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class TooLateToCancel(DomainError):
    code = "too_late_to_cancel"
    message = _("This booking could be cancelled until %(until)s.")


class NotCancellable(DomainError):
    code = "not_cancellable"
    message = _("This booking is not one that can be cancelled any more.")


class BookingMovedOn(DomainError):
    code = "booking_moved_on"
    message = _("This booking has changed meanwhile. Please look at it again.")


class RefundChanged(DomainError):
    code = "refund_changed"
    message = _("%(total)s yuan would come back now. Please look at it again.")


class NotChangeable(DomainError):
    code = "not_changeable"
    message = _("These times cannot be changed any more.")


class NothingToChange(DomainError):
    code = "nothing_to_change"
    message = _("You have these times already. Please pick other ones.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ChangeUnderWay(DomainError):
    code = "change_under_way"
    message = _("A change of this booking waits for its payment. Pay or drop it first.")
