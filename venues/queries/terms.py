"""What a venue asks of those who book, in words."""

from __future__ import annotations

from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from bureau.common.fields import clock_text
from bureau.common.sports import Sport
from bureau.common.words import listed
from venues.models import Booking, Quota, Venue
from venues.models.rules import PriceGroup
from venues.queries.rules import house_rules


def bands_ahead(
    booking: Booking, *, starts_at: datetime, at: datetime
) -> list[tuple[datetime, int]]:
    """(until when, percent that comes back): what can still be used."""
    return [
        (until, percent)
        for until, percent in booking.bands_for(starts_at)
        if until > at
    ]


def booking_terms(venue: Venue, *, today: date) -> list[str]:
    """One sentence a rule: when days open, what is kept, how much one may book."""
    days = ngettext(
        "Bookable %(days)s day ahead; the next day opens at %(time)s.",
        "Bookable %(days)s days ahead; the next day opens at %(time)s.",
        venue.days_ahead,
    )
    time = clock_text(venue.releases_at)
    told = [days % {"days": venue.days_ahead, "time": time}]
    if venue.lead_minutes:
        notice = _("On line until %(minutes)s minutes before the start.")
        told.append(notice % {"minutes": venue.lead_minutes})
    if venue.walk_in_percent:
        share = _(
            "%(percent)s %% of the courts are kept for window and telephone until "
            "%(minutes)s minutes before the start."
        )
        told.append(
            share
            % {
                "percent": venue.walk_in_percent,
                "minutes": venue.walk_in_until_minutes,
            }
        )
    return [*told, *map(quota_in_words, house_rules(venue, today=today).quotas)]


def quota_in_words(quota: Quota) -> str:
    """Such as `All venues, badminton, students: at most 2 hours a day`."""
    about = [str(quota.venue) if quota.venue_id else _("all venues")]
    if quota.sport:
        about.append(str(Sport(quota.sport).label))
    if quota.group:
        about.append(str(PriceGroup(quota.group).label))
    most = []
    if quota.most_minutes:
        most.append(minutes_in_words(quota.most_minutes))
    if quota.most_bookings:
        bookings = ngettext("%(n)s booking", "%(n)s bookings", quota.most_bookings)
        most.append(bookings % {"n": quota.most_bookings})
    words = _("%(about)s: at most %(most)s %(per)s per person.")
    return words % {
        "about": listed(about),
        "most": listed(most),
        "per": quota.per_label,
    }


def minutes_in_words(minutes: int) -> str:
    """120 -> "2 hours", 90 -> "90 minutes"."""
    if minutes % 60:
        return ngettext("%(n)s minute", "%(n)s minutes", minutes) % {"n": minutes}
    hours = minutes // 60
    return ngettext("%(n)s hour", "%(n)s hours", hours) % {"n": hours}
