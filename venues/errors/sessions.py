"""Why there is no ticket of an open session, or no session."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


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
