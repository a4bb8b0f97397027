"""Why somebody is not in a ballot, or a ballot is not held."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


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
