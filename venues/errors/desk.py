"""Why the desk cannot do what it was asked for."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


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
