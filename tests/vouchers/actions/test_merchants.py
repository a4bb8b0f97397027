"""A business applies, is checked, corrected, suspended; what it changes is checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from cryptography.fernet import Fernet
from django.contrib.gis.geos import Point
from django.core.management import call_command
from django.db import IntegrityError, transaction
from pytest_django import Settings

from bureau.accounts.errors import IdentityNeeded
from bureau.accounts.models import Role
from bureau.audit.models import Entry
from bureau.common import clock, sealed
from bureau.common.errors import DomainError, ReasonMissing
from bureau.notices.models import Notice
from bureau.photos.models import Photo
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import business, make
from venues.errors.seasons import CreditCodeWrong
from vouchers import actions
from vouchers.errors.merchants import (
    AccountNumberWrong,
    CampaignOver,
    CapBelowRedeemed,
    ChangeWaiting,
    MerchantApplied,
    MerchantCodeTaken,
    MerchantCorrected,
    MerchantDecided,
    MerchantIsYours,
    MerchantNotApproved,
    NothingChanged,
    PermitMissing,
    PermitOver,
    ShopOutsideCity,
    SportsMissing,
)
from vouchers.models import Account, Campaign, Merchant, MerchantChange, Shop
from vouchers.queries import merchant_work, permit_state, twins_of

pytestmark = pytest.mark.django_db
State = Merchant.State


def kinds_of(merchant: Merchant) -> list[str]:
    person = business.person_of(business.manager_of(merchant))
    rows = Notice.objects.filter(recipient=person).order_by("pk")
    return [
        kind.removeprefix("vouchers.") for kind in rows.values_list("kind", flat=True)
    ]


# --- Applying -------------------------------------------------------------------------


def test_who_applies_is_the_manager_and_the_shop_waits() -> None:
    person = city.verified()
    merchant = business.applied(by=person)
    assert merchant.state == State.APPLIED
    assert business.manager_of(merchant).person == person
    shop = merchant.shops.get()
    assert not shop.is_open
    assert shop.waits_since
    assert list(Shop.objects.taking_vouchers()) == []
    assert sealed.unseal(merchant.sealed_account) == business.ACCOUNT
    assert business.ACCOUNT not in merchant.masked_account
    assert merchant.masked_account == "1608***********3456"
    licence = Photo.objects.about(merchant).get()
    assert licence.purpose == Photo.Purpose.LICENCE
    # A role comes with the approval: nobody becomes one by filling in a form.
    assert not person.has_role(Role.MERCHANT_MANAGER)


def test_only_a_verified_person_applies() -> None:
    with pytest.raises(IdentityNeeded):
        business.applied(by=city.citizen())


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"credit_code": "91370800MA0000001X"}, CreditCodeWrong),
        ({"credit_code": "1"}, CreditCodeWrong),
        ({"sports": ()}, SportsMissing),
        ({"sports": ("climbing",)}, PermitMissing),
        ({"account_number": "1234567"}, AccountNumberWrong),
        ({"account_number": ""}, AccountNumberWrong),
        ({"account_number": "12345678a"}, AccountNumberWrong),
        ({"account_number": "1" * 31}, AccountNumberWrong),
        ({"account_number": "\uff11" * 9}, AccountNumberWrong),
    ],
)
def test_wrong_facts_are_refused(
    wrong: dict[str, Any], refusal: type[DomainError]
) -> None:
    with pytest.raises(refusal):
        business.applied(facts=business.facts(**wrong))
    assert not Merchant.objects.exists()


def test_spaces_in_the_number_of_an_account_are_forgiven() -> None:
    merchant = business.applied(facts=business.facts(account_number="6222 0216-0800 1"))
    assert sealed.unseal(merchant.sealed_account) == "6222021608001"


def test_high_risk_sports_need_a_permit_that_is_valid_and_its_photo() -> None:
    city.district()
    yesterday = business.day_in(-1)
    with pytest.raises(PermitOver):
        business.applied(facts=business.swimming(permit_until=yesterday))
    with pytest.raises(PermitMissing):
        business.applied(facts=business.swimming(), permit=None)
    merchant = business.applied(facts=business.swimming(permit_until=clock.today()))
    assert Photo.objects.about(merchant).count() == 2
    # What the actions promise, the table does, too.
    with pytest.raises(IntegrityError, match="has_its_permit"), transaction.atomic():
        Merchant.objects.update(state=State.APPROVED, permit_number="")


def test_a_permit_is_kept_only_where_a_sport_needs_it() -> None:
    merchant = business.applied(facts=business.swimming(sports=("badminton",)))
    assert (merchant.permit_number, merchant.permit_until) == ("", None)


def test_a_shop_stands_in_the_city() -> None:
    city.district()
    far = business.shop_facts(location=Point(100.0, 20.0, srid=4326))
    with pytest.raises(ShopOutsideCity):
        business.applied(shop=far)
    assert not Merchant.objects.exists()


def test_the_same_person_applies_once_for_a_business() -> None:
    person, facts = city.verified(), business.facts()
    business.applied(by=person, facts=facts)
    with pytest.raises(MerchantApplied):
        business.applied(by=person, facts=facts)


def test_nobody_keeps_a_business_out_by_taking_its_code() -> None:
    facts = business.facts()
    squatter = business.applied(facts=facts)
    owner = business.applied(facts=facts)
    actions.approve_merchant(merchant=owner, by=city.user())
    with pytest.raises(MerchantCodeTaken):
        actions.approve_merchant(merchant=squatter, by=city.user())
    with pytest.raises(MerchantCodeTaken):
        business.applied(facts=facts)
    squatter.refresh_from_db()
    assert squatter.state == State.APPLIED


# --- Deciding -------------------------------------------------------------------------


def test_with_a_business_its_shops_and_roles_are_approved() -> None:
    merchant = business.approved()
    person = business.person_of(business.manager_of(merchant))
    assert merchant.state == State.APPROVED
    assert person.groups.filter(name=Role.MERCHANT_MANAGER).exists()
    assert Shop.objects.taking_vouchers().get() == merchant.shops.get()
    assert kinds_of(merchant) == ["merchant_approved"]
    assert Entry.objects.about(merchant).filter(event__endswith="approved").exists()
    assert broken_promises(of="vouchers") == []


def test_a_refused_business_is_corrected_and_looked_at_again() -> None:
    merchant = business.applied()
    person = business.person_of(business.manager_of(merchant))
    with pytest.raises(ReasonMissing):
        actions.refuse_merchant(merchant=merchant, reason=" ", by=city.user())
    merchant = actions.refuse_merchant(
        merchant=merchant, reason="Photo is dark", by=city.user()
    )
    assert (merchant.state, merchant.reason) == (State.REFUSED, "Photo is dark")
    with pytest.raises(MerchantDecided):
        actions.approve_merchant(merchant=merchant, by=city.user())
    merchant = actions.correct_merchant(
        merchant=merchant,
        facts=business.facts(name="Other", account_number=""),
        licence=business.photo(),
        by=person,
    )
    assert (merchant.state, merchant.name) == (State.APPLIED, "Other")
    assert sealed.unseal(merchant.sealed_account) == business.ACCOUNT
    actions.approve_merchant(merchant=merchant, by=city.user())


def test_staff_decide_about_what_they_have_seen() -> None:
    merchant = business.applied()
    seen = Merchant.objects.get(pk=merchant.pk)
    actions.correct_merchant(
        merchant=merchant, facts=business.facts(), by=merchant.contact
    )
    with pytest.raises(MerchantCorrected):
        actions.approve_merchant(merchant=seen, by=city.user())
    with pytest.raises(MerchantCorrected):
        actions.refuse_merchant(merchant=seen, reason="No", by=city.user())
    # Another shop is something to look at, too.
    seen = Merchant.objects.get(pk=merchant.pk)
    actions.add_shop(
        merchant=merchant, facts=business.shop_facts(), by=merchant.contact
    )
    with pytest.raises(MerchantCorrected):
        actions.approve_merchant(merchant=seen, by=city.user())


def test_a_decision_falls_once() -> None:
    merchant = business.applied()
    actions.approve_merchant(merchant=merchant, by=city.user())
    acts: list[Callable[[], Merchant]] = [
        lambda: actions.approve_merchant(merchant=merchant, by=city.user()),
        lambda: actions.refuse_merchant(merchant=merchant, reason="No", by=city.user()),
        lambda: actions.correct_merchant(
            merchant=merchant, facts=business.facts(), by=merchant.contact
        ),
        lambda: actions.reinstate_merchant(
            merchant=merchant, reason="So", by=city.user()
        ),
    ]
    for act in acts:
        with pytest.raises(MerchantDecided):
            act()


def test_a_suspended_business_takes_nothing_and_comes_back() -> None:
    merchant = business.approved()
    merchant = actions.suspend_merchant(
        merchant=merchant, reason="Fake bills", by=city.user()
    )
    assert (merchant.state, merchant.reason) == (State.SUSPENDED, "Fake bills")
    assert list(Shop.objects.taking_vouchers()) == []
    with pytest.raises(MerchantDecided):
        actions.suspend_merchant(merchant=merchant, reason="x", by=city.user())
    merchant = actions.reinstate_merchant(
        merchant=merchant, reason="Explained", by=city.user()
    )
    assert (merchant.state, merchant.reason) == (State.APPROVED, "")
    assert kinds_of(merchant)[1:] == ["merchant_suspended", "merchant_reinstated"]


def test_a_business_comes_back_only_with_a_permit_in_force() -> None:
    until = business.day_in(10)
    merchant = business.approved(facts=business.swimming(permit_until=until))
    actions.suspend_merchant(merchant=merchant, reason="x", by=city.user())
    later = clock.now() + timedelta(days=12)
    with time_machine.travel(later, tick=False), pytest.raises(PermitOver):
        actions.reinstate_merchant(merchant=merchant, reason="x", by=city.user())


def test_who_leaves_closes_its_shops_and_loses_the_role() -> None:
    campaign = make.campaign()
    merchant = business.approved()
    actions.take_part(merchant=merchant, campaign=campaign, by=city.user())
    person = business.person_of(business.manager_of(merchant))
    actions.leave_as_merchant(merchant=merchant, by=person)
    assert not merchant.shops.filter(is_open=True).exists()
    assert merchant.participations.get().until
    assert not person.groups.filter(name=Role.MERCHANT_MANAGER).exists()
    with pytest.raises(MerchantDecided):
        actions.leave_as_merchant(merchant=merchant, by=person)


# --- Changes --------------------------------------------------------------------------


def same(merchant: Merchant, **given: Any) -> Any:
    """The facts as they are, with some of them changed."""
    names = ("name", "credit_code", "bank_name", "account_name", "permit_number")
    facts = {name: getattr(merchant, name) for name in names}
    facts |= {"permit_until": merchant.permit_until, "account_number": ""}
    return business.facts(sports=tuple(merchant.sports), **(facts | given))


def test_another_account_is_paid_to_after_staff_have_looked() -> None:
    merchant = business.approved()
    change = actions.ask_for_change(
        merchant=merchant,
        facts=same(merchant, account_number="9558820200001234567"),
        by=merchant.contact,
    )
    merchant.refresh_from_db()
    assert sealed.unseal(merchant.sealed_account) == business.ACCOUNT
    with pytest.raises(ChangeWaiting):
        actions.ask_for_change(
            merchant=merchant, facts=same(merchant, name="x"), by=merchant.contact
        )
    assert merchant_work(None) == 1
    change = actions.approve_change(change=change, by=city.user())
    merchant.refresh_from_db()
    assert sealed.unseal(merchant.sealed_account) == "9558820200001234567"
    assert merchant.masked_account.endswith("4567")
    assert merchant_work(None) == 0
    with pytest.raises(MerchantDecided):
        actions.refuse_change(change=change, reason="x", by=city.user())


def test_who_works_for_a_business_does_not_decide_about_it() -> None:
    waiting = business.applied()
    with pytest.raises(MerchantIsYours):
        actions.approve_merchant(merchant=waiting, by=waiting.contact)
    merchant = business.approved()
    insider = merchant.contact
    change = actions.ask_for_change(
        merchant=merchant, facts=same(merchant, name="x"), by=insider
    )
    with pytest.raises(MerchantIsYours):
        actions.approve_change(change=change, by=insider)
    with pytest.raises(MerchantIsYours):
        actions.take_part(merchant=merchant, campaign=make.campaign(), by=insider)
    shop = actions.add_shop(merchant=merchant, facts=business.shop_facts(), by=insider)
    with pytest.raises(MerchantIsYours):
        actions.check_shop(shop=shop, by=insider)
    actions.suspend_merchant(merchant=merchant, reason="x", by=city.user())
    with pytest.raises(MerchantIsYours):
        actions.reinstate_merchant(merchant=merchant, reason="x", by=insider)


def test_who_asked_for_a_change_and_left_does_not_approve_it() -> None:
    merchant = business.approved()
    person = city.user()
    change = actions.ask_for_change(
        merchant=merchant, facts=same(merchant, name="x"), by=person
    )
    with pytest.raises(MerchantIsYours):
        actions.approve_change(change=change, by=person)


def test_a_change_that_changes_nothing_is_refused() -> None:
    merchant = business.approved()
    for facts in (same(merchant), same(merchant, account_number=business.ACCOUNT)):
        with pytest.raises(NothingChanged):
            actions.ask_for_change(merchant=merchant, facts=facts, by=merchant.contact)


def test_a_new_permit_comes_with_its_photo() -> None:
    merchant = business.approved(
        facts=business.swimming(permit_until=business.day_in(5))
    )
    facts = same(merchant, permit_until=business.day_in(400))
    with pytest.raises(PermitMissing):
        actions.ask_for_change(merchant=merchant, facts=facts, by=merchant.contact)
    change = actions.ask_for_change(
        merchant=merchant, facts=facts, permit=business.photo(), by=merchant.contact
    )
    assert Photo.objects.about(change).count() == 1
    actions.approve_change(change=change, by=city.user())
    merchant.refresh_from_db()
    assert merchant.permit_until == business.day_in(400)


def test_a_change_is_refused_with_a_reason_or_taken_back() -> None:
    merchant = business.approved()

    def ask() -> MerchantChange:
        return actions.ask_for_change(
            merchant=merchant, facts=same(merchant, name="New"), by=merchant.contact
        )

    actions.refuse_change(change=ask(), reason="Which name?", by=city.user())
    actions.withdraw_change(change=ask(), by=merchant.contact)
    merchant.refresh_from_db()
    assert merchant.name != "New"
    assert [one.state for one in MerchantChange.objects.order_by("pk")] == [
        "refused",
        "withdrawn",
    ]


def test_a_shop_keeps_only_sports_of_its_business() -> None:
    merchant = business.approved(facts=business.facts(sports=("badminton", "tennis")))
    facts = replace(same(merchant), sports=("tennis",))
    change = actions.ask_for_change(merchant=merchant, facts=facts, by=merchant.contact)
    actions.approve_change(change=change, by=city.user())
    assert merchant.shops.get().sports == ["tennis"]


def test_a_change_needs_an_approved_business() -> None:
    merchant = business.applied()
    with pytest.raises(MerchantNotApproved):
        actions.ask_for_change(
            merchant=merchant, facts=same(merchant, name="x"), by=merchant.contact
        )


# --- Permits --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days", "state"), [(-1, "over"), (0, "ends"), (30, "ends"), (31, "valid")]
)
def test_how_a_permit_stands(days: int, state: str) -> None:
    merchant = make.merchant(
        sports=["swimming"], permit_number="1", permit_until=business.day_in(days)
    )
    assert permit_state(merchant, on=clock.today()) == state


def test_managers_are_told_once_that_a_permit_runs_out() -> None:
    near = business.approved(facts=business.swimming(permit_until=business.day_in(30)))
    far = business.approved(facts=business.swimming(permit_until=business.day_in(31)))
    assert actions.warn_of_permits(at=clock.now()) == 1
    assert actions.warn_of_permits(at=clock.now()) == 0
    assert kinds_of(near)[-1] == "permit_ends"
    assert kinds_of(far)[-1] == "merchant_approved"
    assert Notice.objects.filter(kind="vouchers.permit_ends").get().text("sms")
    # Another last day is told again.
    assert actions.warn_of_permits(at=clock.now() + timedelta(days=1)) == 1


# --- Campaigns ------------------------------------------------------------------------


def test_taking_part_opens_accounts_and_may_change_the_cap() -> None:
    campaign, merchant = make.campaign(), business.approved()
    part = actions.take_part(
        merchant=merchant,
        campaign=campaign,
        cap_fen=100_000_00,
        is_large=True,
        by=city.user(),
    )
    merchant.refresh_from_db()
    assert merchant.is_large
    assert Account.objects.filter(merchant=merchant).count() == 2
    again = actions.take_part(
        merchant=merchant, campaign=campaign, cap_fen=300_000_00, by=city.user()
    )
    assert (again.pk, again.cap_fen) == (part.pk, 300_000_00)
    assert kinds_of(merchant).count("merchant_takes_part") == 1
    actions.end_part(part=part, reason="Fake bills", by=city.user())
    with pytest.raises(MerchantDecided):
        actions.end_part(part=part, reason="Fake bills", by=city.user())
    part = actions.take_part(merchant=merchant, campaign=campaign, by=city.user())
    assert part.until is None


def test_a_cap_is_not_below_what_was_redeemed() -> None:
    campaign = make.campaign()
    merchant = make.merchant()
    make.take_part(merchant, campaign, redeemed_fen=200_00)
    with pytest.raises(CapBelowRedeemed):
        actions.take_part(
            merchant=merchant, campaign=campaign, cap_fen=199_99, by=city.user()
        )


def test_only_approved_businesses_take_part_in_open_campaigns() -> None:
    with pytest.raises(MerchantNotApproved):
        actions.take_part(
            merchant=business.applied(), campaign=make.campaign(), by=city.user()
        )
    closed = make.campaign()
    Campaign.objects.filter(pk=closed.pk).update(
        state=Campaign.State.CLOSED, closed_at=clock.now()
    )
    closed.refresh_from_db()
    with pytest.raises(CampaignOver):
        actions.take_part(merchant=business.approved(), campaign=closed, by=city.user())


# --- What staff compare ---------------------------------------------------------------


def test_staff_see_what_two_businesses_have_in_common() -> None:
    first = business.approved()
    twin = business.applied(facts=business.facts())
    assert [(one.merchant, one.same) for one in twins_of(twin)] == [
        (first, "the account")
    ]


def test_numbers_of_accounts_follow_a_new_key(settings: Settings) -> None:
    merchant = business.approved()
    change = actions.ask_for_change(
        merchant=merchant, facts=same(merchant, name="x"), by=merchant.contact
    )
    old = list(settings.SEAL_KEYS)
    settings.SEAL_KEYS = [Fernet.generate_key().decode(), *old]
    sealed._box.cache_clear()
    try:
        call_command("reseal", stdout=StringIO())
        settings.SEAL_KEYS = settings.SEAL_KEYS[:1]
        sealed._box.cache_clear()
        for row in (merchant, change):
            row.refresh_from_db()
            assert sealed.unseal(row.sealed_account) == business.ACCOUNT
    finally:
        settings.SEAL_KEYS = old
        sealed._box.cache_clear()
