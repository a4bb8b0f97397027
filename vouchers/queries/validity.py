"""When a voucher serves, as the rules of its campaign say. Days are days in China."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bureau.common import clock
from bureau.common.fields import DAY
from vouchers.models import Terms


@dataclass(frozen=True)
class Validity:
    """From when until when; half-open, as all periods are."""

    usable_from: datetime
    expires_at: datetime

    @property
    def is_empty(self) -> bool:
        """The rules leave no moment in which it could be used."""
        return self.expires_at <= self.usable_from


def validity_of(terms: Terms, *, claimed_at: datetime) -> Validity:
    """What a voucher claimed at that moment is good for.

    Hours count from the claim, days from its date: "7 days after claiming" is until
    midnight at the end of the seventh day after it. The earliest end counts.
    """
    day = clock.local_day(claimed_at)
    usable_from = clock.at(day, DAY) if terms.from_next_day else claimed_at
    ends = []
    if terms.valid_until is not None:
        ends.append(terms.valid_until)
    if terms.valid_hours is not None:
        ends.append(claimed_at + timedelta(hours=terms.valid_hours))
    if terms.valid_days is not None:
        ends.append(clock.at(day + timedelta(days=terms.valid_days), DAY))
    return Validity(usable_from, min(ends))


def is_redeem_hour(terms: Terms, moment: datetime) -> bool:
    """Whether vouchers are redeemed at that time of the day."""
    local = moment.astimezone(clock.CHINA)
    minute = local.hour * 60 + local.minute
    return terms.redeems_from <= minute < terms.redeems_until


def week_of(day: date) -> date:
    """The Monday that a day's week begins with."""
    return day - timedelta(days=day.weekday())
