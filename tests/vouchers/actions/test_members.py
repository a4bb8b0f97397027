"""People of a business: invited by number, joined, changed, removed; their devices."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from bureau.accounts.errors import BadPhone
from bureau.accounts.models import Role, User
from bureau.common import clock, sms
from bureau.common.personal_data import holders
from bureau.notices.models import Notice
from tests import make as city
from tests.vouchers import business, make
from vouchers import actions
from vouchers.errors.merchants import (
    AlreadyMember,
    DeviceBlocked,
    InvitationOfAnother,
    InvitationOver,
    LastManager,
    MemberGone,
    MerchantNotApproved,
    ShopUnknown,
)
from vouchers.models import Device, Member
from vouchers.queries import counters_of, membership_of, people_of
from vouchers.tasks.merchants import send_invitation

pytestmark = pytest.mark.django_db
PHONE = "13700000001"
MANAGER, CLERK = Member.Role.MANAGER, Member.Role.CLERK


def has(person: User, role: Role) -> bool:
    return person.groups.filter(name=role).exists()


# --- Invitations ----------------------------------------------------------------------


def test_a_number_without_an_account_gets_the_link_by_sms(
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.SMS_SENDER = "memory"
    sms.outbox.clear()
    merchant = business.approved()
    with django_capture_on_commit_callbacks(execute=False):
        member = business.invited(merchant, phone=PHONE)
    send_invitation(member_id=member.pk)
    (sent,) = sms.outbox
    assert sent.phone == PHONE
    assert member.invite_code
    assert f"/merchants/join/{member.invite_code}/" in sent.text
    actions.remove_member(member=member, by=merchant.contact)
    send_invitation(member_id=member.pk)
    assert len(sms.outbox) == 1


def test_an_invitation_that_a_crash_kept_back_is_sent_by_the_sweep_once(
    settings: Settings,
) -> None:
    settings.SMS_SENDER = "memory"
    sms.outbox.clear()
    # Nothing is committed here, so the queue never hears of it.
    member = business.invited(business.approved(), phone=PHONE)
    late = member.invited_at + timedelta(minutes=6)

    assert actions.resend_invitations(at=clock.now()) == 0  # it may be under way
    assert actions.resend_invitations(at=late) == 1
    assert [sent.phone for sent in sms.outbox] == [PHONE]
    assert actions.resend_invitations(at=late) == 0
    send_invitation(member_id=member.pk)
    assert len(sms.outbox) == 1

    again = actions.invite_again(member=member, by=member.merchant.contact)
    send_invitation(member_id=member.pk)
    assert again.invite_code
    assert again.invite_code in sms.outbox[-1].text


def test_the_sweep_leaves_alone_what_the_outbox_answers_for_or_is_over() -> None:
    merchant = business.approved()
    city.citizen(phone=PHONE)
    business.invited(merchant, phone=PHONE)
    business.invited(merchant, phone="13700000002")
    removed = business.invited(merchant, phone="13700000003")
    actions.remove_member(member=removed, by=merchant.contact)

    after = clock.now() + actions.members.INVITATION_LIFE
    assert actions.resend_invitations(at=after) == 0
    unsent = Member.objects.unsent_at(clock.now())
    assert [one.invited_phone for one in unsent] == ["13700000002"]


def test_who_has_an_account_gets_a_notice() -> None:
    person = city.citizen(phone=PHONE)
    member = business.invited(business.approved(), phone="+86 137-0000-0001")
    notice = Notice.objects.get(recipient=person)
    assert notice.kind == "vouchers.invited"
    assert actions.invitation_link(member) in notice.text("sms")


def test_only_the_invited_number_joins() -> None:
    merchant = business.approved()
    member = business.invited(merchant, phone=PHONE)
    code = member.invite_code or ""
    other = city.citizen(phone="13700000002")
    with pytest.raises(InvitationOfAnother) as refused:
        actions.accept_invitation(code=code, by=other)
    assert PHONE not in str(refused.value)
    person = city.citizen(phone=PHONE)
    joined = actions.accept_invitation(code=code.lower(), by=person)
    assert (joined.person, joined.role) == (person, CLERK)
    assert has(person, Role.MERCHANT_CLERK)
    # Two taps are one membership; for others the link is dead.
    assert actions.accept_invitation(code=code, by=person) == joined
    with pytest.raises(InvitationOfAnother):
        actions.accept_invitation(code=code, by=other)


@pytest.mark.parametrize(("after", "is_good"), [(6.99, True), (7, False)])
def test_an_invitation_is_good_for_seven_days(after: float, *, is_good: bool) -> None:
    now = clock.now()
    with time_machine.travel(now, tick=False):
        member = business.invited(business.approved(), phone=PHONE)
    person = city.citizen(phone=PHONE)
    with time_machine.travel(now + timedelta(days=after), tick=False):
        if is_good:
            actions.accept_invitation(code=member.invite_code or "", by=person)
        else:
            with pytest.raises(InvitationOver):
                actions.accept_invitation(code=member.invite_code or "", by=person)


def test_a_new_link_kills_the_old_one() -> None:
    merchant = business.approved()
    member = business.invited(merchant, phone=PHONE)
    old = member.invite_code or ""
    again = actions.invite_again(member=member, by=merchant.contact)
    person = city.citizen(phone=PHONE)
    with pytest.raises(InvitationOver):
        actions.accept_invitation(code=old, by=person)
    actions.accept_invitation(code=again.invite_code or "", by=person)
    with pytest.raises(MemberGone):
        actions.invite_again(member=member, by=merchant.contact)


def test_nobody_is_invited_twice_or_by_an_unapproved_business() -> None:
    merchant = business.approved()
    business.invited(merchant, phone=PHONE)
    with pytest.raises(AlreadyMember):
        business.invited(merchant, phone=PHONE)
    with pytest.raises(AlreadyMember):
        business.invited(merchant, phone=merchant.contact.phone or "")
    with pytest.raises(BadPhone):
        business.invited(merchant, phone="12345")
    with pytest.raises(MerchantNotApproved):
        business.invited(business.applied(), phone=PHONE)
    with pytest.raises(ShopUnknown):
        business.invited(merchant, phone="13700000009", shops=[make.shop()])
    assert not Member.objects.filter(invited_phone="13700000009").exists()


def test_an_invitation_of_a_business_that_left_is_over() -> None:
    merchant = business.approved()
    member = business.invited(merchant, phone=PHONE)
    actions.leave_as_merchant(merchant=merchant, by=merchant.contact)
    with pytest.raises(InvitationOver):
        actions.accept_invitation(
            code=member.invite_code or "", by=city.citizen(phone=PHONE)
        )


# --- At work --------------------------------------------------------------------------


def test_a_clerk_serves_their_counters_and_a_manager_all() -> None:
    merchant = business.approved()
    first = merchant.shops.get()
    second = make.shop(merchant)
    clerk = business.joined(merchant, shops=[first])
    assert list(counters_of(clerk)) == [first]
    assert set(counters_of(business.manager_of(merchant))) == {first, second}
    clerk = actions.change_member(
        member=clerk, name="小张", role=CLERK, shops=[], by=merchant.contact
    )
    assert clerk.name == "小张"
    assert set(counters_of(clerk)) == {first, second}


def test_who_is_removed_works_there_no_more() -> None:
    merchant = business.approved()
    clerk = business.joined(merchant)
    person = business.person_of(clerk)
    assert membership_of(person) == clerk
    assert membership_of(person, merchant.number) == clerk
    actions.remove_member(member=clerk, by=merchant.contact)
    assert membership_of(person) is None
    assert not has(person, Role.MERCHANT_CLERK)
    assert clerk not in people_of(merchant)
    assert Notice.objects.filter(
        recipient=person, kind="vouchers.member_removed"
    ).exists()
    with pytest.raises(MemberGone):
        actions.remove_member(member=clerk, by=merchant.contact)


def test_a_role_stays_while_another_business_needs_it() -> None:
    first, second = business.approved(), business.approved()
    person = city.citizen(phone=PHONE)
    ones = [business.invited(firm, phone=PHONE) for firm in (first, second)]
    for one in ones:
        actions.accept_invitation(code=one.invite_code or "", by=person)
    assert membership_of(person) is None  # for which of the two?
    actions.remove_member(member=ones[0], by=first.contact)
    assert has(person, Role.MERCHANT_CLERK)
    actions.remove_member(member=ones[1], by=second.contact)
    assert not has(person, Role.MERCHANT_CLERK)


def test_the_last_manager_stays() -> None:
    merchant = business.approved()
    manager = business.manager_of(merchant)
    with pytest.raises(LastManager):
        actions.remove_member(member=manager, by=merchant.contact)
    with pytest.raises(LastManager):
        actions.change_member(
            member=manager, name="x", role=CLERK, shops=[], by=merchant.contact
        )
    second = business.joined(merchant, role=MANAGER)
    assert has(business.person_of(second), Role.MERCHANT_MANAGER)
    actions.remove_member(member=manager, by=merchant.contact)
    assert business.manager_of(merchant) == second


def test_a_manager_of_an_imported_business_becomes_its_contact() -> None:
    staff = city.user()
    merchant = make.merchant(contact=staff)
    make.shop(merchant)
    person = city.citizen()
    member = actions.invite_member(
        merchant=merchant,
        invitation=actions.Invitation(
            phone=person.phone or "", name="Boss", role=MANAGER
        ),
        by=staff,
    )
    actions.accept_invitation(code=member.invite_code or "", by=person)
    merchant.refresh_from_db()
    assert merchant.contact == person


# --- Devices --------------------------------------------------------------------------


def test_a_new_device_is_told_to_the_managers_once() -> None:
    merchant = business.approved()
    clerk = business.joined(merchant)
    device = actions.know_device(member=clerk, key="a" * 20, name="Chrome")
    assert actions.know_device(member=clerk, key="a" * 20, name="Chrome") == device
    told = Notice.objects.filter(kind="vouchers.device_new")
    assert [notice.recipient for notice in told] == [merchant.contact]
    assert "Chrome" in told.get().text("body")
    assert "a" * 20 not in device.key_hash


def test_a_device_is_seen_again_at_most_every_five_minutes() -> None:
    clerk = business.joined(business.approved())
    now = clock.now()
    for minutes, seen in ((0, 0), (4, 0), (5, 5), (9, 5)):
        with time_machine.travel(now + timedelta(minutes=minutes), tick=False):
            device = actions.know_device(member=clerk, key="a" * 20, name="x")
        assert device.last_seen_at == now + timedelta(minutes=seen)


def test_a_blocked_device_is_blocked_for_everybody_in_the_business() -> None:
    merchant, other = business.approved(), business.approved()
    first, second = business.joined(merchant), business.joined(merchant)
    device = actions.know_device(member=first, key="k" * 20, name="x")
    actions.block_device(device=device, by=merchant.contact)
    for member in (first, second, business.manager_of(merchant)):
        with pytest.raises(DeviceBlocked):
            actions.know_device(member=member, key="k" * 20, name="x")
    actions.know_device(member=business.joined(other), key="k" * 20, name="x")
    actions.unblock_device(device=device, by=merchant.contact)
    actions.know_device(member=second, key="k" * 20, name="x")


# --- Personal data --------------------------------------------------------------------


def test_a_person_sees_their_work_and_takes_it_along_or_is_forgotten() -> None:
    holder = next(one for one in holders() if one.name == "vouchers.merchants")
    merchant = business.approved()
    clerk = business.joined(merchant)
    person = business.person_of(clerk)
    actions.know_device(member=clerk, key="k" * 20, name="Chrome")
    (held,) = holder.export(person)
    assert held["merchant"] == merchant.name
    assert held["devices"][0]["name"] == "Chrome"
    assert held["account"] == ""
    assert list(holder.objections(person)) == []
    assert len(list(holder.objections(merchant.contact))) == 1
    holder.erase(person)
    clerk.refresh_from_db()
    assert clerk.left_at
    assert (clerk.name, clerk.invited_phone) == ("–", "")
    assert Device.objects.get().name == "–"
    assert not has(person, Role.MERCHANT_CLERK)
