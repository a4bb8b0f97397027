from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class SlotTaken(DomainError):
    code = "slot_taken"
    message = _("That time was just taken by somebody else. Please pick another one.")


class SlotNotOffered(DomainError):
    """No opening hours, no price, not on the slot raster, or the court is shut."""

    code = "slot_not_offered"
    message = _("This court is not offered at that time.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class SlotInThePast(DomainError):
    code = "slot_in_the_past"
    message = _("That time has already begun.")


class SlotNotOpenYet(DomainError):
    code = "slot_not_open_yet"
    message = _("That day can be booked from %(opens_on)s on.")


class NothingPicked(DomainError):
    code = "nothing_picked"
    message = _("Please pick at least one time.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class FormDamaged(DomainError):
    code = "form_damaged"
    message = _("The form arrived damaged. Please look at it and confirm again.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooManySlots(DomainError):
    code = "too_many_slots"
    message = _("One booking can hold at most %(most)s times here.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class SlotsOverlap(DomainError):
    code = "slots_overlap"
    message = _("Two of the times that you picked overlap.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TooManyHolds(DomainError):
    code = "too_many_holds"
    message = _(
        "You have %(most)s bookings waiting for payment. "
        "Pay or cancel one of them first."
    )


class PriceChanged(DomainError):
    code = "price_changed"
    message = _("The price is %(total)s yuan now. Please look at it again.")


class VenueShut(DomainError):
    code = "venue_shut"
    message = _("This venue takes no bookings.")


class TooLateToCancel(DomainError):
    code = "too_late_to_cancel"
    message = _("This booking could be cancelled until %(until)s.")


class NotCancellable(DomainError):
    code = "not_cancellable"
    message = _("This booking is not one that can be cancelled any more.")


class AlreadyAdmitted(DomainError):
    code = "already_admitted"
    message = _("The pass of this booking has been used, so it stays as it is.")


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


class UnknownPass(DomainError):
    code = "pass_unknown"
    message = _("There is no such pass.")


class PassNeedsDigits(DomainError):
    code = "pass_needs_digits"
    message = _("Type the six digits below the code, too. They change twice a minute.")


class PassStale(DomainError):
    code = "pass_stale"
    message = _("This is an old picture. Ask to see the live pass.")


class PassOfOtherVenue(DomainError):
    code = "pass_of_other_venue"
    message = _("This pass is for %(venue)s.")


class PassUsed(DomainError):
    code = "pass_used"
    message = _("This pass was already used at %(at)s.")


class PassRevoked(DomainError):
    code = "pass_revoked"
    message = _("This booking was cancelled.")


class PassTooEarly(DomainError):
    code = "pass_too_early"
    message = _("This booking starts later. The gate opens for it at %(at)s.")


class PassOver(DomainError):
    code = "pass_over"
    message = _("This booking ended at %(at)s.")


class CheckTooOld(DomainError):
    code = "check_too_old"
    message = _("Too much time went by. Please scan the pass again.")


class HoursOverlap(DomainError):
    code = "hours_overlap"
    message = _("These opening hours overlap.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class HoursBackwards(DomainError):
    code = "hours_backwards"
    message = _("The opening must come before the closing, and both within one day.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PriceInThePast(DomainError):
    code = "price_in_the_past"
    message = _("A price cannot change in the past.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class SlotKeptForDesk(DomainError):
    """A part of the courts waits for those who come to the window or telephone."""

    code = "slot_kept_for_desk"
    message = _(
        "This court is kept for the window and the telephone until %(opens_at)s."
    )


class TooShortNotice(DomainError):
    code = "too_short_notice"
    message = _("This could be booked on line until %(until)s. Ask at the window.")


class QuotaUsedUp(DomainError):
    code = "quota_used_up"
    message = _("Your quota is used up: at most %(most)s %(per)s.")


class Banned(DomainError):
    code = "banned"
    message = _(
        "After unused bookings you cannot book on line until %(until)s. "
        "The window and the telephone still serve you."
    )
    status = HTTPStatus.FORBIDDEN


class BookingMovedOn(DomainError):
    code = "booking_moved_on"
    message = _("This booking has changed meanwhile. Please look at it again.")


class RefundChanged(DomainError):
    code = "refund_changed"
    message = _("%(total)s yuan would come back now. Please look at it again.")


class NotChangeable(DomainError):
    code = "not_changeable"
    message = _("These times cannot be changed any more.")


class ChangeUnderWay(DomainError):
    code = "change_under_way"
    message = _("A change of this booking waits for its payment. Pay or drop it first.")


class AlreadyInLine(DomainError):
    code = "already_in_line"
    message = _("You are on the waiting list for this time already.")


class NotInLine(DomainError):
    code = "not_in_line"
    message = _("You are not on this waiting list any more.")


class SlotNotTaken(DomainError):
    code = "slot_not_taken"
    message = _("This time is free. You can book it right away.")


class OfferOver(DomainError):
    code = "offer_over"
    message = _("This offer has run out.")
