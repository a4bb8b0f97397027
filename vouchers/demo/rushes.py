"""Rushes that are over: who came, whose turn came when, who got what."""

from __future__ import annotations

import heapq
from datetime import datetime, timedelta

from bureau.common.demo import DemoCity
from vouchers.demo.campaigns import DemoCampaign
from vouchers.demo.people import Claimant, Crowd
from vouchers.demo.rows import Rows
from vouchers.models import Lot, QueueTicket, Round, Voucher

A_ROUND = 2
"""How many vouchers the rules give a person in a round."""
WANTED = ((3, 2, 1, 0), (2, 3, 1, 0), (1, 0, 2, 3), (0, 1, 2, 3))
"""Orders of preference over the tiers …"""
PEOPLE_WHO_WANT_IT = (35, 20, 30, 15)
"""… and how many of a hundred have each."""


def first_and_second(
    city: DemoCity, made: DemoCampaign, rows: Rows, crowd: Crowd
) -> None:
    senior = crowd.senior
    for number in (1, 2):
        rush = _Rush(city, made, rows, number)
        if number == 2:
            rush.comes(senior, wants=(0, 1))
        rush.run(city.dice.sample(crowd.others, k=950))


def third(city: DemoCity, made: DemoCampaign, rows: Rows, crowd: Crowd) -> None:
    rush = _Rush(city, made, rows, 4)
    rush.comes(crowd.student, wants=(2, 1))
    rush.comes(crowd.senior, wants=(1, 0))
    rush.run(city.dice.sample(crowd.others, k=640))


def earlier(city: DemoCity, made: DemoCampaign, rows: Rows, crowd: Crowd) -> None:
    _Rush(city, made, rows, 1).run(city.dice.sample(crowd.others, k=420))


class _Rush:
    """One rush; nobody gets more than the rules give, and all is gone at the end."""

    def __init__(
        self, city: DemoCity, made: DemoCampaign, rows: Rows, number: int
    ) -> None:
        self.city, self.rows = city, rows
        self.round: Round = made.round(number)
        self.lots = {made.tiers.index(lot.tier): lot for lot in made.lots[number]}
        self.left = {place: lot.amount for place, lot in self.lots.items()}
        self.got: dict[int, set[int]] = {}
        self.waiting: list[tuple[datetime, int, Claimant, tuple[int, ...]]] = []

    def comes(self, who: Claimant, *, wants: tuple[int, ...] = ()) -> None:
        """A person joins the waiting room, most of them before the opening.

        Who is to be shown with certain vouchers has luck with the turn.
        """
        city, opens_at = self.city, self.round.opens_at
        early = bool(wants) or city.chance(0.93)
        joined_at = opens_at + timedelta(
            seconds=-city.between(5, 1700) if early else city.between(25, 900)
        )
        ticket = QueueTicket(
            round=self.round,
            person=who.user,
            place=city.dice.getrandbits(57 if wants else 62),
            joined_at=joined_at,
        )
        self.rows.tickets.append(ticket)
        turn = ticket.turn_at(opens_at, self.round.spread_seconds)
        # A person sees the button and taps it: a second, or some more.
        at = turn + timedelta(seconds=0.4 + city.dice.expovariate(1 / 2.2))
        self._queue(at, who, wants or self._wants())

    def run(self, others: list[Claimant]) -> None:
        for who in others:
            self.comes(who)
        while self.waiting:
            at, _tie, who, wants = heapq.heappop(self.waiting)
            self._claim(at, who, wants)
        self._later(others)
        made_at = self.round.opens_at - timedelta(minutes=1)
        self.round.laid_out_at = made_at
        self.round.ended_at = self.round.closes_at + timedelta(seconds=40)
        self.round.save(update_fields=["laid_out_at", "ended_at"])

    def _wants(self) -> tuple[int, ...]:
        order = self.city.dice.choices(WANTED, PEOPLE_WHO_WANT_IT)[0]
        return tuple(place for place in order if place in self.lots)

    def _queue(self, at: datetime, who: Claimant, wants: tuple[int, ...]) -> None:
        heapq.heappush(self.waiting, (at, who.user.pk, who, wants))

    def _claim(self, at: datetime, who: Claimant, wants: tuple[int, ...]) -> None:
        place = next((place for place in wants if self._can_have(who, place)), None)
        if place is None:
            return
        self._give(at, who, place)
        if len(self.got[who.user.pk]) < A_ROUND:
            again = timedelta(seconds=2 + self.city.dice.expovariate(1 / 4))
            self._queue(at + again, who, wants)

    def _can_have(self, who: Claimant, place: int) -> bool:
        return (
            self.left[place] > 0
            and place not in self.got.get(who.user.pk, set())
            and self.rows.may_claim(who, self.lots[place].tier)
        )

    def _give(self, at: datetime, who: Claimant, place: int) -> Voucher:
        self.left[place] -= 1
        self.got.setdefault(who.user.pk, set()).add(place)
        lot: Lot = self.lots[place]
        return self.rows.claim(who, lot, at, Voucher.Way.RUSH)

    def _later(self, others: list[Claimant]) -> None:
        """What the first minutes left over goes during the day."""
        at = self.round.opens_at + timedelta(minutes=20)
        for who in others:
            for place in self.lots:
                if len(self.got.get(who.user.pk, ())) < A_ROUND and self._can_have(
                    who, place
                ):
                    at += timedelta(seconds=self.city.between(5, 90))
                    self._give(at, who, place)
        for place, left in self.left.items():
            # Nobody may have more: what is over was never part of this round.
            self.lots[place].amount -= left
            self.lots[place].save(update_fields=["amount"])
