"""Businesses, decided about and joined by several people in the same moment."""

from __future__ import annotations

from threading import Barrier

import pytest

from bureau.accounts.models import User
from bureau.audit.models import Entry
from tests import make as city
from tests.at_once import at_once, outcomes
from tests.vouchers import business
from vouchers import actions
from vouchers.actions import members, merchants
from vouchers.models import Device, Member, Merchant

pytestmark = pytest.mark.django_db(transaction=True)


def events(merchant: Merchant) -> list[str]:
    rows = Entry.objects.about(merchant).order_by("pk").values_list("event", flat=True)
    return [event.rsplit(".", 1)[1] for event in rows]


def test_two_of_staff_decide_and_one_of_them_did() -> None:
    merchant = business.applied()
    one, other = city.user(), city.user()
    # Each has read the page: their own copy of what it said.
    first, second = (Merchant.objects.get(pk=merchant.pk) for _ in range(2))
    answers = at_once(
        lambda: actions.approve_merchant(merchant=first, by=one),
        lambda: actions.refuse_merchant(merchant=second, reason="No", by=other),
    )
    assert outcomes(answers) == {"done": 1, "merchant_decided": 1}
    merchant.refresh_from_db()
    assert events(merchant) == ["applied", merchant.state]


def test_without_the_lock_both_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the row's lock is what makes the second one wait and look."""
    merchant = business.applied()
    one, other = city.user(), city.user()
    first, second = (Merchant.objects.get(pk=merchant.pk) for _ in range(2))
    both_have_read = Barrier(2, timeout=30)

    def read_without_lock(merchant_id: int) -> Merchant:
        row = Merchant.objects.get(pk=merchant_id)
        both_have_read.wait()
        return row

    monkeypatch.setattr(merchants, "lock_merchant", read_without_lock)
    answers = at_once(
        lambda: actions.approve_merchant(merchant=first, by=one),
        lambda: actions.refuse_merchant(merchant=second, reason="No", by=other),
    )
    assert outcomes(answers) == {"done": 2}


def test_a_code_is_approved_for_one_business() -> None:
    facts = business.facts()
    firms = [business.applied(facts=facts) for _ in range(4)]
    staff = [city.user() for _ in firms]
    answers = at_once(
        *(
            lambda firm=firm, by=by: actions.approve_merchant(merchant=firm, by=by)
            for firm, by in zip(firms, staff, strict=True)
        )
    )
    assert outcomes(answers) == {"done": 1, "merchant_code_taken": 3}
    assert Merchant.objects.approved().count() == 1


def test_a_person_who_taps_twice_applies_once() -> None:
    city.district()
    person, facts = city.verified(), business.facts()
    answers = at_once(*[lambda: business.applied(by=person, facts=facts)] * 3)
    assert outcomes(answers) == {"done": 1, "merchant_applied": 2}


def test_an_invitation_is_accepted_once() -> None:
    merchant = business.approved()
    member = business.invited(merchant, phone="13700000051")
    person = city.citizen(phone="13700000051")
    code = member.invite_code or ""
    answers = at_once(*[lambda: actions.accept_invitation(code=code, by=person)] * 4)
    assert outcomes(answers) == {"done": 4}
    assert Member.objects.of(person).count() == 1
    joined = Entry.objects.filter(event="vouchers.member.joined")
    assert joined.count() == 1


def test_an_invitation_is_taken_back_or_accepted() -> None:
    merchant = business.approved()
    member = business.invited(merchant, phone="13700000052")
    person = city.citizen(phone="13700000052")
    code, manager = member.invite_code or "", merchant.contact
    at_once(
        lambda: actions.accept_invitation(code=code, by=person),
        lambda: actions.remove_member(member=member, by=manager),
    )
    # Whoever came first: in the end nobody works there who was removed.
    member.refresh_from_db()
    assert member.left_at
    assert not Member.objects.of(person).exists()
    assert not person.groups.exists()


def two_managers(merchant: Merchant) -> list[tuple[Member, User]]:
    second = business.joined(merchant, role=Member.Role.MANAGER)
    rows = [business.manager_of(merchant), second]
    return [(row, business.person_of(row)) for row in rows]


def test_two_managers_who_leave_at_once_leave_one() -> None:
    merchant = business.approved()
    (one, first), (other, second) = two_managers(merchant)
    answers = at_once(
        lambda: actions.remove_member(member=one, by=first),
        lambda: actions.remove_member(member=other, by=second),
    )
    assert outcomes(answers) == {"done": 1, "last_manager": 1}
    assert merchant.members.at_work().managers().count() == 1


def test_without_the_lock_nobody_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the last manager."""
    merchant = business.approved()
    (one, first), (other, second) = two_managers(merchant)
    both_have_looked = Barrier(2, timeout=30)
    refuse = members._refuse_last_manager

    def look_and_wait(member: Member) -> None:
        refuse(member)
        both_have_looked.wait()

    monkeypatch.setattr(
        members, "lock_merchant", lambda pk: Merchant.objects.get(pk=pk)
    )
    monkeypatch.setattr(members, "_refuse_last_manager", look_and_wait)
    answers = at_once(
        lambda: actions.remove_member(member=one, by=first),
        lambda: actions.remove_member(member=other, by=second),
    )
    assert outcomes(answers) == {"done": 2}
    assert not merchant.members.at_work().managers().exists()


def test_two_first_taps_note_one_device() -> None:
    clerk = business.joined(business.approved())
    answers = at_once(
        *[lambda: actions.know_device(member=clerk, key="k" * 20, name="x")] * 4
    )
    assert outcomes(answers) == {"done": 4}
    assert Device.objects.count() == 1
