"""Why somebody is not in a line for a time, or gets no offer."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class AlreadyInLine(DomainError):
    code = "already_in_line"
    message = _("You are on the waiting list for this time already.")


class TooManyLines(DomainError):
    code = "too_many_lines"
    message = _("You wait for %(most)s times already. Leave one of these lines first.")


class NotInLine(DomainError):
    code = "not_in_line"
    message = _("You are not on this waiting list any more.")


class SlotNotTaken(DomainError):
    code = "slot_not_taken"
    message = _("This time is free. You can book it right away.")


class PlacesLeft(DomainError):
    code = "places_left"
    message = _("So many places are left. You can take them right away.")


class OfferOver(DomainError):
    code = "offer_over"
    message = _("This offer has run out.")
