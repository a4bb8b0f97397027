from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bureau.common import clock
from tests import make as city
from tests.vouchers import make
from tests.vouchers.claiming import claim, lot_under
from vouchers import actions, queries
from vouchers.errors.claiming import (
    AlreadyClaimed,
    CampaignClosed,
    LobbyNotOpen,
    NoRush,
    NotEligible,
    RoundOver,
)
from vouchers.models import Campaign, Lot, QueueTicket, Round

pytestmark = pytest.mark.django_db


def rush(**given: Any) -> Round:
    """It opens in five minutes; people gather since ten minutes."""
    opens_at = clock.now() + timedelta(minutes=5)
    tier = make.tier()
    made = make.round_of(
        tier.campaign,
        **{"opens_at": opens_at, "lobby_minutes": 15, "spread_seconds": 60, **given},
    )
    Lot.objects.create(round=made, tier=tier, amount=10)
    return made


def test_coming_again_gives_the_same_place() -> None:
    round_, person = rush(), city.verified()
    first = actions.join_queue(round=round_, by=person)
    again = actions.join_queue(round=round_, by=person)
    assert (again.pk, again.place, again.joined_at) == (
        first.pk,
        first.place,
        first.joined_at,
    )
    assert QueueTicket.objects.count() == 1


def test_chance_decides_and_not_the_order_of_coming() -> None:
    round_ = rush()
    places = [
        actions.join_queue(round=round_, by=city.verified()).place for _n in range(64)
    ]
    # 64 in order by chance: once in 10^89. A quarter holds none: once in 10^7.
    assert places != sorted(places)
    quarters = Counter(place * 4 // QueueTicket.PLACES for place in places)
    assert set(quarters) == {0, 1, 2, 3}


def test_turns_are_spread_over_the_seconds_behind_the_opening() -> None:
    round_ = rush()
    ticket = actions.join_queue(round=round_, by=city.verified())
    for place, seconds in ((0, 0), (QueueTicket.PLACES // 4, 15)):
        ticket.place = place
        turn = queries.turn_of(ticket, round_)
        assert turn.at == round_.opens_at + timedelta(seconds=seconds)


def test_late_comers_stand_behind_all_who_were_there() -> None:
    round_ = rush()
    at = round_.opens_at + timedelta(seconds=1)
    late = actions.join_queue(round=round_, by=city.verified(), at=at)
    turn = queries.turn_of(late, round_)
    assert turn.at == round_.opens_at + timedelta(seconds=60)
    later = actions.join_queue(
        round=round_, by=city.verified(), at=at + timedelta(minutes=5)
    )
    assert queries.turn_of(later, round_).at == later.joined_at
    standing = queries.standing_of(late, round_, present=7)
    assert (standing.about, standing.came_late) == (7, True)


def test_the_position_shown_is_about_right() -> None:
    round_ = rush()
    tickets = [
        actions.join_queue(round=round_, by=city.verified()) for _n in range(100)
    ]
    in_order = sorted(tickets, key=lambda ticket: ticket.place)
    present = queries.present_in(round_)
    assert present == 100
    for n, ticket in enumerate(in_order, start=1):
        standing = queries.standing_of(ticket, round_, present=present)
        # The n-th of 100 by chance lies within five standard deviations of n.
        assert abs(standing.about - n) <= 25


def test_before_the_lobby_opens_nobody_comes_in() -> None:
    round_ = rush()
    early = round_.opens_at - timedelta(minutes=15, microseconds=1)
    with pytest.raises(LobbyNotOpen):
        actions.join_queue(round=round_, by=city.verified(), at=early)


def test_when_it_is_over_nobody_comes_in() -> None:
    round_ = rush()
    with pytest.raises(RoundOver):
        actions.join_queue(round=round_, by=city.verified(), at=round_.closes_at)


def test_a_closed_campaign_has_no_queue() -> None:
    round_ = rush()
    Campaign.objects.update(state=Campaign.State.CLOSED, closed_at=clock.now())
    round_ = Round.objects.get(pk=round_.pk)
    with pytest.raises(CampaignClosed):
        actions.join_queue(round=round_, by=city.verified())


def test_a_draw_has_no_queue() -> None:
    campaign = make.campaign()
    now = clock.now()
    drawn = make.round_of(campaign, way="draw", draws_at=now + timedelta(days=3))
    with pytest.raises(NoRush):
        actions.join_queue(round=drawn, by=city.verified())


def test_who_may_not_claim_is_told_before_the_opening() -> None:
    with pytest.raises(NotEligible, match="real name"):
        actions.join_queue(round=rush(), by=city.citizen())
    lot, person = lot_under(most_in_all=1), city.verified()
    claim(lot, person)
    later = make.round_of(lot.tier.campaign)
    Lot.objects.create(round=later, tier=lot.tier, amount=5)
    with pytest.raises(AlreadyClaimed):
        actions.join_queue(round=later, by=person)
