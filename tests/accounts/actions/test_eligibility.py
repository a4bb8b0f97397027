from __future__ import annotations

from datetime import date, timedelta
from io import BytesIO
from typing import Any

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from bureau.accounts import actions, tasks
from bureau.accounts.errors import (
    CertificateOutOfDate,
    EligibilityChanged,
    EligibilityLive,
    IdentityNeeded,
    NotADependant,
    ReasonNeeded,
)
from bureau.accounts.models import Eligibility, User, VerifiedIdentity
from bureau.accounts.queries import eligible_groups
from bureau.accounts.signals import certificate_given
from bureau.common import clock
from tests import make
from tests.accounts.conftest import new_id_number

pytestmark = pytest.mark.django_db


def picture() -> SimpleUploadedFile:
    """A small real JPEG, because another app looks at it."""
    out = BytesIO()
    Image.effect_noise((640, 480), 50).convert("RGB").save(out, "JPEG")
    return SimpleUploadedFile("card.jpg", out.getvalue(), "image/jpeg")


def ask(by: User, **given: Any) -> Eligibility:
    given.setdefault("kind", "student")
    given.setdefault("expires_on", clock.today() + timedelta(days=30))
    given.setdefault("certificate", picture())
    given.setdefault("agreed", True)
    return actions.ask_for_eligibility(**given, by=by)


@pytest.fixture
def clerk() -> User:
    return make.user(is_staff=True)


def test_the_picture_goes_to_who_keeps_pictures(verified: VerifiedIdentity) -> None:
    heard: list[Any] = []

    def hear(**told: Any) -> None:
        heard.append((told["eligibility"], told["file"].name))

    certificate_given.connect(hear, dispatch_uid="test")
    try:
        row = ask(verified.user)
    finally:
        certificate_given.disconnect(dispatch_uid="test")

    assert heard == [(row, "card.jpg")]
    assert row.state == Eligibility.State.PENDING


def test_it_counts_once_approved_and_until_its_last_day(
    verified: VerifiedIdentity, clerk: User
) -> None:
    user = verified.user
    row = ask(user)
    last = row.expires_on
    assert eligible_groups(user, on=last) == frozenset()

    actions.approve_eligibility(eligibility=row, by=clerk)

    assert eligible_groups(user, on=last) == {"student"}
    assert eligible_groups(user, on=last + timedelta(days=1)) == frozenset()


def test_staff_correct_the_last_day(verified: VerifiedIdentity, clerk: User) -> None:
    row = ask(verified.user)
    sooner = clock.today() + timedelta(days=3)

    actions.approve_eligibility(eligibility=row, expires_on=sooner, by=clerk)

    row.refresh_from_db()
    assert row.expires_on == sooner


def test_a_refusal_has_a_reason_and_another_try(
    verified: VerifiedIdentity, clerk: User
) -> None:
    row = ask(verified.user)
    with pytest.raises(ReasonNeeded):
        actions.refuse_eligibility(eligibility=row, reason=" ", by=clerk)

    actions.refuse_eligibility(eligibility=row, reason="Not readable", by=clerk)

    row.refresh_from_db()
    assert (row.state, row.reason, row.decided_by) == ("refused", "Not readable", clerk)
    ask(verified.user)


def test_one_live_proof_per_kind(verified: VerifiedIdentity) -> None:
    ask(verified.user)
    ask(verified.user, kind="military")

    with pytest.raises(EligibilityLive):
        ask(verified.user)


def test_two_clerks_do_not_both_decide(verified: VerifiedIdentity, clerk: User) -> None:
    row = ask(verified.user)
    same = Eligibility.objects.get(pk=row.pk)
    actions.refuse_eligibility(eligibility=row, reason="No stamp", by=clerk)

    with pytest.raises(EligibilityChanged):
        actions.approve_eligibility(eligibility=same, by=clerk)
    with pytest.raises(EligibilityChanged):
        actions.approve_eligibility(eligibility=row, by=clerk)


def test_an_old_certificate_is_refused(verified: VerifiedIdentity) -> None:
    with pytest.raises(CertificateOutOfDate):
        ask(verified.user, expires_on=clock.today() - timedelta(days=1))


def test_the_name_comes_first(citizen: User) -> None:
    with pytest.raises(IdentityNeeded):
        ask(citizen)


def test_a_strangers_child_is_refused(
    verified: VerifiedIdentity, stranger: User
) -> None:
    actions.verify_identity(
        name="李四", id_number=new_id_number(), agreed=True, by=stranger
    )
    child = actions.register_dependant(
        name="李小",
        id_number=new_id_number(),
        relation="child",
        agreed=True,
        by=stranger,
    )

    with pytest.raises(NotADependant):
        ask(verified.user, dependant=child)


def test_a_child_has_its_own_groups(verified: VerifiedIdentity, clerk: User) -> None:
    today = clock.today()
    child = actions.register_dependant(
        name="张小",
        id_number=new_id_number(date(today.year - 10, 1, 1)),
        relation="child",
        agreed=True,
        guardian_consent=True,
        by=verified.user,
    )
    row = ask(verified.user, dependant=child)
    actions.approve_eligibility(eligibility=row, by=clerk)

    assert eligible_groups(verified.user, child, on=today) == {"student", "minor"}
    assert eligible_groups(verified.user, on=today) == frozenset()


@pytest.mark.parametrize(
    ("day", "groups"),
    [(date(2026, 6, 14), set()), (date(2026, 6, 15), {"senior"})],
)
def test_sixty_counts_from_the_birthday(
    citizen: User, day: date, groups: set[str]
) -> None:
    actions.verify_identity(
        name="王五", id_number=new_id_number(date(1966, 6, 15)), agreed=True, by=citizen
    )

    assert eligible_groups(citizen, on=day) == groups


def test_what_ran_out_is_marked_once(
    verified: VerifiedIdentity, clerk: User, told: list[str]
) -> None:
    row = ask(verified.user)
    actions.approve_eligibility(eligibility=row, by=clerk)
    day_after = row.expires_on + timedelta(days=1)

    with time_machine.travel(clock.at(row.expires_on, 1439)):
        tasks.expire_eligibilities()
    row.refresh_from_db()
    assert row.state == "approved"

    with time_machine.travel(clock.at(day_after, 0)):
        tasks.expire_eligibilities()
        tasks.expire_eligibilities()
        actions.expire_eligibility(eligibility=Eligibility(pk=row.pk, state="approved"))
    row.refresh_from_db()
    assert row.state == "expired"
    assert told.count("accounts.eligibility.expired") == 1


@pytest.mark.parametrize("days", [-1, 0, 1])
def test_the_predicate_agrees_in_sql_and_python(
    verified: VerifiedIdentity, clerk: User, days: int
) -> None:
    row = ask(verified.user)
    actions.approve_eligibility(eligibility=row, by=clerk)
    day = row.expires_on + timedelta(days=days)

    in_sql = Eligibility.objects.in_force_on(day).filter(pk=row.pk).exists()

    assert in_sql == row.is_in_force_on(day)
