"""What staff and a merchant's own people see of merchants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.masking import masked_phone
from bureau.photos.models import Photo
from vouchers.models import Device, Member, Merchant, MerchantChange, Shop

ENDS_SOON = timedelta(days=30)


# --- People at work -------------------------------------------------------------------


def memberships_of(user: User) -> QuerySet[Member]:
    """Where a person works now; of a business that left they read on."""
    rows = Member.objects.of(user).select_related("merchant")
    return rows.order_by("merchant__name", "pk")


def membership_of(user: User, number: str | None = None) -> Member | None:
    """A person's membership in the merchant of that number, or in their only one.

    None also where they work for several and no number says for which. Whether the
    merchant may redeem at all is another question: see its state.
    """
    rows = memberships_of(user)
    if number is not None:
        return rows.filter(merchant__number=number).first()
    found = list(rows.exclude(merchant__state=Merchant.State.LEFT)[:2])
    return found[0] if len(found) == 1 else None


def counters_of(member: Member) -> QuerySet[Shop]:
    """The shops whose counter a person serves: theirs, or all of the merchant."""
    shops = Shop.objects.filter(merchant=member.merchant_id)
    if not member.is_manager and member.shops.exists():
        shops = shops.filter(clerks=member)
    return shops.order_by("name", "pk")


# --- What staff look at ---------------------------------------------------------------


@dataclass(frozen=True)
class Twin:
    """Another merchant that has something in common with one."""

    merchant: Merchant
    same: str


def twins_of(
    merchant: Merchant, change: MerchantChange | None = None
) -> Sequence[Twin]:
    """Merchants with the same code, contact or telephone, or with an account like it.

    Accounts are sealed: the masked number and the bank are compared.
    """
    of = change or merchant
    phones = [
        phone for phone in merchant.shops.values_list("phone", flat=True) if phone
    ]
    questions = (
        (_("the code"), Q(credit_code=of.credit_code)),
        (
            _("the account"),
            Q(masked_account=of.masked_account, bank_name=of.bank_name),
        ),
        (_("the contact"), Q(contact=merchant.contact_id)),
        (_("the telephone"), Q(shops__phone__in=phones)),
    )
    return [
        Twin(other, words)
        for words, question in questions
        for other in Merchant.objects.filter(question)
        .exclude(pk=merchant.pk)
        .order_by("pk")
        .distinct()[:5]
    ]


def papers_of(row: Merchant | MerchantChange) -> QuerySet[Photo]:
    """Photos of its licence and its permit, the newest first."""
    purposes = (Photo.Purpose.LICENCE, Photo.Purpose.PERMIT)
    return Photo.objects.about(row).filter(purpose__in=purposes).order_by("-pk")


def merchant_work(districts: set[int] | None) -> int:
    """How many applications, changes and shops wait for staff; None is the city."""
    merchants = Merchant.objects.filter(state=Merchant.State.APPLIED)
    shops = Shop.objects.filter(
        waits_since__isnull=False, merchant__state=Merchant.State.APPROVED
    )
    changes = MerchantChange.objects.filter(state=MerchantChange.State.ASKED)
    if districts is not None:
        merchants = merchants.in_districts(districts)
        shops = shops.filter(district__in=districts)
        changes = changes.filter(
            merchant__in=Merchant.objects.in_districts(districts).values("pk")
        )
    return merchants.count() + shops.count() + changes.count()


def permit_state(merchant: Merchant, *, on: date) -> str:
    """Whether it may offer high-risk sports.

    "" (it offers none), "missing", "over", "ends" (within 30 days) or "valid".
    """
    if not merchant.needs_permit:
        return ""
    if merchant.permit_until is None or not merchant.permit_number:
        return "missing"
    if merchant.permit_until < on:
        return "over"
    return "ends" if merchant.permit_until <= on + ENDS_SOON else "valid"


# --- A merchant's own pages -----------------------------------------------------------


def people_of(merchant: Merchant) -> QuerySet[Member]:
    """Who works there, and who is invited; managers first."""
    rows = merchant.members.filter(left_at=None).select_related("person")
    return rows.prefetch_related("shops").order_by("-role", "name", "pk")


def devices_of(merchant: Merchant) -> QuerySet[Device]:
    """What its people work on, the last seen first."""
    rows = Device.objects.filter(member__merchant=merchant, member__left_at=None)
    return rows.select_related("member__person").order_by("-last_seen_at", "-pk")


# --- Personal data --------------------------------------------------------------------


def merchant_data_of(user: User) -> list[dict[str, Any]]:
    """Where a person works or worked, and on which devices."""
    rows = Member.objects.filter(person=user).select_related("merchant")
    return [
        {
            "merchant": member.merchant.name,
            "role": member.role,
            "name": member.name,
            "invited_number": masked_phone(member.invited_phone),
            "joined_at": _text(member.joined_at),
            "left_at": _text(member.left_at),
            "devices": [
                {
                    "name": device.name,
                    "first_seen_at": _text(device.first_seen_at),
                    "last_seen_at": _text(device.last_seen_at),
                    "blocked_at": _text(device.blocked_at),
                }
                for device in member.devices.order_by("pk")
            ],
            "account": member.merchant.masked_account if member.is_manager else "",
        }
        for member in rows.order_by("pk")
    ]


def _text(moment: Any) -> str | None:
    return None if moment is None else moment.astimezone(clock.CHINA).isoformat()


def reasons_for_manager_to_stay(user: User) -> list[str]:
    """A business whose only manager this is; it must get another, or leave, first."""
    words = _("You are the only manager of %(merchant)s.")
    mine = Member.objects.of(user).managers()
    mine = mine.exclude(merchant__state=Merchant.State.LEFT).select_related("merchant")
    return [
        words % {"merchant": member.merchant.name}
        for member in mine.order_by("pk")
        if not member.merchant.members.at_work()
        .managers()
        .exclude(pk=member.pk)
        .exists()
    ]
