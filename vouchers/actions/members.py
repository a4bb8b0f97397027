"""People of a merchant: invited, joined, changed, removed; their roles follow."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from bureau.accounts.actions import normal_phone
from bureau.accounts.models import Role, User
from bureau.audit.models import record
from bureau.common import clock, codes, limits
from bureau.common.db import constraint_errors
from bureau.common.masking import masked_phone
from bureau.common.tasks import after_commit
from bureau.notices.actions import Message, notify, notify_each
from vouchers.errors.merchants import (
    AlreadyMember,
    InvitationOfAnother,
    InvitationOver,
    LastManager,
    MemberGone,
    MerchantIsYours,
    MerchantNotApproved,
    ShopUnknown,
)
from vouchers.models import Member, Merchant, Shop

INVITATION_LIFE = timedelta(days=7)
INVITATIONS_A_DAY = 50
UNSENT_AFTER = timedelta(minutes=5)
"""The task itself tries for half a minute."""
UNSENT_AT_ONCE = 200
_DAY = 24 * 3600
WORKING = (Merchant.State.APPROVED, Merchant.State.SUSPENDED)
_ROLES = {
    Member.Role.MANAGER: Role.MERCHANT_MANAGER,
    Member.Role.CLERK: Role.MERCHANT_CLERK,
}


def lock_merchant(merchant_id: int) -> Merchant:
    """What is decided about it, and who works there, one after the other."""
    return Merchant.objects.select_for_update(no_key=True).get(pk=merchant_id)


def managers_of(merchant: Merchant) -> list[User]:
    """Who gets a merchant's notices."""
    rows = merchant.members.at_work().managers().select_related("person")
    return [row.person for row in rows.order_by("pk") if row.person]


def refuse_own_people(merchant_id: int, by: User) -> None:
    """Staff who also work for a merchant leave decisions about it to others."""
    if Member.objects.of(by).filter(merchant=merchant_id).exists():
        raise MerchantIsYours


def tell_managers(merchant: Merchant, kind: str, *, at: Any, **more: Any) -> None:
    """One notice to each manager."""
    context = {"merchant": merchant.name, "number": merchant.number, **more}
    people = managers_of(merchant)
    messages = [Message(person, context, merchant) for person in people]
    notify_each(kind=kind, messages=messages, at=at)


def sync_roles(*people: User) -> None:
    """The groups that go with memberships: given with the first, taken with the last.

    A merchant that is not approved gives none. Several people at once: their rows are
    locked in one order.
    """
    ids = [person.pk for person in people]
    rows = User.objects.filter(pk__in=ids).order_by("pk")
    locked = list(rows.select_for_update(no_key=True))
    groups = {
        role: Group.objects.get_or_create(name=group.value)[0]
        for role, group in _ROLES.items()
    }
    held = set(
        Member.objects.at_work()
        .filter(person__in=ids, merchant__state__in=WORKING)
        .values_list("person_id", "role")
    )
    for person in locked:
        for role, group in groups.items():
            if (person.pk, role.value) in held:
                person.groups.add(group)
            else:
                person.groups.remove(group)


# --- Invitations ----------------------------------------------------------------------


@dataclass(frozen=True)
class Invitation:
    """Whom a manager invites; no `shops` are all shops of the merchant."""

    phone: str
    name: str
    role: str = Member.Role.CLERK
    shops: Collection[Shop] = ()


def invite_member(*, merchant: Merchant, invitation: Invitation, by: User) -> Member:
    """Send somebody a link by SMS, good for seven days and for that number alone.

    Raises `BadPhone`, `MerchantNotApproved`, `AlreadyMember`, `ShopUnknown`, and from
    the limits `TooOften` and `LimitsAway`.
    """
    phone = normal_phone(invitation.phone)
    _count_invitation(merchant)
    with transaction.atomic():
        return write_invitation(merchant, invitation, phone, by=by)


def _count_invitation(merchant: Merchant) -> None:
    limits.take(
        "merchant-invite", merchant.number, limit=INVITATIONS_A_DAY, seconds=_DAY
    )


def write_invitation(
    merchant: Merchant,
    invitation: Invitation,
    phone: str,
    *,
    by: User,
    by_sweep: bool = False,
) -> Member:
    """The row of an invitation; its SMS goes out after the commit, or by the sweep.

    Counts nothing. Raises `MerchantNotApproved` and `AlreadyMember`.
    """
    now = clock.now()
    merchant = lock_merchant(merchant.pk)
    if merchant.state != Merchant.State.APPROVED:
        raise MerchantNotApproved
    same = merchant.members.filter(left_at=None)
    if (
        same.filter(person__phone=phone).exists()
        or same.filter(person=None, invited_phone=phone).exists()
    ):
        raise AlreadyMember
    member = Member.objects.create(
        merchant=merchant,
        role=invitation.role,
        name=invitation.name,
        invited_phone=phone,
        invite_code=codes.new_code(),
        invited_at=now,
        invite_until=now + INVITATION_LIFE,
    )
    _set_shops(member, invitation.shops)
    record(
        "vouchers.member.invited",
        subject=member,
        by=by,
        at=now,
        detail={"merchant": merchant.pk, "role": invitation.role},
    )
    if not by_sweep:
        _send(member)
    return member


def invite_again(*, member: Member, by: User) -> Member:
    """A new link for an invitation that ran out or was lost; the old one dies.

    Raises `MemberGone`, `MerchantNotApproved`, and from the limits `TooOften` and
    `LimitsAway`.
    """
    _count_invitation(member.merchant)
    now = clock.now()
    with transaction.atomic():
        merchant = lock_merchant(member.merchant_id)
        if merchant.state != Merchant.State.APPROVED:
            raise MerchantNotApproved
        member = Member.objects.select_related("merchant").get(pk=member.pk)
        if member.left_at or member.person_id:
            raise MemberGone
        member.invite_code = codes.new_code()
        member.invited_at, member.invite_until = now, now + INVITATION_LIFE
        member.invite_sent_at = None
        member.save(
            update_fields=[
                "invite_code",
                "invited_at",
                "invite_until",
                "invite_sent_at",
            ]
        )
        record("vouchers.member.invited_again", subject=member, by=by, at=now)
        _send(member)
    return member


def _send(member: Member) -> None:
    """By the outbox where the number has an account, else by an SMS of its own."""
    from vouchers.tasks.merchants import send_invitation  # noqa: PLC0415 - it calls us

    known = User.objects.filter(phone=member.invited_phone, deleted_at=None).first()
    if known is None:
        after_commit(send_invitation, member_id=member.pk)
        return
    # From here on the outbox answers for it.
    member.invite_sent_at = member.invited_at
    member.save(update_fields=["invite_sent_at"])
    notify(
        recipient=known,
        kind="vouchers.invited",
        context={
            "merchant": member.merchant.name,
            "link": invitation_link(member),
            "until_at": member.invite_until.isoformat() if member.invite_until else "",
        },
        subject=member,
        at=member.invited_at,
    )


def resend_invitations(*, at: datetime) -> int:
    """Queue invitations whose SMS a crash or a broken queue kept back; how many.

    One that the provider took just before the crash goes out twice, and none never.
    """
    from vouchers.tasks.merchants import send_invitation  # noqa: PLC0415 - it calls us

    rows = Member.objects.unsent_at(at).filter(invited_at__lt=at - UNSENT_AFTER)
    found = list(rows.order_by("pk").values_list("pk", flat=True)[:UNSENT_AT_ONCE])
    for pk in found:
        send_invitation.delay(member_id=pk)
    return len(found)


def note_invitation_sent(*, member: Member) -> None:
    """The SMS is out; a newer link that was made meanwhile is another one."""
    same = Member.objects.filter(pk=member.pk, invite_code=member.invite_code)
    same.update(invite_sent_at=clock.now())


def invitation_link(member: Member) -> str:
    """What the invited person opens."""
    path = reverse("vouchers:member-join", args=[member.invite_code])
    return f"{settings.PUBLIC_URL}{path}"


def invitation_text(member: Member) -> str:
    """The SMS to a number that has no account here."""
    return _("%(merchant)s invites you to redeem sports vouchers: %(link)s") % {
        "merchant": member.merchant.name,
        "link": invitation_link(member),
    }


def find_invitation(*, code: str, by: User) -> Member:
    """The invitation behind a link, for the number that was invited.

    Raises `InvitationOver` or `InvitationOfAnother`.
    """
    found = Member.objects.filter(invite_code=codes.normalise(code), left_at=None)
    member = found.select_related("merchant").first()
    if member is None:
        raise InvitationOver
    if member.person_id == by.pk:
        return member
    if by.phone != member.invited_phone:
        raise InvitationOfAnother(phone=masked_phone(member.invited_phone))
    is_over = member.invite_until is None or clock.now() >= member.invite_until
    if member.person_id or is_over or member.merchant.state not in WORKING:
        raise InvitationOver
    return member


@transaction.atomic
def accept_invitation(*, code: str, by: User) -> Member:
    """Join a merchant; again, it is the same membership.

    Raises `InvitationOver`, `InvitationOfAnother` or `AlreadyMember`.
    """
    now = clock.now()
    merchant = lock_merchant(find_invitation(code=code, by=by).merchant_id)
    member = find_invitation(code=code, by=by)
    if member.person_id:
        return member
    member.person, member.joined_at = by, now
    with constraint_errors(vouchers_member_once_in_merchant=AlreadyMember):
        member.save(update_fields=["person", "joined_at"])
    if member.role == Member.Role.MANAGER:
        _take_over_contact(merchant, by)
    sync_roles(by)
    record("vouchers.member.joined", subject=member, by=by, at=now)
    tell_managers(merchant, "vouchers.member_joined", at=now, name=member.name)
    return member


def _take_over_contact(merchant: Merchant, manager: User) -> None:
    """A business that staff entered, or whose contact has gone, gets a contact."""
    if not merchant.members.of(merchant.contact).exists():
        merchant.contact = manager
        merchant.save(update_fields=["contact"])


# --- Changing and leaving -------------------------------------------------------------


@transaction.atomic
def change_member(
    *, member: Member, name: str, role: str, shops: Collection[Shop], by: User
) -> Member:
    """A manager changes somebody's name at work, role or counters.

    No `shops` are all shops. Raises `MemberGone`, `LastManager` or `ShopUnknown`.
    """
    now = clock.now()
    member = _lock(member)
    if role != member.role:
        _refuse_last_manager(member)
    member.name, member.role = name, role
    member.save(update_fields=["name", "role"])
    _set_shops(member, shops)
    if member.person:
        sync_roles(member.person)
    detail = {"role": role, "shops": sorted(shop.pk for shop in shops)}
    record("vouchers.member.changed", subject=member, by=by, at=now, detail=detail)
    return member


@transaction.atomic
def remove_member(*, member: Member, by: User) -> Member:
    """At once: their next tap at a counter is refused. Also takes an invitation back.

    A person who leaves removes themselves. Raises `MemberGone` or `LastManager`.
    """
    now = clock.now()
    member = _lock(member)
    _refuse_last_manager(member)
    member.left_at, member.invite_code = now, None
    member.save(update_fields=["left_at", "invite_code"])
    record("vouchers.member.removed", subject=member, by=by, at=now)
    if member.person:
        sync_roles(member.person)
        if member.person != by:
            notify(
                recipient=member.person,
                kind="vouchers.member_removed",
                context={"merchant": member.merchant.name},
                subject=member.merchant,
                at=now,
            )
    return member


def _lock(member: Member) -> Member:
    merchant = lock_merchant(member.merchant_id)
    fresh = Member.objects.select_related("person").get(pk=member.pk)
    fresh.merchant = merchant
    if fresh.left_at:
        raise MemberGone
    return fresh


def _refuse_last_manager(member: Member) -> None:
    if member.role != Member.Role.MANAGER or member.person_id is None:
        return
    if member.merchant.state == Merchant.State.LEFT:
        return
    others = member.merchant.members.at_work().managers().exclude(pk=member.pk)
    if not others.exists():
        raise LastManager


def _set_shops(member: Member, shops: Collection[Shop]) -> None:
    if any(shop.merchant_id != member.merchant_id for shop in shops):
        raise ShopUnknown
    member.shops.set(shops)


def forget_member(user: User) -> None:
    """A deleted account works nowhere; redemptions keep only that there was a clerk."""
    now = clock.now()
    mine = Member.objects.filter(person=user)
    for pk in mine.filter(left_at=None).order_by("pk").values_list("pk", flat=True):
        member = Member.objects.get(pk=pk)
        lock_merchant(member.merchant_id)
        Member.objects.filter(pk=pk, left_at=None).update(left_at=now)
        record("vouchers.member.removed", subject=member, by=user, at=now)
    mine.update(name="–", invited_phone="", invite_code=None)
    Member.objects.filter(person=None, invited_phone=user.phone or "-").update(
        left_at=now, name="–", invited_phone="", invite_code=None
    )
    for member in mine:
        member.devices.update(name="–")
    sync_roles(user)
