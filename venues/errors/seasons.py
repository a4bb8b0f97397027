"""Why a club, a season, a request or an invoice is refused."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class CreditCodeWrong(DomainError):
    code = "credit_code_wrong"
    message = _(
        "This is no unified social credit code: it has 18 digits and capital letters, "
        "and the last one checks the others."
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class CreditCodeTaken(DomainError):
    code = "credit_code_taken"
    message = _("Another club was approved with this unified social credit code.")


class ClubNamed(DomainError):
    code = "club_named"
    message = _("There is a club of this name already.")


class ClubDecided(DomainError):
    code = "club_decided"
    message = _("This club is checked and approved already.")


class ClubCorrected(DomainError):
    code = "club_corrected"
    message = _("The contact has corrected it meanwhile. Please look at it again.")


class ContactUnknown(DomainError):
    code = "contact_unknown"
    message = _("Nobody with this number has confirmed their real name here.")


class ContactAlready(DomainError):
    code = "contact_already"
    message = _("This person is the contact of the club already.")


class ClubNotChecked(DomainError):
    code = "club_not_checked"
    message = _("Our staff have not approved this club yet. You get a message.")


class SeasonBackwards(DomainError):
    code = "season_backwards"
    message = _(
        "Applications end in the future and before the first day; the last day comes "
        "after the first, within %(days)s days."
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class SeasonNamed(DomainError):
    code = "season_named"
    message = _("This venue has a season of this name already.")


class SeasonClosed(DomainError):
    code = "season_closed"
    message = _("Applications for this season are closed.")


class SeasonStillOpen(DomainError):
    code = "season_still_open"
    message = _("Clubs can apply for this season until %(until)s: decide after that.")


class SeasonBeingDecided(DomainError):
    code = "season_being_decided"
    message = _("A request of this season is approved: the proposal stays as it is.")


class OutsideSeason(DomainError):
    code = "outside_season"
    message = _("The days and times must lie within the season, the first one first.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NoDateToBook(DomainError):
    code = "no_date_to_book"
    message = _("Not one of these dates can be booked: look at the preview.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class AskedAlready(DomainError):
    code = "asked_already"
    message = _("This club has asked for this time already.")


class TooManyRequests(DomainError):
    code = "too_many_requests"
    message = _("A club can ask for at most %(most)s times in a season.")


class RequestMovedOn(DomainError):
    code = "request_moved_on"
    message = _("This request was decided or withdrawn in the meantime.")


class RequestsCollide(DomainError):
    code = "requests_collide"
    message = _("Request %(number)s of %(club)s has this time on some of the dates.")


class InvoiceNotOpen(DomainError):
    code = "invoice_not_open"
    message = _("This invoice is not one that waits for payment.")


class TransferInTheFuture(DomainError):
    code = "transfer_in_the_future"
    message = _("A transfer that has arrived did so today or before.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TransferBeforeInvoice(DomainError):
    code = "transfer_before_invoice"
    message = _("A transfer cannot have arrived before the club applied.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ReferenceMissing(DomainError):
    code = "reference_missing"
    message = _("Please write down the reference of the transfer.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class TransferDone(DomainError):
    code = "transfer_done"
    message = _("This transfer back was noted as done already.")
