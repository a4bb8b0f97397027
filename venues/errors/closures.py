"""Why a hall is not shut, or not opened again."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class UnitsTaken(DomainError):
    code = "units_taken"
    message = _("Bookings stand in the way: %(numbers)s. Call them off first.")


class BlockAlreadyLifted(DomainError):
    code = "block_already_lifted"
    message = _("This block was lifted before.")


class PeriodTooLong(DomainError):
    code = "period_too_long"
    message = _("A block ends after it starts, and lasts at most %(days)s days.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ClosureOver(DomainError):
    code = "closure_over"
    message = _("A closure ends later than now.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class AnnouncedLater(DomainError):
    code = "announced_later"
    message = _("A closure cannot have been announced in the future.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY
