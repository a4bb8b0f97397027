"""Refusals around merchants: their application, shops, people and devices."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class MerchantCodeTaken(DomainError):
    code = "merchant_code_taken"
    message = _("Another merchant was approved with this unified social credit code.")


class MerchantApplied(DomainError):
    code = "merchant_applied"
    message = _("You have applied for this business already. Open it under “My shops”.")


class SportsMissing(DomainError):
    code = "sports_missing"
    message = _("Please name at least one sport.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PermitMissing(DomainError):
    code = "permit_missing"
    message = _(
        "Swimming, skiing, climbing and diving need a permit for high-risk sports: "
        "give its number, its last day and a photo."
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PermitOver(DomainError):
    code = "permit_over"
    message = _("The permit for high-risk sports is over: give one that is valid.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class AccountNumberWrong(DomainError):
    code = "account_number_wrong"
    message = _("The number of an account has 8 to 30 digits and nothing else.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class MerchantDecided(DomainError):
    code = "merchant_decided"
    message = _("This has been decided meanwhile. Look at it again.")


class MerchantCorrected(DomainError):
    code = "merchant_corrected"
    message = _("It was corrected while you were reading: look at it again.")


class MerchantNotApproved(DomainError):
    code = "merchant_not_approved"
    message = _("This merchant is not approved.")


class ChangeWaiting(DomainError):
    code = "merchant_change_waiting"
    message = _("A change of yours is being checked already. Withdraw it first.")


class NothingChanged(DomainError):
    code = "merchant_nothing_changed"
    message = _("Nothing is different from what we have.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ShopNamed(DomainError):
    code = "shop_named"
    message = _("There is a shop of this name already.")


class ShopOutsideCity(DomainError):
    code = "shop_outside_city"
    message = _("This place is outside the city: put the pin where the shop is.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ShopSportUnknown(DomainError):
    code = "shop_sport_unknown"
    message = _("A shop offers only sports that its business has registered.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class ShopWaits(DomainError):
    code = "shop_waits"
    message = _("Our staff check this shop first. You get a message.")


class ShopUnknown(DomainError):
    code = "shop_unknown"
    message = _("This shop does not belong to this merchant.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class AlreadyMember(DomainError):
    code = "already_member"
    message = _("This person works for this merchant already, or is invited.")


class InvitationOver(DomainError):
    code = "invitation_over"
    message = _("This invitation is over. Ask for a new one.")
    status = HTTPStatus.GONE


class InvitationOfAnother(DomainError):
    code = "invitation_of_another"
    message = _(
        "This invitation is for another number (%(phone)s). Sign in with that number."
    )
    status = HTTPStatus.FORBIDDEN


class LastManager(DomainError):
    code = "last_manager"
    message = _("A merchant needs a manager: name another one first.")


class MemberGone(DomainError):
    code = "member_gone"
    message = _("This person does not work here any more.")


class MerchantIsYours(DomainError):
    """Who works for a merchant does not let it in, nor money out to it."""

    code = "merchant_is_yours"
    message = _("You work for this merchant: somebody else has to decide.")
    status = HTTPStatus.FORBIDDEN


class DeviceBlocked(DomainError):
    code = "device_blocked"
    message = _("A manager has blocked this device. Ask them to let it in again.")
    status = HTTPStatus.FORBIDDEN


class CampaignOver(DomainError):
    code = "campaign_over"
    message = _("This campaign is closed.")


class PartRefused(DomainError):
    """Of several businesses, the one that cannot take part, and why."""

    code = "part_refused"
    message = "%(merchant)s: %(why)s"


class CapBelowRedeemed(DomainError):
    code = "cap_below_redeemed"
    message = _("More than this has been redeemed there already.")


class FileUnreadable(DomainError):
    code = "file_unreadable"
    message = _("We could not read this file: send the template, filled in, as xlsx.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class FileTooLong(DomainError):
    code = "file_too_long"
    message = _("At most %(most)s rows at a time.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class FileTooWide(DomainError):
    code = "file_too_wide"
    message = _(
        "The file holds too many cells. Copy the rows that are filled in into a new"
        " file."
    )
    status = HTTPStatus.UNPROCESSABLE_ENTITY
