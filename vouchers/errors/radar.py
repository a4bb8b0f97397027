from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class FlagDecided(DomainError):
    code = "flag_decided"
    message = _("Somebody has decided this already.")


class FlagHasGrown(DomainError):
    """More is held by it than whoever decides has seen."""

    code = "flag_has_grown"
    message = _("The radar has found more since you opened this page. Look again.")


class FlagIsYours(DomainError):
    """Who works for a merchant does not judge it."""

    code = "flag_is_yours"
    message = _("You work for this merchant: somebody else has to decide.")


class FlagNeedsReason(DomainError):
    code = "flag_needs_reason"
    message = _("Please say why.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class FlagNotForYou(DomainError):
    code = "flag_not_for_you"
    message = _("You may not decide what the radar found.")
    status = HTTPStatus.FORBIDDEN
