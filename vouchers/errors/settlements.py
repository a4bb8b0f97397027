"""Refusals around settlements and the end of a campaign."""

from __future__ import annotations

from http import HTTPStatus

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class PeriodBackwards(DomainError):
    code = "voucher_period_backwards"
    message = _("The last day comes before the first.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class PeriodNotOver(DomainError):
    code = "voucher_period_not_over"
    message = _("Only days that are over can be settled: until %(last)s at most.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class SettlementsUnderWay(DomainError):
    code = "voucher_settlements_under_way"
    message = _("Settlements of this campaign are being prepared at this moment.")


class NothingPublished(DomainError):
    code = "voucher_settlement_of_a_draft"
    message = _("This campaign is not published: nothing of it can be settled.")


class SamePerson(DomainError):
    """Maker and checker are two people."""

    code = "voucher_settlement_same_person"
    message = _("Another person than the one who prepared it has to decide.")
    status = HTTPStatus.FORBIDDEN


class SettlementMovedOn(DomainError):
    code = "voucher_settlement_moved_on"
    message = _("This settlement is not in that state any more. Please look again.")


class SettlementOutdated(DomainError):
    code = "voucher_settlement_outdated"
    message = _(
        "%(count)s of its redemptions were refunded or flagged since it was prepared."
        " Reject it and prepare it anew."
    )


class RejectionNeedsReason(DomainError):
    code = "voucher_rejection_needs_reason"
    message = _("Say why it is rejected.")
    status = HTTPStatus.UNPROCESSABLE_ENTITY


class NothingToPay(DomainError):
    code = "voucher_nothing_to_pay"
    message = _("No approved settlement waits to be paid.")


class NotInAFile(DomainError):
    code = "voucher_settlement_not_in_a_file"
    message = _("This settlement is in no payment file yet.")


class PaymentFileAltered(DomainError):
    """What it is made of was changed past the portal: no bank may get it."""

    code = "voucher_payment_file_altered"
    message = _(
        "Payment file %(number)s is not what it was when it was made. It cannot be"
        " opened; “prove” names it."
    )


class NothingOwed(DomainError):
    code = "voucher_nothing_owed"
    message = _("This merchant owes nothing that could be paid back.")


class RepaymentDiffers(DomainError):
    code = "voucher_repayment_differs"
    message = _("The merchant owes %(owed)s yuan. Only all of it can be noted.")


class NotReadyToClose(DomainError):
    code = "voucher_campaign_not_ready_to_close"
    message = _("The campaign cannot be closed yet: %(sentences)s")


class ReportOutdated(DomainError):
    code = "voucher_closing_report_outdated"
    message = _("The figures have changed since. Prepare the report anew.")
