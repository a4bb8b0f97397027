"""The end of a campaign: what is lost is written down, what is left goes back."""

from __future__ import annotations

from django.db import transaction
from django.db.models import F

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from vouchers.actions import ledger
from vouchers.actions.ledger import Cause, Kind, Move
from vouchers.errors.campaigns import CampaignOver
from vouchers.errors.settlements import (
    NotReadyToClose,
    RejectionNeedsReason,
    ReportOutdated,
    SamePerson,
)
from vouchers.models import (
    Campaign,
    ClosingReport,
    DistrictCap,
    Participation,
    Redemption,
    Voucher,
)
from vouchers.queries.closing import (
    closing_figures,
    figures_hash,
    obstacles_to_closing,
    to_write_down,
)


@transaction.atomic
def write_down_redemptions(*, campaign: Campaign, reason: str, by: User) -> int:
    """Never pay what a confirmed flag holds; how many redemptions there were.

    Each is treated as refunded, its voucher as lost. What was paid before the flag was
    confirmed is taken back by the next settlement. Raises `RejectionNeedsReason` and
    `CampaignOver`.
    """
    now = clock.now()
    reason = reason.strip()[:200]
    if not reason:
        raise RejectionNeedsReason
    campaign = Campaign.objects.get(pk=campaign.pk)
    if campaign.state == Campaign.State.CLOSED:
        raise CampaignOver
    lapsed = ledger.account(campaign, Kind.LAPSED)
    found = list(to_write_down(campaign).values_list("pk", "voucher", "merchant"))
    # In the order of locks: accounts, vouchers, their redemptions.
    ledger.share_payable(campaign.pk, sorted({merchant for *_of, merchant in found}))
    list(
        Voucher.objects.select_for_update(no_key=True)
        .filter(pk__in=[voucher for _pk, voucher, _merchant in found])
        .order_by("pk")
    )
    rows = list(
        Redemption.objects.done()
        .select_for_update(of=("self",), no_key=True)
        .select_related("voucher", "merchant", "shop")
        .filter(pk__in=[pk for pk, _voucher, _merchant in found])
        .order_by("pk")
    )
    for row in rows:
        Redemption.objects.filter(pk=row.pk).update(
            state=Redemption.State.REFUNDED,
            refund_fen=0,
            gave_back=False,
            reversed_at=now,
            reversed_by=by,
            reason=reason,
            changed_at=now,
        )
        Voucher.objects.filter(pk=row.voucher_id).update(state=Voucher.State.LOST)
        ledger.move(
            Move.LOSE,
            debit=ledger.account(campaign, Kind.PAYABLE, merchant=row.merchant),
            credit=lapsed,
            amount_fen=row.discount_fen,
            cause=Cause(voucher=row.voucher, redemption=row),
            by=by,
            at=now,
        )
        record(
            "vouchers.redemption.written_down",
            subject=row,
            by=by,
            at=now,
            detail={"reason": reason, "amount_fen": row.discount_fen},
        )
    for row in rows:
        less = F("redeemed_fen") - row.discount_fen
        Participation.objects.filter(
            campaign=campaign, merchant=row.merchant_id
        ).update(redeemed_fen=less)
        DistrictCap.objects.filter(
            campaign=campaign, district=row.shop.district_id
        ).update(redeemed_fen=less)
    return len(rows)


@transaction.atomic
def prepare_closing_report(*, campaign: Campaign, by: User) -> ClosingReport:
    """Write down what became of the money, for a second person to approve.

    A report that nobody has approved yet is replaced. Raises `CampaignOver` and
    `NotReadyToClose`, which says what must end first.
    """
    now = clock.now()
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk)
    _refuse_unready(campaign)
    figures = closing_figures(campaign)
    report, _made = ClosingReport.objects.update_or_create(
        campaign=campaign,
        defaults={
            "figures": figures,
            "sha256": figures_hash(figures),
            "prepared_by": by,
            "prepared_at": now,
        },
    )
    record(
        "vouchers.closing_report.prepared",
        subject=report,
        by=by,
        at=now,
        detail={"sha256": report.sha256},
    )
    return report


@transaction.atomic
def close_campaign(
    *, report: ClosingReport, seen: str | None = None, by: User
) -> Campaign:
    """Approve the report and close: what is left goes back to the treasury.

    `seen` is the hash of the figures that were read: somebody may have prepared others
    meanwhile. Nothing moves in the campaign after that. Raises `SamePerson`,
    `ReportOutdated`, `NotReadyToClose` and `CampaignOver`.
    """
    now = clock.now()
    # FOR UPDATE: a claim or a redemption that is under way is waited for.
    campaign = Campaign.objects.select_for_update().get(pk=report.campaign_id)
    _refuse_unready(campaign)
    report = ClosingReport.objects.select_for_update(of=("self",)).get(pk=report.pk)
    figures = closing_figures(campaign)
    if figures_hash(figures) != report.sha256 or seen not in (None, report.sha256):
        raise ReportOutdated
    report.approved_by, report.closed_at = by, now
    with constraint_errors(vouchers_closingreport_two_people=SamePerson):
        report.save(update_fields=["approved_by", "closed_at"])
    target = ledger.account(campaign, Kind.RETURNED)
    for kind, fen in (
        (Kind.POOL, figures["money_fen"]["pool"]),
        (Kind.LAPSED, figures["money_fen"]["lapsed"]),
    ):
        if fen:
            ledger.move(
                Move.RETURN,
                debit=ledger.account(campaign, kind),
                credit=target,
                amount_fen=fen,
                cause=Cause(),
                by=by,
                at=now,
            )
    Campaign.objects.filter(pk=campaign.pk, state=Campaign.State.PUBLISHED).update(
        state=Campaign.State.CLOSED, closed_at=now
    )
    record(
        "vouchers.campaign.closed",
        subject=campaign,
        by=by,
        at=now,
        detail={
            "sha256": report.sha256,
            "returned_fen": figures["money_fen"]["to_return"],
        },
    )
    campaign.refresh_from_db()
    return campaign


def _refuse_unready(campaign: Campaign) -> None:
    if campaign.state == Campaign.State.CLOSED:
        raise CampaignOver
    if sentences := obstacles_to_closing(campaign):
        raise NotReadyToClose(sentences=" ".join(sentences))
