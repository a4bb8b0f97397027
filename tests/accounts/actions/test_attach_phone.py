"""Somebody registered at the desk by their ID card gets a number to sign in with."""

from __future__ import annotations

import secrets
from functools import partial

import pytest

from bureau.accounts import actions
from bureau.accounts.errors import (
    CodeNotAsked,
    CodeWrong,
    IdCardNotSeen,
    PhoneNotNeeded,
    PhoneOfAnother,
)
from bureau.accounts.models import LoginCode, User
from bureau.audit.models import Entry
from tests import make
from tests.accounts.conftest import live_code, new_id_number, wrong_code
from tests.at_once import at_once, outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk() -> User:
    return make.user()


@pytest.fixture
def elder(clerk: User) -> User:
    """Registered at the window, without a phone."""
    return actions.register_person(
        name="孔令仪", number=new_id_number(), agreed=True, by=clerk
    )


def ask(person: User, phone: str) -> LoginCode:
    return actions.send_code_to_attach(person=person, phone=phone, network=None)


def attach(
    person: User, phone: str, by: User, *, code: str = "", id_card_seen: bool = True
) -> User:
    return actions.attach_phone(
        person=person,
        phone=phone,
        code=code or live_code(phone),
        id_card_seen=id_card_seen,
        network=None,
        by=by,
    )


def test_the_person_signs_in_with_it_and_finds_the_same_account(
    elder: User, clerk: User, phone: str
) -> None:
    ask(elder, phone)
    attach(elder, f"+86 {phone}", clerk, code=live_code(phone))

    assert elder.phone == phone
    assert elder.phone_verified_at
    LoginCode.objects.filter(phone=phone).delete()
    actions.send_code(phone=phone, network=None)
    entered = actions.redeem_code(phone=phone, code=live_code(phone), network=None)
    assert entered == elder


def test_it_is_written_down_who_did_it_but_not_the_whole_number(
    elder: User, clerk: User, phone: str
) -> None:
    ask(elder, phone)
    attach(elder, phone, clerk)

    entry = Entry.objects.get(event="accounts.user.phone_attached_at_desk")
    assert entry.actor_id == clerk.pk
    assert entry.subject_id == elder.pk
    assert phone not in str(entry.detail)


def test_without_the_code_or_the_id_card_nothing_happens(
    elder: User, clerk: User, phone: str
) -> None:
    with pytest.raises(CodeNotAsked):
        attach(elder, phone, clerk, code="123456")
    row = ask(elder, phone)
    with pytest.raises(CodeWrong):
        attach(elder, phone, clerk, code=wrong_code(phone))
    row.refresh_from_db()
    assert row.wrong_tries == 1  # the refusal did not undo the count
    with pytest.raises(IdCardNotSeen):
        attach(elder, phone, clerk, id_card_seen=False)
    elder.refresh_from_db()
    assert elder.phone is None


def test_a_number_of_somebody_else_is_refused_and_nothing_is_joined(
    elder: User, clerk: User, phone: str
) -> None:
    owner = make.citizen(phone=phone)
    with pytest.raises(PhoneOfAnother, match="cannot be joined"):
        ask(elder, phone)
    actions.send_code(phone=phone, network=None)
    with pytest.raises(PhoneOfAnother):
        attach(elder, phone, clerk)

    owner.refresh_from_db()
    elder.refresh_from_db()
    assert (owner.phone, elder.phone) == (phone, None)


def test_a_number_that_signed_up_after_its_code_was_sent_is_refused(
    elder: User, clerk: User, phone: str
) -> None:
    code = ask(elder, phone).code
    make.citizen(phone=phone)
    with pytest.raises(PhoneOfAnother):
        attach(elder, phone, clerk, code=code)


def test_only_who_was_registered_by_id_and_has_no_number_gets_one(
    elder: User, clerk: User, phone: str
) -> None:
    nobody_knows, staff = make.user(), elder
    for other in (make.citizen(), nobody_knows):
        with pytest.raises(PhoneNotNeeded):
            ask(other, phone)
    User.objects.filter(pk=staff.pk).update(is_staff=True)
    staff.refresh_from_db()
    with pytest.raises(PhoneNotNeeded):
        ask(staff, phone)


@pytest.mark.django_db(transaction=True)
def test_one_number_and_two_people_at_two_windows_go_together_once() -> None:
    clerk = make.user()
    phone = f"13{secrets.randbelow(10**9):09}"
    people = [
        actions.register_person(name=name, number=number, agreed=True, by=clerk)
        for name, number in (("孔令仪", new_id_number()), ("孟庆", new_id_number()))
    ]
    code = ask(people[0], phone).code

    answers = at_once(
        *[partial(attach, one, phone, clerk, code=code) for one in people]
    )

    assert outcomes(answers)["done"] == 1
    assert User.objects.filter(phone=phone).count() == 1
