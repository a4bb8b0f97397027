from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bureau.accounts import actions
from bureau.accounts.errors import AccountStillNeeded, StaffAccount
from bureau.accounts.models import Dependant, Token, User, VerifiedIdentity
from bureau.common import personal_data
from bureau.common.personal_data import Holder
from tests import make
from tests.accounts.conftest import live_code, new_id_number

pytestmark = pytest.mark.django_db


@pytest.fixture
def other_app() -> Iterator[list[str]]:
    """Another app that holds something, and what it was asked."""
    asked: list[str] = []
    objections: list[str] = []
    personal_data.register(
        Holder(
            "zz_test",
            export=lambda user: {"phone": user.phone},
            objections=lambda _: objections,
            erase=lambda user: asked.append(user.phone),
        )
    )
    yield objections
    del personal_data._holders["zz_test"]
    assert asked in ([], asked[:1])


def test_nothing_of_the_person_is_left(verified: VerifiedIdentity) -> None:
    user = verified.user
    actions.register_dependant(
        name="张小",
        id_number=new_id_number(),
        relation="other",
        agreed=True,
        by=user,
    )
    Token.objects.create(user, device="Phone")
    phone = user.phone

    actions.delete_account(by=user)

    user.refresh_from_db()
    assert user.phone is None
    assert not user.is_active
    assert user.deleted_at is not None
    assert str(user) == f"deleted-{user.pk}"
    assert not VerifiedIdentity.objects.exists()
    assert not Token.objects.exists()
    assert Dependant.objects.get().masked_name == "*"
    assert str(phone) not in str(list(User.objects.values()))


def test_the_number_and_the_person_are_free_again(citizen: User, phone: str) -> None:
    citizen.phone = phone
    citizen.save()
    number = new_id_number()
    actions.verify_identity(name="张三", id_number=number, agreed=True, by=citizen)
    actions.delete_account(by=citizen)

    actions.send_code(phone=phone, network=None)
    again = actions.redeem_code(phone=phone, code=live_code(phone), network=None)

    assert again != citizen
    actions.verify_identity(name="张三", id_number=number, agreed=True, by=again)


def test_another_app_may_object(citizen: User, other_app: list[str]) -> None:
    other_app.append("You have a booking on Sunday.")

    with pytest.raises(AccountStillNeeded, match="booking on Sunday"):
        actions.delete_account(by=citizen)

    citizen.refresh_from_db()
    assert citizen.is_active


def test_a_staff_account_is_not_deleted_like_this() -> None:
    with pytest.raises(StaffAccount):
        actions.delete_account(by=make.user(is_staff=True))


def test_a_person_takes_everything_along(
    verified: VerifiedIdentity, other_app: list[str]
) -> None:
    data = json.loads(json.dumps(actions.export_personal_data(by=verified.user)))

    assert data["accounts"]["identity"]["name"] == "张三丰"
    assert data["accounts"]["phone"] == verified.user.phone
    assert data["zz_test"] == {"phone": verified.user.phone}
