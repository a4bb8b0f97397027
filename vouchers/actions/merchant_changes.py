"""What an approved merchant changes of itself is looked at by staff again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.core.files.base import File
from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock, sealed
from bureau.common.db import constraint_errors
from vouchers.actions.members import (
    lock_merchant,
    refuse_own_people,
    tell_managers,
)
from vouchers.actions.merchants import (
    FACTS,
    SEPARATORS,
    MerchantFacts,
    given_reason,
    keep_papers,
    narrow_shops,
    refuse_without_permit,
    tell_business,
    write_facts,
)
from vouchers.errors.merchants import (
    ChangeWaiting,
    MerchantCodeTaken,
    MerchantDecided,
    MerchantIsYours,
    MerchantNotApproved,
    NothingChanged,
    PermitMissing,
)
from vouchers.models import (
    Merchant,
    MerchantChange,
)

State = Merchant.State
PERMIT_NOTICE = timedelta(days=30)


@transaction.atomic
def ask_for_change(
    *,
    merchant: Merchant,
    facts: MerchantFacts,
    licence: File[bytes] | None = None,
    permit: File[bytes] | None = None,
    by: User,
) -> MerchantChange:
    """A manager asks for other facts, such as a new permit or another account.

    Nothing changes before staff have looked. Raises `MerchantNotApproved`,
    `ChangeWaiting`, `NothingChanged`, `PermitMissing` (also for a new permit without a
    photo), what is wrong with the facts, and what `store_photo` raises.
    """
    now = clock.now()
    columns = facts.columns(today=clock.local_day(now))
    merchant = lock_merchant(merchant.pk)
    if merchant.state not in (State.APPROVED, State.SUSPENDED):
        raise MerchantNotApproved
    if _is_same_account(merchant, facts):
        del columns["sealed_account"], columns["masked_account"]
    changed = {
        name for name, value in columns.items() if getattr(merchant, name) != value
    }
    if not changed and licence is None and permit is None:
        raise NothingChanged
    if facts.needs_permit and permit is None and _is_other_permit(merchant, columns):
        raise PermitMissing
    kept = {name: getattr(merchant, name) for name in FACTS} | columns
    with constraint_errors(vouchers_merchantchange_one_at_a_time=ChangeWaiting):
        change = MerchantChange.objects.create(
            merchant=merchant, asked_at=now, asked_by=by, **kept
        )
    keep_papers(change, licence=licence, permit=permit, by=by)
    record(
        "vouchers.merchant.change_asked",
        subject=merchant,
        by=by,
        at=now,
        detail={"change": change.pk, "what": sorted(changed - {"sealed_account"})},
    )
    return change


def _is_same_account(merchant: Merchant, facts: MerchantFacts) -> bool:
    typed = SEPARATORS.sub("", facts.account_number)
    return bool(typed) and sealed.unseal(merchant.sealed_account) == typed


def _is_other_permit(merchant: Merchant, columns: dict[str, Any]) -> bool:
    names = ("permit_number", "permit_until")
    return any(getattr(merchant, name) != columns[name] for name in names)


@transaction.atomic
def approve_change(*, change: MerchantChange, by: User) -> MerchantChange:
    """Staff have checked the change: it is in force at once, also for settlements.

    Not by who asked for it. Raises `MerchantIsYours`, `MerchantDecided`, `PermitOver`
    or `MerchantCodeTaken`.
    """
    now = clock.now()
    merchant = lock_merchant(change.merchant_id)
    refuse_own_people(merchant.pk, by)
    change = MerchantChange.objects.get(pk=change.pk)
    if change.asked_by_id == by.pk:
        raise MerchantIsYours
    if merchant.state not in (State.APPROVED, State.SUSPENDED):
        raise MerchantDecided
    _decide(change, MerchantChange.State.APPROVED, reason="", by=by, at=now)
    with constraint_errors(
        vouchers_merchant_credit_code_once=MerchantCodeTaken,
        vouchers_merchant_high_risk_has_its_permit=PermitMissing,
    ):
        write_facts(merchant, {name: getattr(change, name) for name in FACTS})
    refuse_without_permit(merchant, on=clock.local_day(now))
    narrow_shops(merchant)
    change.merchant = merchant
    tell_business("changed", merchant, by=by, at=now)
    return change


@transaction.atomic
def refuse_change(*, change: MerchantChange, reason: str, by: User) -> MerchantChange:
    """What is in force stays. Raises `ReasonMissing` or `MerchantDecided`."""
    now = clock.now()
    reason = given_reason(reason)
    merchant = lock_merchant(change.merchant_id)
    change = MerchantChange.objects.get(pk=change.pk)
    _decide(change, MerchantChange.State.REFUSED, reason=reason, by=by, at=now)
    tell_business("change_refused", merchant, by=by, at=now, reason=reason)
    return change


@transaction.atomic
def withdraw_change(*, change: MerchantChange, by: User) -> MerchantChange:
    """A manager takes it back. Raises `MerchantDecided`."""
    now = clock.now()
    merchant = lock_merchant(change.merchant_id)
    change = MerchantChange.objects.get(pk=change.pk)
    _decide(change, MerchantChange.State.WITHDRAWN, reason="", by=by, at=now)
    record("vouchers.merchant.change_withdrawn", subject=merchant, by=by, at=now)
    return change


def _decide(
    change: MerchantChange,
    state: MerchantChange.State,
    *,
    reason: str,
    by: User,
    at: datetime,
) -> None:
    done = MerchantChange.objects.filter(
        pk=change.pk, state=MerchantChange.State.ASKED
    ).update(state=state, reason=reason, decided_by=by, decided_at=at)
    if not done:
        raise MerchantDecided
    change.state, change.reason = state, reason
    change.decided_by, change.decided_at = by, at


def warn_of_permits(*, at: datetime) -> int:
    """Tell managers whose permit runs out within 30 days, once for each last day.

    Nobody is suspended: after the last day the counter refuses high-risk sports alone.
    How many merchants were told comes back.
    """
    today = clock.local_day(at)
    due = Merchant.objects.permit_ends_by(today + PERMIT_NOTICE).filter(
        state=State.APPROVED, permit_until__gte=today
    )
    told = 0
    for pk, until in due.order_by("pk").values_list("pk", "permit_until"):
        with transaction.atomic():
            fresh = Merchant.objects.filter(pk=pk, permit_until=until)
            if not fresh.exclude(permit_told_for=until).update(permit_told_for=until):
                continue
            tell_managers(
                fresh.get(), "vouchers.permit_ends", at=at, permit_until_on=str(until)
            )
            told += 1
    return told
