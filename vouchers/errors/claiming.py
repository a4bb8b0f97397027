from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from bureau.common import clock
from bureau.common.errors import DomainError, TryLater

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from vouchers.queries.eligibility import Reason


class CampaignClosed(DomainError):
    code = "voucher_campaign_closed"
    message = _("This campaign is over. No more vouchers are given away.")


class LobbyNotOpen(DomainError):
    code = "voucher_lobby_not_open"
    message = _("The waiting room opens at %(opens_at)s.")


class NotOpenYet(DomainError):
    code = "voucher_round_not_open"
    message = _("Vouchers can be claimed from %(opens_at)s on.")


class RoundOver(DomainError):
    code = "voucher_round_over"
    message = _("This round is over.")


class RoundCalledOff(RoundOver):
    """Over before its time. For programs it is over; people are told why."""

    message = _("This round is called off.")

    def __init__(self, reason: str) -> None:
        super().__init__(reason=reason)

    def __str__(self) -> str:
        return f"{self.message} {self.values['reason']}"


def round_over(called_off_for: str) -> RoundOver:
    """What to raise for a round that is over: by itself, or called off for a reason."""
    return RoundCalledOff(called_off_for) if called_off_for else RoundOver()


class NoRush(DomainError):
    code = "voucher_round_is_drawn"
    message = _("The vouchers of this round are drawn, not claimed.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotYourTurn(DomainError):
    code = "voucher_not_your_turn"
    message = _("It is your turn at %(turn_at)s.")


class KeptForOthers(DomainError):
    """Who stands before them has a while to claim; what they leave is called out."""

    code = "voucher_kept_for_others"
    message = _(
        "These vouchers are kept until %(until)s for the people before you. What they"
        " leave is then offered to the next."
    )

    def __init__(self, until: datetime) -> None:
        super().__init__(until=f"{until.astimezone(clock.CHINA):%H:%M:%S}")


class NotInTheQueue(DomainError):
    code = "voucher_not_in_the_queue"
    message = _("Please come through the waiting room first.")


class TurnForged(DomainError):
    """Not one of ours, or handed to another person, session or device."""

    code = "voucher_turn_forged"
    message = _("Your place in the queue could not be read. Please open the page anew.")
    status = HTTPStatus.FORBIDDEN


class PageIsOld(DomainError):
    """Two windows: what was claimed in the other one is not what was asked for here."""

    code = "voucher_page_is_old"
    message = _("You have claimed another voucher meanwhile. Please look again.")


class SoldOut(DomainError):
    code = "voucher_sold_out"
    message = _("All vouchers of this kind have been claimed.")


class NoSuchLot(DomainError):
    code = "voucher_not_offered"
    message = _("This round does not give away such vouchers.")
    status = HTTPStatus.NOT_FOUND


class SignedOut(DomainError):
    code = "voucher_signed_out"
    message = _("You are signed out. Please sign in again.")
    status = HTTPStatus.FORBIDDEN


class TooManyClaims(TryLater):
    code = "voucher_too_many_tries"
    message = _("Too many tries. One tap is enough; try again in some seconds.")


class Busy(DomainError):
    """The database is away, or so many claim at once that this one found no end."""

    code = "temporarily_unavailable"
    message = _("This is not possible at the moment. Try again in a minute.")
    status = HTTPStatus.SERVICE_UNAVAILABLE


class _NotAllowed(DomainError):
    message = _("%(why)s")

    def __init__(self, reasons: Sequence[Reason]) -> None:
        self.reasons = list(reasons)
        super().__init__(
            why=" ".join(str(reason.words) for reason in reasons),
            reasons=[reason.code for reason in reasons],
        )


class NotEligible(_NotAllowed):
    """Who the person is, or where, is not what the rules ask for."""

    code = "voucher_not_eligible"


class AlreadyClaimed(_NotAllowed):
    """A limit of the rules is reached; `reasons` names it."""

    code = "voucher_already_claimed"


class DrawNotOpen(DomainError):
    code = "voucher_draw_not_open"
    message = _("Entries for this draw open at %(opens_at)s.")


class DrawEntriesOver(DomainError):
    code = "voucher_draw_entries_over"
    message = _("Entries for this draw are closed.")


class AlreadyInRoundDraw(DomainError):
    code = "voucher_already_in_draw"
    message = _("You are in this draw already, for another kind of voucher.")


class RoundHandedOut(DomainError):
    code = "voucher_round_handed_out"
    message = _("Vouchers of this draw have been handed out. The draw stands.")


class RoundEntriesByCitizens(DomainError):
    code = "voucher_draw_entered_by_citizens"
    message = _("People enter the draw of a voucher round by themselves.")


class VoucherNotLive(DomainError):
    code = "voucher_not_live"
    message = _("Only a voucher that can still be used can be cancelled.")


class VoidNeedsReason(DomainError):
    code = "voucher_void_needs_reason"
    message = _("Please say why the voucher is cancelled.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY
