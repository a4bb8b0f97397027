"""Why somebody is not let in, or not counted."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class AlreadyAdmitted(DomainError):
    code = "already_admitted"
    message = _("The pass of this booking has been used, so it stays as it is.")


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
