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


class ClosureOver(DomainError):
    code = "closure_over"
    message = _("A closure ends later than now.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class AnnouncedLater(DomainError):
    code = "announced_later"
    message = _("A closure cannot have been announced in the future.")
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
    message = _("The opening must come before the closing, which is at most 36:00.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class HoursInThePast(DomainError):
    code = "hours_in_the_past"
    message = _("The hours of days that are over stay as they were.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PriceInThePast(DomainError):
    code = "price_in_the_past"
    message = _("A price cannot change in the past.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class QuotaLimitsNothing(DomainError):
    code = "quota_limits_nothing"
    message = _("A quota limits minutes, bookings, or both.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class BandsTurnedRound(DomainError):
    code = "bands_turned_round"
    message = _("A longer notice brings back more than a shorter one.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class MarketPriceThere(DomainError):
    code = "market_price_there"
    message = _("There is a market price for this sport from that day already.")


class PriceEndsTooEarly(DomainError):
    code = "price_ends_too_early"
    message = _("A price ends after it begins.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PriceBreaksRule(DomainError):
    """Free and low-fee opening (2021 norm, no. 7); an exception needs a reason."""

    code = "price_breaks_rule"
    message = _("This price breaks the rule for low-fee venues: %(breach)s")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotForYouToGrant(DomainError):
    code = "not_for_you_to_grant"
    message = _("You may not publish a price that breaks the rule.")
    status = HTTPStatus.FORBIDDEN


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


class NothingToChange(DomainError):
    code = "nothing_to_change"
    message = _("You have these times already. Please pick other ones.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ChangeUnderWay(DomainError):
    code = "change_under_way"
    message = _("A change of this booking waits for its payment. Pay or drop it first.")


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


# --- The gate and the desk ------------------------------------------------------------


class VenueFull(DomainError):
    code = "venue_full"
    message = _("The house is full: %(inside)s of at most %(most)s people are inside.")


class NobodyInside(DomainError):
    code = "nobody_inside"
    message = _("More people would leave than were counted in.")


class PassNotInside(DomainError):
    code = "pass_not_inside"
    message = _("Nobody came in with this pass.")


class PassLeft(DomainError):
    code = "pass_left"
    message = _("The people of this pass were counted out before.")


class DeviceRevoked(DomainError):
    code = "device_revoked"
    message = _("This device may not check passes any more. Register it again.")
    status = HTTPStatus.FORBIDDEN


class PersonNotFound(DomainError):
    code = "person_not_found"
    message = _("Nobody is registered with this number.")
    status = HTTPStatus.NOT_FOUND


class DeskVisitOver(DomainError):
    code = "desk_visit_over"
    message = _("Too much time went by. Please find the person again.")


class NoPhoneForLink(DomainError):
    code = "no_phone_for_link"
    message = _("This person has no mobile number. Take cash, or book something free.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class WrongCash(DomainError):
    code = "wrong_cash"
    message = _("This payment is not one that the desk can take.")


class InviteUnknown(DomainError):
    code = "invite_unknown"
    message = _("This invitation does not hold any more. Ask for a new link.")
    status = HTTPStatus.NOT_FOUND


class OwnInvite(DomainError):
    code = "own_invite"
    message = _("This is your own booking. Send the link to who plays with you.")


class NotShareable(DomainError):
    """Only a paid booking that stands can be shared."""

    code = "not_shareable"
    message = _("Nobody can join this booking: it does not stand.")


class TooLateForCompanions(DomainError):
    code = "too_late_for_companions"
    message = _("Who plays along could be changed until %(until)s.")


class PartyFull(DomainError):
    code = "party_full"
    message = _("All %(most)s places of this booking are given away.")


class PartyTooLarge(DomainError):
    """What would be left of the booking is too small for those who joined it."""

    code = "party_too_large"
    message = _(
        "%(along)s people have joined, but only %(most)s could still play along. "
        "Remove somebody first."
    )


class NotAlong(DomainError):
    code = "not_along"
    message = _("This person is not among those who play along any more.")


# --- Open sessions --------------------------------------------------------------------


class SessionFull(DomainError):
    code = "session_full"
    message = _("So many places are not left any more: %(left)s can still be had.")


class SessionBegun(DomainError):
    code = "session_begun"
    message = _("This session has begun. Ask for a ticket at the window.")


class SessionOver(DomainError):
    code = "session_over"
    message = _("This session is over.")


class SessionCancelled(DomainError):
    code = "session_cancelled"
    message = _("This session is cancelled.")


class SessionNotOpenYet(DomainError):
    code = "session_not_open_yet"
    message = _("Tickets for this session can be had from %(opens_at)s on.")


class TooManyTickets(DomainError):
    code = "too_many_tickets"
    message = _("One person can have at most %(most)s places in a session.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class CapacityTooSmall(DomainError):
    code = "capacity_too_small"
    message = _("%(taken)s places are taken: the session cannot have fewer.")


class SessionBackwards(DomainError):
    code = "session_backwards"
    message = _("A session ends after it starts, lies ahead, and has places.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ConcessionTooDear(DomainError):
    code = "concession_too_dear"
    message = _("The reduced price is not above the full price.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


# --- Conduct --------------------------------------------------------------------------


class AppealTooLate(DomainError):
    code = "appeal_too_late"
    message = _("An appeal against these points was possible until %(until)s.")


class AlreadyAppealed(DomainError):
    code = "already_appealed"
    message = _("You have appealed against these points already.")


class AlreadyDecided(DomainError):
    code = "already_decided"
    message = _("Somebody has decided this appeal already.")


class AlreadyExcused(DomainError):
    code = "already_excused"
    message = _("These points are excused already.")


class BanNotInForce(DomainError):
    code = "ban_not_in_force"
    message = _("This ban is over or lifted already.")


class ReasonMissing(DomainError):
    code = "reason_missing"
    message = _("Please say why.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class RuleInThePast(DomainError):
    code = "rule_in_the_past"
    message = _("A rule of conduct begins tomorrow at the earliest.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotANoShow(DomainError):
    code = "not_a_no_show"
    message = _("This booking is not one at which nobody came.")


# --- Ballots --------------------------------------------------------------------------


class BallotBackwards(DomainError):
    code = "ballot_backwards"
    message = _(
        "Requests open, then close, then it is drawn, then winners pay, and all that "
        "before the first time begins."
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class BallotTwice(DomainError):
    code = "ballot_twice"
    message = _("There is already a ballot for this sport on this day.")


class BallotNotOpen(DomainError):
    code = "ballot_not_open"
    message = _("Requests in this ballot are possible from %(opens_at)s on.")


class BallotOver(DomainError):
    code = "ballot_over"
    message = _("This ballot takes no requests any more.")


class AlreadyInBallot(DomainError):
    code = "already_in_ballot"
    message = _("You have one request in this ballot already: take it back first.")


class NotInBallot(DomainError):
    code = "not_in_ballot"
    message = _("You have no request in this ballot.")


class BallotByRequestOnly(DomainError):
    code = "ballot_by_request_only"
    message = _("This is the draw of a ballot: people ask for its times themselves.")


class BallotNotRedrawn(DomainError):
    code = "ballot_not_redrawn"
    message = _(
        "This draw was a ballot's, and its times are open to everybody by now. Plan a "
        "new ballot instead."
    )


class BallotHandedOut(DomainError):
    code = "ballot_handed_out"
    message = _("The courts of this ballot are given out: call off their bookings.")


class ProgrammeBackwards(DomainError):
    code = "programme_backwards"
    message = _("The last day must not come before the first.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ProgrammeAhead(DomainError):
    """The subsidy counts who came, not who is expected."""

    code = "programme_ahead"
    message = _("Record it when it is over: the last day lies ahead.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ProgrammeNobody(DomainError):
    code = "programme_nobody"
    message = _("Give the person-times: at least one.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


# --- Seasons of clubs -----------------------------------------------------------------


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
