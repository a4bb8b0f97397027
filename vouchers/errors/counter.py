"""Why a counter says no. Each refusal has words for the clerk and values for a till."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError, TryLater


class CounterRefusal(DomainError):
    """A voucher cannot be redeemed here and now; noted as a `RefusedScan`."""


# --- What was shown -------------------------------------------------------------------


class VoucherUnknown(CounterRefusal):
    code = "voucher_unknown"
    message = _("This is not a voucher of ours.")


class VoucherNeedsDigits(CounterRefusal):
    code = "voucher_needs_digits"
    message = _(
        "The code alone is not enough: scan the QR code, or type the six digits below"
        " it, too."
    )


class VoucherStale(CounterRefusal):
    code = "voucher_stale"
    message = _(
        "This code is too old, as that of a screenshot is. Ask the customer to open the"
        " voucher again."
    )


class VoucherForged(CounterRefusal):
    code = "voucher_forged"
    message = _(
        "The digits do not belong to this voucher. Ask the customer to open it again."
    )


class CheckedTooLongAgo(CounterRefusal):
    code = "voucher_check_too_old"
    message = _("This voucher was scanned too long ago. Scan it again.")


class TooManyWrongCodes(TryLater, CounterRefusal):
    code = "too_many_wrong_codes"
    message = _(
        "Too many wrong codes were typed here. Scan the QR code, or wait %(minutes)s"
        " minutes."
    )

    def __init__(self, *, minutes: int) -> None:
        super().__init__(after=minutes * 60, minutes=minutes)


# --- The voucher ----------------------------------------------------------------------


class VoucherUsed(CounterRefusal):
    code = "voucher_used"
    message = _("This voucher was used already: %(at)s, %(shop)s.")


class VoucherExpired(CounterRefusal):
    code = "voucher_expired"
    message = _("This voucher expired: it was good until %(at)s.")


class VoucherNotYetUsable(CounterRefusal):
    code = "voucher_not_yet_usable"
    message = _("This voucher can be used from %(at)s on.")


class VoucherLost(CounterRefusal):
    code = "voucher_lost"
    message = _("This voucher was used, and a refund has ended it.")


class VoucherVoid(CounterRefusal):
    code = "voucher_void"
    message = _("The bureau has cancelled this voucher.")


class VoucherCampaignClosed(CounterRefusal):
    code = "campaign_closed"
    message = _("This campaign is closed: its vouchers cannot be redeemed any more.")


class OutsideHours(CounterRefusal):
    code = "outside_hours"
    message = _("This voucher can be redeemed from %(since)s to %(until)s each day.")


class SportNotCovered(CounterRefusal):
    code = "sport_not_covered"
    message = _("This voucher is good for %(sports)s only.")


class SportNotHere(CounterRefusal):
    code = "sport_not_here"
    message = _("This shop is not registered for that sport.")


class SportNeeded(CounterRefusal):
    code = "sport_needed"
    message = _("Say which sport the bill is for.")


# --- The merchant, the shop, the clerk ------------------------------------------------


class MerchantSuspended(CounterRefusal):
    code = "merchant_suspended"
    message = _("This merchant may not take vouchers at present. Ask the bureau.")


class MerchantNotTakingPart(CounterRefusal):
    code = "merchant_not_taking_part"
    message = _("This merchant does not take part in “%(campaign)s”.")


class PermitOutOfDate(CounterRefusal):
    code = "permit_out_of_date"
    message = _("The permit for this high-risk sport is out of date.")


class ShopClosed(CounterRefusal):
    code = "shop_closed"
    message = _("This shop does not take vouchers at present.")


class ClerkNotAtWork(CounterRefusal):
    code = "clerk_not_at_work"
    status = HTTPStatus.FORBIDDEN
    message = _("You do not work for this merchant any more.")


class ClerkNotAtShop(CounterRefusal):
    code = "clerk_not_at_shop"
    message = _("This is not a counter of yours. Choose your shop.")


class CounterMoved(DomainError):
    code = "counter_moved"
    message = _(
        "You now stand at %(shop)s; this page was opened for another counter. Scan it"
        " again if that is right."
    )


class DeviceBlocked(CounterRefusal):
    code = "device_blocked"
    status = HTTPStatus.FORBIDDEN
    message = _("The manager has blocked this device.")


class MerchantCapReached(CounterRefusal):
    code = "merchant_cap_reached"
    message = _(
        "The most that this merchant can redeem in the campaign is reached: %(left)s"
        " yuan are left."
    )


class DistrictCapReached(CounterRefusal):
    code = "district_cap_reached"
    message = _(
        "The most that can be redeemed in this district is reached: %(left)s yuan are"
        " left."
    )


# --- The bill -------------------------------------------------------------------------


class BillNotAnAmount(CounterRefusal):
    code = "bill_not_an_amount"
    status = HTTPStatus.BAD_REQUEST
    message = _("Write the bill in yuan, with no more than two places: 530 or 530.50.")


class BillTooLarge(CounterRefusal):
    code = "bill_too_large"
    message = _("A bill over %(most)s yuan cannot be right.")


class BillBelowThreshold(CounterRefusal):
    code = "bill_below_threshold"
    message = _(
        "The bill is %(short)s yuan short: this voucher is good from %(threshold)s"
        " yuan on."
    )


class RequestKeyReused(DomainError):
    code = "request_key_reused"
    status = HTTPStatus.UNPROCESSABLE_ENTITY
    message = _("This request number stands for another redemption.")


# --- Undo and refund ------------------------------------------------------------------


class RedemptionReversed(DomainError):
    code = "redemption_reversed"
    message = _("This redemption was taken back already: %(at)s.")


class AccountsClosed(DomainError):
    code = "accounts_closed"
    message = _("This campaign is closed and its money accounted for. Ask the bureau.")


class UndoNotYours(DomainError):
    code = "undo_not_yours"
    status = HTTPStatus.FORBIDDEN
    message = _("Only who redeemed it, or a manager, can undo it.")


class UndoTooLate(DomainError):
    code = "undo_too_late"
    message = _(
        "It can be undone for %(minutes)s minutes only. A manager can refund it."
    )


class RefundNeedsManager(DomainError):
    code = "refund_needs_manager"
    status = HTTPStatus.FORBIDDEN
    message = _("Only a manager can refund.")


class RefundNotAnAmount(DomainError):
    code = "refund_not_an_amount"
    status = HTTPStatus.BAD_REQUEST
    message = _("Write how much was given back, in yuan: more than nothing.")


class RefundTooMuch(DomainError):
    code = "refund_too_much"
    message = _("The customer paid %(paid)s yuan: more cannot be given back.")


class RefundBelowEarlier(DomainError):
    code = "refund_below_earlier"
    message = _("%(earlier)s yuan were given back already: write the sum of all.")


class RefundNeedsReason(DomainError):
    code = "refund_needs_reason"
    status = HTTPStatus.BAD_REQUEST
    message = _("Say why.")


# For lists of what was refused: short, without the values of the moment.
WORDS = {
    VoucherUnknown.code: _("not a voucher"),
    VoucherNeedsDigits.code: _("without its digits"),
    VoucherStale.code: _("code too old (screenshot?)"),
    VoucherForged.code: _("wrong digits"),
    CheckedTooLongAgo.code: _("scanned too long ago"),
    TooManyWrongCodes.code: _("too many wrong codes"),
    VoucherUsed.code: _("used already"),
    VoucherExpired.code: _("expired"),
    VoucherNotYetUsable.code: _("not usable yet"),
    VoucherLost.code: _("lost by a refund"),
    VoucherVoid.code: _("cancelled"),
    VoucherCampaignClosed.code: _("campaign closed"),
    OutsideHours.code: _("outside the hours"),
    SportNotCovered.code: _("another sport"),
    SportNotHere.code: _("sport not of the shop"),
    SportNeeded.code: _("sport not said"),
    MerchantSuspended.code: _("merchant suspended"),
    MerchantNotTakingPart.code: _("merchant does not take part"),
    PermitOutOfDate.code: _("permit out of date"),
    ShopClosed.code: _("shop closed"),
    ClerkNotAtWork.code: _("clerk removed"),
    ClerkNotAtShop.code: _("clerk of another shop"),
    DeviceBlocked.code: _("device blocked"),
    MerchantCapReached.code: _("cap of the merchant"),
    DistrictCapReached.code: _("cap of the district"),
    BillNotAnAmount.code: _("bill is no amount"),
    BillTooLarge.code: _("bill too large"),
    BillBelowThreshold.code: _("below the threshold"),
}
