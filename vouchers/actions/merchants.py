"""Merchants: they apply, and staff check them, suspend them and let them in again."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.files.base import File
from django.db import transaction

from bureau.accounts.errors import IdentityNeeded
from bureau.accounts.models import User
from bureau.accounts.queries import is_verified
from bureau.audit.models import record
from bureau.common import clock, credit_codes, limits, sealed
from bureau.common.db import constraint_errors
from bureau.common.errors import ReasonMissing
from bureau.photos.actions import store_photo
from bureau.photos.models import Photo
from venues.errors.seasons import CreditCodeWrong
from vouchers.actions.members import (
    lock_merchant,
    refuse_own_people,
    sync_roles,
    tell_managers,
)
from vouchers.actions.shops import ShopFacts, create_shop
from vouchers.errors.merchants import (
    AccountNumberWrong,
    MerchantApplied,
    MerchantCodeTaken,
    MerchantCorrected,
    MerchantDecided,
    PermitMissing,
    PermitOver,
    SportsMissing,
)
from vouchers.models import (
    HIGH_RISK,
    Member,
    Merchant,
    MerchantChange,
    Settlement,
    Shop,
)

State = Merchant.State
APPLICATIONS_A_DAY = 10
_DAY = 24 * 3600
_ACCOUNT = re.compile(r"[0-9]{8,30}", re.ASCII)
SEPARATORS = re.compile(r"[\s\-]")
FACTS = (
    "name",
    "credit_code",
    "sports",
    "permit_number",
    "permit_until",
    "bank_name",
    "account_name",
    "sealed_account",
    "masked_account",
)


@dataclass(frozen=True)
class MerchantFacts:
    """What a business says of itself; staff check it.

    `account_number` "" leaves the account's number as it is.
    """

    name: str
    credit_code: str
    sports: tuple[str, ...]
    bank_name: str
    account_name: str
    account_number: str
    permit_number: str = ""
    permit_until: date | None = None

    @property
    def code(self) -> str:
        """As it is kept. Raises `CreditCodeWrong`."""
        try:
            return credit_codes.parse(self.credit_code)
        except credit_codes.BadCreditCode as wrong:
            raise CreditCodeWrong from wrong

    @property
    def needs_permit(self) -> bool:
        return any(sport in HIGH_RISK for sport in self.sports)

    def columns(self, *, today: date) -> dict[str, Any]:
        """As they are kept. Raises what is wrong with them."""
        if not self.sports:
            raise SportsMissing
        number, until = self.permit_number.strip(), self.permit_until
        if self.needs_permit:
            if not number or until is None:
                raise PermitMissing
            if until < today:
                raise PermitOver
        else:
            number, until = "", None
        columns: dict[str, Any] = {
            "name": self.name,
            "credit_code": self.code,
            "sports": sorted(set(self.sports)),
            "permit_number": number,
            "permit_until": until,
            "bank_name": self.bank_name,
            "account_name": self.account_name,
        }
        return columns | (account_columns(self.account_number) or {})


def account_columns(typed: str) -> dict[str, Any]:
    """The number of an account, sealed and masked; nothing for "".

    No check digit: cards have one, the accounts of businesses do not. Raises
    `AccountNumberWrong`.
    """
    number = SEPARATORS.sub("", typed)
    if not number:
        return {}
    if not _ACCOUNT.fullmatch(number):
        raise AccountNumberWrong
    shown = 2 if len(number) < 12 else 4
    hidden = "*" * (len(number) - 2 * shown)
    return {
        "sealed_account": sealed.seal(number),
        "masked_account": number[:shown] + hidden + number[-shown:],
    }


# --- Applying -------------------------------------------------------------------------


def register_merchant(
    *,
    facts: MerchantFacts,
    shop: ShopFacts,
    licence: File[bytes],
    permit: File[bytes] | None = None,
    by: User,
) -> Merchant:
    """Apply with a business and its first shop; `by` becomes its manager.

    Raises `IdentityNeeded`, `CreditCodeWrong`, `SportsMissing`, `PermitMissing`,
    `PermitOver`, `AccountNumberWrong`, `MerchantApplied`, `MerchantCodeTaken`, what
    `create_shop` and `store_photo` raise, and from the limits `TooOften` and
    `LimitsAway`.
    """
    if not is_verified(by):
        raise IdentityNeeded
    limits.take("merchant-apply", by.limit_key, limit=APPLICATIONS_A_DAY, seconds=_DAY)
    return _register(facts, shop, licence, permit, by)


@transaction.atomic
def _register(
    facts: MerchantFacts,
    shop: ShopFacts,
    licence: File[bytes],
    permit: File[bytes] | None,
    by: User,
) -> Merchant:
    now = clock.now()
    columns = facts.columns(today=clock.local_day(now))
    if "sealed_account" not in columns:
        raise AccountNumberWrong
    if facts.needs_permit and permit is None:
        raise PermitMissing
    # Two taps on "Send": the second one waits here, and finds the first one's row.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    same = Merchant.objects.filter(credit_code=columns["credit_code"])
    if same.filter(contact=by).exclude(state=State.LEFT).exists():
        raise MerchantApplied
    if same.filter(state__in=[State.APPROVED, State.SUSPENDED]).exists():
        raise MerchantCodeTaken
    merchant = Merchant.objects.create(contact=by, applied_at=now, **columns)
    Member.objects.create(
        merchant=merchant,
        person=by,
        role=Member.Role.MANAGER,
        name=by.display_name[:40],
        invited_at=now,
        joined_at=now,
    )
    create_shop(merchant, shop, at=now)
    keep_papers(merchant, licence=licence, permit=permit, by=by)
    record("vouchers.merchant.applied", subject=merchant, by=by, at=now)
    return merchant


def keep_papers(
    of: Merchant | MerchantChange,
    *,
    licence: File[bytes] | None,
    permit: File[bytes] | None,
    by: User,
) -> None:
    """The photos that staff compare with what a business says."""
    for file, purpose in (
        (licence, Photo.Purpose.LICENCE),
        (permit, Photo.Purpose.PERMIT),
    ):
        if file is not None:
            store_photo(file=file, subject=of, by=by, purpose=purpose)


@transaction.atomic
def correct_merchant(
    *,
    merchant: Merchant,
    facts: MerchantFacts,
    licence: File[bytes] | None = None,
    permit: File[bytes] | None = None,
    by: User,
) -> Merchant:
    """A manager corrects an application, also a refused one, which asks again.

    Raises `MerchantDecided` (what is approved asks for a change), what is wrong with
    the facts, `PermitMissing`, `MerchantCodeTaken`, and what `store_photo` raises.
    """
    now = clock.now()
    columns = facts.columns(today=clock.local_day(now))
    merchant = lock_merchant(merchant.pk)
    if merchant.state not in (State.APPLIED, State.REFUSED):
        raise MerchantDecided
    if facts.needs_permit and permit is None and not _has_permit_photo(merchant):
        raise PermitMissing
    taken = Merchant.objects.filter(
        credit_code=columns["credit_code"], state__in=[State.APPROVED, State.SUSPENDED]
    )
    if taken.exclude(pk=merchant.pk).exists():
        raise MerchantCodeTaken
    write_facts(merchant, columns)
    merchant.state, merchant.reason, merchant.applied_at = State.APPLIED, "", now
    merchant.save(update_fields=["state", "reason", "applied_at"])
    narrow_shops(merchant)
    keep_papers(merchant, licence=licence, permit=permit, by=by)
    record("vouchers.merchant.corrected", subject=merchant, by=by, at=now)
    return merchant


def _has_permit_photo(merchant: Merchant) -> bool:
    photos = Photo.objects.about(merchant).of_purpose(Photo.Purpose.PERMIT)
    return photos.exists()


def write_facts(merchant: Merchant, columns: dict[str, Any]) -> None:
    for name, value in columns.items():
        setattr(merchant, name, value)
    merchant.save(update_fields=list(columns))


def narrow_shops(merchant: Merchant) -> None:
    """No shop offers what its business does not."""
    for shop in merchant.shops.order_by("pk"):
        kept = [sport for sport in shop.sports if sport in merchant.sports]
        if kept != shop.sports:
            shop.sports = kept or merchant.sports
            shop.save(update_fields=["sports"])


# --- Deciding -------------------------------------------------------------------------


@transaction.atomic
def approve_merchant(*, merchant: Merchant, by: User) -> Merchant:
    """Staff have checked it with its shops; `merchant` says what they looked at.

    Its `applied_at` has to be the one that they saw. Raises `MerchantIsYours`,
    `MerchantDecided`, `MerchantCorrected`, `PermitMissing`, `PermitOver` or
    `MerchantCodeTaken`.
    """
    now = clock.now()
    seen_at = merchant.applied_at
    merchant = lock_merchant(merchant.pk)
    refuse_own_people(merchant.pk, by)
    if merchant.state != State.APPLIED:
        raise MerchantDecided
    if merchant.applied_at != seen_at:
        raise MerchantCorrected
    refuse_without_permit(merchant, on=clock.local_day(now))
    with constraint_errors(
        vouchers_merchant_credit_code_once=MerchantCodeTaken,
        vouchers_merchant_high_risk_has_its_permit=PermitMissing,
    ):
        _move(merchant, State.APPROVED, reason="", by=by, at=now)
    merchant.shops.filter(waits_since__isnull=False).update(
        waits_since=None, is_open=True
    )
    _sync_all(merchant)
    tell_business("approved", merchant, by=by, at=now)
    return merchant


def refuse_without_permit(merchant: Merchant, *, on: date) -> None:
    if any(sport in HIGH_RISK for sport in merchant.sports):
        if not merchant.permit_number or merchant.permit_until is None:
            raise PermitMissing
        if merchant.permit_until < on:
            raise PermitOver


@transaction.atomic
def refuse_merchant(*, merchant: Merchant, reason: str, by: User) -> Merchant:
    """Staff could not approve it; its manager corrects it and asks again.

    Raises `ReasonMissing`, `MerchantDecided` or `MerchantCorrected`.
    """
    now = clock.now()
    reason = given_reason(reason)
    seen_at = merchant.applied_at
    merchant = lock_merchant(merchant.pk)
    if merchant.state != State.APPLIED:
        raise MerchantDecided
    if merchant.applied_at != seen_at:
        raise MerchantCorrected
    _move(merchant, State.REFUSED, reason=reason, by=by, at=now)
    tell_business("refused", merchant, by=by, at=now, reason=reason)
    return merchant


@transaction.atomic
def suspend_merchant(*, merchant: Merchant, reason: str, by: User) -> Merchant:
    """From now on nothing is redeemed there; all can still be read.

    Raises `ReasonMissing` or `MerchantDecided`.
    """
    now = clock.now()
    reason = given_reason(reason)
    merchant = lock_merchant(merchant.pk)
    if merchant.state != State.APPROVED:
        raise MerchantDecided
    _move(merchant, State.SUSPENDED, reason=reason, by=by, at=now)
    tell_business("suspended", merchant, by=by, at=now, reason=reason)
    return merchant


@transaction.atomic
def reinstate_merchant(*, merchant: Merchant, reason: str, by: User) -> Merchant:
    """Vouchers are redeemed there again.

    Raises `ReasonMissing`, `MerchantIsYours`, `MerchantDecided`, `PermitMissing` or
    `PermitOver`.
    """
    now = clock.now()
    reason = given_reason(reason)
    merchant = lock_merchant(merchant.pk)
    refuse_own_people(merchant.pk, by)
    if merchant.state != State.SUSPENDED:
        raise MerchantDecided
    refuse_without_permit(merchant, on=clock.local_day(now))
    with constraint_errors(vouchers_merchant_high_risk_has_its_permit=PermitMissing):
        _move(merchant, State.APPROVED, reason="", by=by, at=now)
    tell_business("reinstated", merchant, by=by, at=now, reason=reason)
    return merchant


@transaction.atomic
def leave_as_merchant(*, merchant: Merchant, by: User) -> Merchant:
    """A manager gives the business up here. What is owed to it is still settled.

    Its shops close, its part in campaigns ends. Raises `MerchantDecided`.
    """
    now = clock.now()
    merchant = lock_merchant(merchant.pk)
    if merchant.state == State.LEFT:
        raise MerchantDecided
    merchant.state = State.LEFT
    merchant.save(update_fields=["state"])
    merchant.shops.update(is_open=False)
    merchant.participations.filter(until=None).update(until=now)
    merchant.changes.filter(state=MerchantChange.State.ASKED).update(
        state=MerchantChange.State.WITHDRAWN, decided_at=now
    )
    _sync_all(merchant)
    tell_business("left", merchant, by=by, at=now)
    return merchant


def given_reason(reason: str) -> str:
    reason = reason.strip()[:200]
    if not reason:
        raise ReasonMissing
    return reason


def _move(
    merchant: Merchant, state: Merchant.State, *, reason: str, by: User, at: datetime
) -> None:
    merchant.state, merchant.reason = state, reason
    merchant.decided_at, merchant.decided_by = at, by
    merchant.save(update_fields=["state", "reason", "decided_at", "decided_by"])


def _sync_all(merchant: Merchant) -> None:
    for member in merchant.members.at_work().select_related("person").order_by("pk"):
        if member.person:
            sync_roles(member.person)


def tell_business(
    what: str, merchant: Merchant, *, by: User, at: datetime, reason: str = ""
) -> None:
    detail = {"reason": reason} if reason else {}
    record(f"vouchers.merchant.{what}", subject=merchant, by=by, at=at, detail=detail)
    tell_managers(merchant, f"vouchers.merchant_{what}", at=at, reason=reason)


# --- Shops that wait for staff --------------------------------------------------------


@transaction.atomic
def check_shop(*, shop: Shop, by: User) -> Shop:
    """Staff have looked at a new or a moved shop: it takes vouchers.

    `shop` says since when it waited on the page that they saw. Raises
    `MerchantIsYours`, `MerchantDecided` or `MerchantCorrected`.
    """
    now = clock.now()
    merchant = lock_merchant(shop.merchant_id)
    refuse_own_people(merchant.pk, by)
    fresh = Shop.objects.get(pk=shop.pk)
    if fresh.waits_since is None:
        raise MerchantDecided
    if fresh.waits_since != shop.waits_since:
        raise MerchantCorrected
    fresh.waits_since, fresh.is_open = None, True
    fresh.save(update_fields=["waits_since", "is_open"])
    record("vouchers.shop.checked", subject=fresh, by=by, at=now)
    tell_managers(merchant, "vouchers.shop_checked", at=now, shop=fresh.name)
    return fresh


# --- Keys -----------------------------------------------------------------------------


def reseal_accounts() -> None:
    """Seal the numbers of accounts under the newest key; safe to run twice.

    Row by row, and only where nobody changed it meanwhile.
    """
    for model in (Merchant, MerchantChange, Settlement):
        rows: Any = model.objects
        sealed_rows = rows.order_by("pk").values_list("pk", "sealed_account")
        for pk, old in sealed_rows.iterator():
            if bytes(old):
                rows.filter(pk=pk, sealed_account=bytes(old)).update(
                    sealed_account=sealed.reseal(old)
                )
