"""Who may take how much: quotas and bans, for everything that is booked on line.

The window and the telephone are bound by neither.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bureau.accounts.models import User
from bureau.accounts.queries import eligible_groups
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import try_advisory_lock
from bureau.common.fields import LATEST
from bureau.common.sports import Sport
from bureau.common.words import listed
from venues.actions.slots import PickedSlot, person_key
from venues.errors.conduct import Banned
from venues.errors.rules import QuotaLimitsNothing
from venues.errors.slots import QuotaUsedUp
from venues.models import Booking, BookingChange, BookingLine, Quota, Venue
from venues.queries.conduct import banned_until
from venues.queries.rules import house_rules
from venues.queries.terms import minutes_in_words

Days = tuple[date, date]
"""(first, last)"""
Used = tuple[int, int]
"""(minutes, bookings)"""


@dataclass(frozen=True)
class Limit:
    """What a person may have of a sport in a period, at a venue or in all."""

    venue_id: int | None
    sport: str
    per: str
    minutes: int | None
    bookings: int | None


@dataclass(frozen=True)
class Taken:
    """One slot that the person has, or wants."""

    booking_id: int | None
    venue_id: int
    sport: str
    on: date
    minutes: int


@transaction.atomic
def set_quota(
    *,
    venue: Venue | None,
    sport: str = "",
    group: str = "",
    per: str,
    most_minutes: int | None,
    most_bookings: int | None,
    by: User,
) -> Quota:
    """Say how much one person may book; without a venue, in the whole city.

    Takes the place of a quota for the same people, sport and period. What is booked
    already stays. Raises `QuotaLimitsNothing`.
    """
    if not (most_minutes or most_bookings):
        raise QuotaLimitsNothing
    quota, _created = Quota.objects.update_or_create(
        venue=venue,
        sport=sport,
        group=group,
        per=per,
        defaults={
            "most_minutes": most_minutes or None,
            "most_bookings": most_bookings or None,
        },
    )
    record(
        "venues.quota.set",
        subject=quota,
        by=by,
        at=clock.now(),
        detail={"most_minutes": most_minutes, "most_bookings": most_bookings},
    )
    return quota


@transaction.atomic
def drop_quota(*, quota: Quota, by: User) -> None:
    """Lift a quota."""
    record(
        "venues.quota.dropped",
        subject=quota,
        by=by,
        at=clock.now(),
        detail={"quota": str(quota)},
    )
    quota.delete()


def refuse_banned(person: User, *, at: datetime) -> None:
    """Raise `Banned` for who may not book on line now."""
    if until := banned_until(person, at=at):
        raise Banned(until=clock.at_text(until))


def refuse_over_quota(
    venue: Venue,
    slots: Sequence[PickedSlot],
    *,
    person: User,
    at: datetime,
    booking: Booking | None = None,
    leaving: Collection[int] = (),
) -> None:
    """Raise `QuotaUsedUp` when the slots are more than the person may have.

    What somebody books for their family counts for who books. `booking` is the one
    that the slots come into, and `leaving` are the ids of lines that they replace:
    who has too much already, since a quota became smaller, may still move it.
    Call it behind the person's lock. One question, and none where there is no quota.
    """
    rules = house_rules(venue, today=clock.local_day(at))
    if not rules.quotas:
        return
    limits = _limits_of(person, rules.quotas, on=clock.local_day(at))
    wanted = [
        Taken(
            booking.pk if booking else None,
            venue.pk,
            slot.bookable.sport,
            slot.offer.business_day,
            slot.bookable.slot_minutes,
        )
        for slot in slots
    ]
    periods = [_period(limit.per, one.on) for limit in limits for one in wanted]
    if not periods:
        return
    days = min(first for first, _last in periods), max(last for _f, last in periods)
    has = _has(person, days, at=at)
    stays = [one for line, one in has.items() if line not in leaving]
    for limit in limits:
        for period in {_period(limit.per, one.on) for one in wanted}:
            before = _used(limit, period, has.values())
            _hold_against(limit, _used(limit, period, [*stays, *wanted]), before, venue)


def may_be_offered(
    venue: Venue, slot: PickedSlot, *, person: User, at: datetime
) -> bool:
    """Whether a freed slot may be held for somebody in line.

    The floor is locked already, and people are locked before floor: so where there are
    quotas, somebody who books at this very moment is passed over.
    """
    if banned_until(person, at=at):
        return False
    if not house_rules(venue, today=clock.local_day(at)).quotas:
        return True
    if not try_advisory_lock(person_key(person)):
        return False
    try:
        refuse_over_quota(venue, [slot], person=person, at=at)
    except QuotaUsedUp:
        return False
    return True


def _limits_of(person: User, quotas: Iterable[Quota], *, on: date) -> list[Limit]:
    """The limits for this person, of each place, sport and period one.

    A quota for a group stands in place of everybody's; of several groups the largest.
    """
    of_one_kind: dict[tuple[int | None, str, str], list[Quota]] = {}
    for quota in quotas:
        kind = (quota.venue_id, quota.sport, quota.per)
        of_one_kind.setdefault(kind, []).append(quota)
    groups = (
        eligible_groups(person, on=on)
        if any(quota.group for quota in quotas)
        else frozenset[str]()
    )
    limits = []
    for (venue_id, sport, per), rows in of_one_kind.items():
        own = [row for row in rows if row.group and row.group in groups]
        meant = own or [row for row in rows if not row.group]
        if meant:
            minutes = _largest(row.most_minutes for row in meant)
            bookings = _largest(row.most_bookings for row in meant)
            limits.append(Limit(venue_id, sport, per, minutes, bookings))
    return limits


def _largest(limits: Iterable[int | None]) -> int | None:
    """None is no limit at all."""
    known = list(limits)
    return None if None in known else max(limit for limit in known if limit is not None)


def _period(per: str, on: date) -> Days:
    if per == Quota.Period.DAY:
        return on, on
    if per == Quota.Period.WEEK:
        monday = on - timedelta(days=on.isoweekday() - 1)
        return monday, monday + timedelta(days=6)
    first = on.replace(day=1)
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _has(person: User, days: Days, *, at: datetime) -> dict[int, Taken]:
    """What the person has on these business days, held, booked, or not used, by line.

    Not tickets to open sessions, nor what a club books for its season.
    """
    lines = (
        BookingLine.objects.filter(
            booking__booked_by=person,
            session=None,
            starts_at__gte=clock.at(days[0], 0),
            starts_at__lt=clock.at(days[1], LATEST),
        )
        .filter(
            Q(booking__state__in=[Booking.State.CONFIRMED, Booking.State.NO_SHOW])
            | Q(booking__state=Booking.State.HELD, booking__hold_until__gt=at)
        )
        .filter(
            Q(state=BookingLine.State.STANDING)
            | Q(
                state=BookingLine.State.PENDING,
                arrives_with__state=BookingChange.State.HELD,
                arrives_with__hold_until__gt=at,
            )
        )
        .exclude(booking__channel=Booking.Channel.SERIES)
        .values_list(
            "pk",
            "booking_id",
            "booking__venue_id",
            "bookable__sport",
            "quote__on",
            "starts_at",
            "ends_at",
        )
    )
    return {
        pk: Taken(
            booking_id,
            venue_id,
            sport,
            date.fromisoformat(on) if on else clock.local_day(starts_at),
            int((ends_at - starts_at).total_seconds()) // 60,
        )
        for pk, booking_id, venue_id, sport, on, starts_at, ends_at in lines
    }


def _used(limit: Limit, days: Days, taken: Iterable[Taken]) -> Used:
    """How much of a limit this is, in the period."""
    counted = [
        one
        for one in taken
        if days[0] <= one.on <= days[1]
        and limit.sport in ("", one.sport)
        and limit.venue_id in (None, one.venue_id)
    ]
    minutes = sum(one.minutes for one in counted)
    return minutes, len({one.booking_id for one in counted})


def _hold_against(limit: Limit, after: Used, before: Used, venue: Venue) -> None:
    minutes, bookings = after
    if limit.minutes is not None and minutes > max(limit.minutes, before[0]):
        raise _used_up(limit, minutes_in_words(limit.minutes), venue)
    if limit.bookings is not None and bookings > max(limit.bookings, before[1]):
        most = ngettext("%(n)s booking", "%(n)s bookings", limit.bookings)
        raise _used_up(limit, most % {"n": limit.bookings}, venue)


def _used_up(limit: Limit, most: str, venue: Venue) -> QuotaUsedUp:
    place = str(venue) if limit.venue_id else _("all venues")
    sport = str(Sport(limit.sport).label) if limit.sport else _("all sports")
    per = str(Quota.Period(limit.per).label)
    return QuotaUsedUp(most=most, per=per, scope=listed([place, sport]))
