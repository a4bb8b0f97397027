"""Why somebody does not come along."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


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
