"""A campaign as it would be published, and how something wrong with it is told."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bureau.common import clock
from vouchers.models import Campaign, DistrictCap, Participation, Round, Terms, Tier

Way = Round.Way
NIGHT = (23 * 60, 7 * 60)


@dataclass(frozen=True)
class Contradiction:
    """`about` tells two of the same kind apart; `key` is what staff confirm."""

    code: str
    sentence: str
    blocks: bool = True
    about: str = ""

    @property
    def key(self) -> str:
        return f"{self.code}:{self.about}" if self.about else self.code


@dataclass(frozen=True)
class Plan:
    """A campaign as it would be published."""

    campaign: Campaign
    terms: Terms
    tiers: list[Tier]
    rounds: list[Round]
    """In the order of their numbers, their lots with them."""
    caps: list[DistrictCap]
    takers: list[Participation]
    has_districts: bool
    """Only some districts may claim."""
    at: datetime

    @property
    def ahead(self) -> list[Round]:
        """Rounds that have not begun; in a draft all of them count."""
        if self.campaign.state == Campaign.State.DRAFT:
            return self.rounds
        return [one for one in self.rounds if one.opens_at > self.at]

    @property
    def ends(self) -> bool:
        rules = self.terms
        limits = (rules.valid_until, rules.valid_hours, rules.valid_days)
        return any(one is not None for one in limits)


Found = Iterable[Contradiction]


def grouped(fen: int) -> str:
    """Yuan as large sums are compared: 1,200,000."""
    return f"{fen / 100:,.2f}".removesuffix(".00")


def warning(code: str, sentence: str, about: object = "") -> Contradiction:
    return Contradiction(code, sentence, blocks=False, about=str(about))


def rush_of(row: Round) -> tuple[datetime | None, datetime | None]:
    if row.way == Way.RUSH:
        return row.opens_at, row.closes_at
    return row.rush_opens_at, row.rush_closes_at


def end_of(row: Round) -> datetime:
    return row.rush_closes_at or row.draws_at or row.closes_at


def claims_of(row: Round) -> tuple[datetime, datetime]:
    """The first and the last moment at which a voucher of it is claimed."""
    instant = timedelta(microseconds=1)
    if row.way == Way.RUSH:
        return row.opens_at, row.closes_at - instant
    drawn = row.draws_at or row.closes_at
    return drawn, (row.rush_closes_at - instant) if row.rush_closes_at else drawn


def is_at_night(moment: datetime) -> bool:
    local = moment.astimezone(clock.CHINA)
    minute = local.hour * 60 + local.minute
    return minute >= NIGHT[0] or minute < NIGHT[1]
