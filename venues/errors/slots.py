"""Why a time is not booked."""

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
    message = _("That day can be booked from %(opens_at)s on.")


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
    message = _("Your quota is used up: at most %(most)s %(per)s (%(scope)s).")
