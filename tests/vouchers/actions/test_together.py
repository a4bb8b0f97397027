"""First vouchers go a short way, which gives what the long one gives, and no more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group
from django.db.models import Sum
from django.forms import model_to_dict

from bureau.accounts.models import User, VerifiedIdentity
from bureau.audit.models import Entry
from bureau.common import clock
from bureau.regions.models import District
from tests import make as city
from tests.promises import broken_promises
from tests.vouchers import make
from tests.vouchers.claiming import facts_of, first_claim, lot_under, session_of
from vouchers.actions import claims, together
from vouchers.errors.claiming import AlreadyClaimed, NotEligible, SignedOut
from vouchers.models import Campaign, Lot, StockShard, Terms, Transfer, Voucher

pytestmark = pytest.mark.django_db

NOON = "2026-11-20 12:00+08:00"


def is_given(lot: Lot, person: User, session: str | None = None) -> bool:
    """By the short way."""
    asked = first_claim(facts_of(lot), person, session)
    if asked is None:
        return False
    together._ask([asked])
    return asked.voucher_id is not None


def born(day: date, **given: Any) -> User:
    person = city.verified(**given)
    VerifiedIdentity.objects.filter(user=person).update(birth_on=day)
    return person


def test_it_writes_what_the_long_way_writes() -> None:
    with time_machine.travel(NOON, tick=False):
        short, long = make.lot(), make.lot()
        one, other = city.verified(masked_name="李*"), city.verified(masked_name="李*")
        assert is_given(short, one)
        claims.give(
            facts_of(long),
            person_id=other.pk,
            session=session_of(other),
            at=clock.now(),
            where=claims.Where("d" * 16, "n" * 16),
        )
    written = [
        (
            _plain(Voucher.objects.get(person=person)),
            _plain(Transfer.objects.get(kind="claim", by=person)),
            _plain(Entry.objects.get(event="vouchers.voucher.claimed", actor=person)),
        )
        for person in (one, other)
    ]
    assert written[0] == written[1]
    details = [entry.detail for entry in Entry.objects.filter(actor__in=[one, other])]
    assert sorted(detail["lot"] for detail in details) == [short.pk, long.pk]
    assert {detail["way"] for detail in details} == {"rush"}
    for lot in (short, long):
        assert lot.shards.aggregate(left=Sum("remaining"))["left"] == 99
    assert broken_promises(of="vouchers") == []


def _plain(row: Any) -> dict[str, Any]:
    """What does not differ from row to row."""
    own = {"id", "code", "campaign", "tier", "lot", "terms", "person", "by", "actor"}
    own |= {"debit", "credit", "voucher", "subject_id", "detail"}
    fields = [field.name for field in row._meta.concrete_fields]
    every = {**model_to_dict(row), **{name: getattr(row, name) for name in fields}}
    return {name: every[name] for name in fields if name not in own}


def unverified(_lot: Lot) -> tuple[User, str]:
    person = city.citizen()
    return person, session_of(person)


def inactive(_lot: Lot) -> tuple[User, str]:
    person = city.verified()
    User.objects.filter(pk=person.pk).update(is_active=False)
    return person, session_of(person)


def signed_out(_lot: Lot) -> tuple[User, str]:
    return city.verified(), "nothere"


def too_late(_lot: Lot) -> tuple[User, str]:
    person = city.verified()
    return person, session_of(person, hours=0)


def holder(lot: Lot) -> tuple[User, str]:
    person = city.verified()
    make.voucher(lot, person=person)
    return person, session_of(person)


@pytest.mark.parametrize(
    ("who", "told"),
    [
        (unverified, NotEligible),
        (inactive, SignedOut),
        (signed_out, SignedOut),
        (too_late, SignedOut),
        (holder, AlreadyClaimed),
    ],
)
def test_who_may_not_is_not_given_one_and_hears_why_on_the_long_way(
    who: Callable[[Lot], tuple[User, str]], told: type[Exception]
) -> None:
    with time_machine.travel(NOON, tick=False):
        lot = make.lot()
        person, session = who(lot)
        before = Voucher.objects.count()
        assert not is_given(lot, person, session)
        with pytest.raises(told):
            claims.give(
                facts_of(lot), person_id=person.pk, session=session, at=clock.now()
            )
    assert Voucher.objects.count() == before


@pytest.mark.parametrize(
    ("born_on", "may"),
    [
        (date(2008, 11, 20), True),  # 18 today
        (date(2008, 11, 21), False),
        (date(1966, 11, 21), True),  # 60 tomorrow
        (date(1966, 11, 20), True),  # 60 today
        (date(1965, 11, 20), False),  # 61 today
        (date(1965, 11, 21), True),
    ],
)
def test_ages_are_full_years_on_the_day_in_china(born_on: date, *, may: bool) -> None:
    # Seven in the evening of the day before, in London.
    with time_machine.travel("2026-11-20 03:00+08:00", tick=False):
        lot = lot_under(least_age=18, most_age=60)
        assert is_given(lot, born(born_on)) is may
        assert _long_way_gives(lot, born(born_on)) is may


def _long_way_gives(lot: Lot, person: User) -> bool:
    try:
        claims.give(facts_of(lot), person_id=person.pk, at=clock.now())
    except NotEligible:
        return False
    return True


@pytest.mark.parametrize(("prefix", "may"), [("3708", True), ("3701", False)])
def test_the_place_of_the_id_counts(prefix: str, *, may: bool) -> None:
    assert is_given(lot_under(id_prefixes=[prefix]), city.verified()) is may


def test_staff_with_roles_go_the_long_way_which_notes_their_roles() -> None:
    person = city.verified()
    person.groups.add(Group.objects.get_or_create(name="merchant_clerk")[0])
    assert not is_given(make.lot(), person)


def test_a_campaign_that_was_closed_in_this_second_gives_nothing() -> None:
    lot = make.lot()
    asked = first_claim(facts_of(lot), city.verified())
    assert asked is not None
    Campaign.objects.update(state=Campaign.State.CLOSED, closed_at=clock.now())
    together._ask([asked])
    assert asked.voucher_id is None


def test_rules_that_were_published_in_this_second_are_asked_the_long_way() -> None:
    lot = make.lot()
    asked = first_claim(facts_of(lot), city.verified())
    assert asked is not None
    Terms.objects.create(
        campaign=lot.tier.campaign,
        version=2,
        valid_days=1,
        published_at=clock.now(),
        reason="x",
    )
    together._ask([asked])
    assert asked.voucher_id is None


@pytest.mark.parametrize(
    "rules",
    [{"needs_place": True}, {"most_fen": make.FACE_FEN - 1}, {"districts": [1]}],
)
def test_rules_that_ask_more_of_everybody_are_asked_the_long_way(
    rules: dict[str, Any],
) -> None:
    if "districts" in rules:
        rules = {"districts": [District.objects.first() or city.district()]}
    assert first_claim(facts_of(lot_under(**rules)), city.verified()) is None


def test_without_a_session_it_is_the_long_way() -> None:
    assert first_claim(facts_of(make.lot()), city.verified(), "") is None


def test_a_party_takes_from_a_shard_that_has_enough_for_all_of_them() -> None:
    lot = make.lot()
    StockShard.objects.filter(lot=lot).update(remaining=1)
    StockShard.objects.filter(lot=lot, shard=11).update(remaining=3)
    facts = facts_of(lot)
    party = [one for _n in range(3) if (one := first_claim(facts, city.verified()))]
    together._ask(party)
    assert [one.left_in_shard for one in party] == [0, 0, 0]
    assert StockShard.objects.get(lot=lot, shard=11).remaining == 0
    assert Voucher.objects.filter(pk__in=[one.voucher_id for one in party]).count() == 3


def test_a_party_for_which_no_shard_has_enough_is_given_nothing() -> None:
    lot = make.lot()
    StockShard.objects.filter(lot=lot).update(remaining=1)
    facts = facts_of(lot)
    party = [one for _n in range(2) if (one := first_claim(facts, city.verified()))]
    together._ask(party)
    assert [one.voucher_id for one in party] == [None, None]
    assert not Voucher.objects.exists()


def test_who_may_not_does_not_keep_the_others_from_theirs() -> None:
    facts = facts_of(make.lot(amount=160))
    people = [city.verified(), city.citizen(), city.verified()]
    party = [one for person in people if (one := first_claim(facts, person))]
    together._ask(party)
    assert [one.voucher_id is not None for one in party] == [True, False, True]
    assert Voucher.objects.count() == 2
