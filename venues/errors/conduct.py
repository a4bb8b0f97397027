"""Why a point, a ban or an appeal is not as somebody wants it."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class Banned(DomainError):
    code = "banned"
    message = _(
        "After unused bookings you cannot book on line until %(until)s. "
        "The window and the telephone still serve you."
    )
    status = HTTPStatus.FORBIDDEN


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


class RuleInThePast(DomainError):
    code = "rule_in_the_past"
    message = _("A rule of conduct begins tomorrow at the earliest.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NotANoShow(DomainError):
    code = "not_a_no_show"
    message = _("This booking is not one at which nobody came.")
