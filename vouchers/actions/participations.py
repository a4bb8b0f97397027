"""Who takes part in a campaign, from when until when."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import constraint_errors
from bureau.common.errors import DomainError
from vouchers.actions import ledger
from vouchers.actions.members import (
    lock_merchant,
    refuse_own_people,
    tell_managers,
)
from vouchers.actions.merchants import given_reason
from vouchers.errors.merchants import (
    CampaignOver,
    CapBelowRedeemed,
    MerchantDecided,
    MerchantNotApproved,
    PartRefused,
)
from vouchers.models import (
    Campaign,
    Merchant,
    Participation,
)

State = Merchant.State


@transaction.atomic
def take_part(
    *,
    merchant: Merchant,
    campaign: Campaign,
    cap_fen: int | None = None,
    is_large: bool | None = None,
    by: User | None,
) -> Participation:
    """Staff let an approved merchant redeem a campaign's vouchers, up to its cap (fen).

    Again with another cap, it changes the cap; after the end it takes part again.
    `is_large` notes whether the business is above designated size. Raises
    `MerchantIsYours`, `MerchantNotApproved`, `CampaignOver` or `CapBelowRedeemed`.
    """
    now = clock.now()
    merchant = lock_merchant(merchant.pk)
    if by is not None:
        refuse_own_people(merchant.pk, by)
    if merchant.state != State.APPROVED:
        raise MerchantNotApproved
    if campaign.state == Campaign.State.CLOSED:
        raise CampaignOver
    if is_large is not None and is_large != merchant.is_large:
        merchant.is_large = is_large
        merchant.save(update_fields=["is_large"])
    ledger.open_merchant_accounts(campaign, merchant)
    with constraint_errors(vouchers_participation_cap_is_kept=CapBelowRedeemed):
        part, is_new = Participation.objects.get_or_create(
            campaign=campaign,
            merchant=merchant,
            defaults={"cap_fen": cap_fen, "since": now},
        )
        if not is_new:
            # Only these: the counter adds to what was redeemed meanwhile.
            Participation.objects.filter(pk=part.pk).update(cap_fen=cap_fen, until=None)
            part.refresh_from_db()
    record(
        "vouchers.merchant.takes_part",
        subject=merchant,
        by=by,
        at=now,
        detail={"campaign": campaign.pk, "cap_fen": cap_fen},
    )
    if is_new:
        tell_managers(
            merchant, "vouchers.merchant_takes_part", at=now, campaign=campaign.name
        )
    return part


@transaction.atomic
def take_part_together(
    *,
    merchants: Iterable[Merchant],
    campaign: Campaign,
    cap_fen: int | None,
    by: User,
) -> None:
    """`take_part` for several, each with this cap: all of them, or none.

    Raises `PartRefused`, which names the one that cannot.
    """
    for merchant in sorted(merchants, key=lambda one: one.pk):
        try:
            take_part(merchant=merchant, campaign=campaign, cap_fen=cap_fen, by=by)
        except DomainError as refusal:
            raise PartRefused(merchant=merchant.name, why=str(refusal)) from refusal


@transaction.atomic
def end_part(*, part: Participation, reason: str, by: User) -> Participation:
    """From now on none of the campaign's vouchers are redeemed there.

    Raises `ReasonMissing` or `MerchantDecided`.
    """
    now = clock.now()
    reason = given_reason(reason)
    merchant = lock_merchant(part.merchant_id)
    if not Participation.objects.filter(pk=part.pk, until=None).update(until=now):
        raise MerchantDecided
    part.refresh_from_db()
    record(
        "vouchers.merchant.part_ended",
        subject=merchant,
        by=by,
        at=now,
        detail={"campaign": part.campaign_id, "reason": reason},
    )
    tell_managers(
        merchant,
        "vouchers.merchant_part_ended",
        at=now,
        campaign=part.campaign.name,
        reason=reason,
    )
    return part
