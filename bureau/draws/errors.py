from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class DrawIdTaken(DomainError):
    code = "draw_id_taken"
    message = _("There is already a draw with this number.")


class BadDrawId(DomainError):
    code = "draw_id_bad"
    message = _("A draw's number has letters, digits and hyphens only.")


class BadPools(DomainError):
    code = "draw_pools_bad"
    message = _(
        "A draw needs pools with different prefixes of one to eight capital letters "
        "and digits (five where groups may enter)."
    )


class BadTimes(DomainError):
    code = "draw_times_bad"
    message = _(
        "Entries must close before the list is frozen, and the list must be frozen at "
        "least an hour and ten minutes before the draw."
    )


class BadBeacons(DomainError):
    code = "draw_beacons_bad"
    message = _(
        "A draw names its sources of randomness beforehand, each with its issue number."
    )


class TooLittleChance(DomainError):
    code = "draw_beacons_too_small"
    message = _(
        "These sources hold too little chance: somebody could try out every result "
        "beforehand. Add 快乐8 or drand."
    )


class CannotReplace(DomainError):
    code = "draw_cannot_replace"
    message = _("Only a draw that was declared void is drawn again, and only once.")


class SecondPersonNeeded(DomainError):
    code = "draw_second_person_needed"
    message = _(
        "You declared this draw void. Another person looks at the reason and announces "
        "it again."
    )


class DrawClosed(DomainError):
    code = "draw_closed"
    message = _("This draw takes no entries any more.")


class UnknownPool(DomainError):
    code = "draw_pool_unknown"
    message = _("This draw has no such pool.")
    status = HTTPStatus.NOT_FOUND


class BadWeight(DomainError):
    code = "draw_weight_bad"
    message = _("A weight is a whole number from 1 to 10.")


class BadGroup(DomainError):
    code = "draw_group_bad"
    message = _("A group of this size cannot enter this draw.")


class BadSubject(DomainError):
    code = "draw_subject_bad"
    message = _("This is no ID number and no credit code of 18 characters: %(text)s")


class AlreadyEntered(DomainError):
    code = "draw_already_entered"
    message = _("This person is already in this draw. One entry each.")


class FreezeTooEarly(DomainError):
    code = "draw_freeze_too_early"
    message = _("The list is frozen at the announced time, not before.")


class FreezeTooLate(DomainError):
    code = "draw_freeze_too_late"
    message = _(
        "The list must be frozen an hour before the draw. It is too late for that: "
        "declare the draw void, say why, and draw again under a new number."
    )


class NotFrozen(DomainError):
    code = "draw_not_frozen"
    message = _("The list of this draw is not frozen.")


class BeaconNotDrawnYet(DomainError):
    code = "draw_beacon_not_drawn_yet"
    message = _("This number is not drawn before the time of the draw.")


class BadBeaconValue(DomainError):
    code = "draw_beacon_value_bad"
    message = _("This cannot be the result of this source. Please look again.")


class BeaconKnown(DomainError):
    code = "draw_beacon_known"
    message = _("Two people have already read this result alike.")


class BeaconsMissing(DomainError):
    code = "draw_beacons_missing"
    message = _("Not every source of randomness is known yet.")


class AlreadyVoid(DomainError):
    code = "draw_already_void"
    message = _("This draw is already void.")


class VoidNeedsReason(DomainError):
    code = "draw_void_needs_reason"
    message = _("Say why the draw is void. Everybody can read it.")
