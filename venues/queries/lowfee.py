"""What the rule on free and low-fee opening lets a price be (the 2021 norm, no. 7)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.utils.translation import gettext as _

from bureau.common.money import yuan
from bureau.common.sports import Sport
from venues.models import Bookable, MarketPrice, PriceRule, Venue
from venues.models.rules import DayType, PriceGroup

MARKET_PERCENT = 70
"""What everybody pays is at most so much of the local market's price."""
ENTITLED_PERCENT = 50
"""What the entitled groups pay is at most so much of it."""
ENTITLED = frozenset(
    {
        PriceGroup.SENIOR.value,
        PriceGroup.DISABLED.value,
        PriceGroup.STUDENT.value,
        PriceGroup.MILITARY.value,
        PriceGroup.FIRE_SERVICE.value,
    }
)


def market_price(sport: str, *, venue: Venue, on: date) -> MarketPrice | None:
    """The reference for a sport on a day: the district's before the city's."""
    return (
        MarketPrice.objects.filter(
            Q(district=None) | Q(district=venue.district_id),
            sport=sport,
            valid_from__lte=on,
        )
        .order_by("district", "-valid_from")  # NULL, the city, sorts last
        .first()
    )


def percent_allowed(group: str) -> int:
    return ENTITLED_PERCENT if group in ENTITLED else MARKET_PERCENT


@dataclass(frozen=True)
class Breach:
    """How a price breaks the rule."""

    words: str

    def __str__(self) -> str:
        return self.words


def breach_of(rule: PriceRule) -> Breach | None:
    """How a price, about to be published or published, breaks the rule; None if not.

    A sport without a market price cannot be judged, and breaks nothing.
    """
    venue = rule.venue
    if not venue.is_low_fee or not rule.price_fen:
        return None
    if rule.day_type == DayType.FITNESS_DAY:
        return Breach(_("8 August is free for everybody."))
    percent = percent_allowed(rule.group)
    for sport, floors in _meant(rule):
        reference = market_price(sport, venue=venue, on=rule.valid_from)
        if reference is None:
            continue
        most = reference.fen_per_hour * floors * percent // 100
        if rule.price_fen > most:
            told = _(
                "%(sport)s: ¥%(price)s an hour is more than ¥%(most)s, "
                "%(percent)s %% of the market price."
            )
            return Breach(
                told
                % {
                    "sport": Sport(sport).label,
                    "price": yuan(rule.price_fen),
                    "most": yuan(most),
                    "percent": percent,
                }
            )
    return None


def _meant(rule: PriceRule) -> Iterable[tuple[str, int]]:
    """(sport, how many courts' worth of floor) that a price is for.

    The market price is for one court; a hall of two halves is worth two.
    """
    if rule.bookable:
        return [(rule.bookable.sport, max(1, rule.bookable.units.count()))]
    if rule.sport:
        return [(rule.sport, 1)]
    courts = Bookable.objects.offered().filter(venue=rule.venue)
    return [(sport, 1) for sport in courts.sports()]
