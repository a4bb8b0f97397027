"""Bookings as iCalendar (RFC 5545), for the calendar on a phone."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from icalendar import Calendar, Event, Timezone, TimezoneStandard

from bureau.common import clock
from venues.queries import CalendarEntry, EntryKind

TYPE = "text/calendar; charset=utf-8"
REFRESH = timedelta(hours=1)
"""How often a subscribed calendar should look again."""


def as_icalendar(entries: Iterable[CalendarEntry], *, name: str) -> bytes:
    """A calendar of these entries. It names nobody: no booker, no companion."""
    calendar = Calendar()
    calendar.add("prodid", "-//Sports bureau//Bookings//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    calendar.add("x-wr-timezone", "Asia/Shanghai")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    calendar.add_component(_china())
    for entry in entries:
        calendar.add_component(_event(entry))
    return bytes(calendar.to_ical())


def _china() -> Timezone:
    """One offset all year, since there is no summer time (1991)."""
    zone = Timezone()
    zone.add("tzid", "Asia/Shanghai")
    standard = TimezoneStandard()
    standard.add("dtstart", datetime(1991, 9, 15))  # noqa: DTZ001 - a local time
    standard.add("tzoffsetfrom", timedelta(hours=8))
    standard.add("tzoffsetto", timedelta(hours=8))
    standard.add("tzname", "CST")
    zone.add_component(standard)
    return zone


def _event(entry: CalendarEntry) -> Event:
    booking, venue = entry.booking, entry.venue
    event = Event()
    event.add("uid", _uid(entry))
    event.add("sequence", entry.sequence)
    event.add("dtstamp", _changed_at(entry))
    event.add("dtstart", entry.starts_at.astimezone(clock.CHINA))
    event.add("dtend", entry.ends_at.astimezone(clock.CHINA))
    event.add("summary", _summary(entry))
    event.add("location", f"{venue.display_name}, {venue.display_address}")
    event.add("geo", (venue.location.y, venue.location.x))
    event.add("url", f"{settings.PUBLIC_URL}{entry.address}")
    event.add("description", _description(entry))
    event.add("status", _status(entry))
    event.add("transp", "TRANSPARENT" if entry.is_cancelled else "OPAQUE")
    event.add("categories", [booking.number])
    return event


def _uid(entry: CalendarEntry) -> str:
    """The same for the life of a booking, also when its time changes."""
    part = f"-{entry.part + 1}" if entry.part else ""
    host = urlsplit(settings.PUBLIC_URL).hostname or "localhost"
    return f"{entry.booking.number}{part}@{host}"


def _changed_at(entry: CalendarEntry) -> datetime:
    return entry.booking.cancelled_at or entry.booking.created_at


def _summary(entry: CalendarEntry) -> str:
    words = f"{entry.venue.display_name} · {', '.join(entry.courts)}"
    if entry.is_cancelled:
        return _("Cancelled: %(what)s") % {"what": words}
    if entry.kind is EntryKind.OFFER:
        return _("Offer: %(what)s") % {"what": words}
    if entry.is_to_be_paid:
        return _("To be paid: %(what)s") % {"what": words}
    return words


def _description(entry: CalendarEntry) -> str:
    booking = entry.booking
    lines = [_("Booking %(number)s") % {"number": booking.number}]
    if entry.is_to_be_paid and booking.hold_until:
        until = {"until": clock.at_text(booking.hold_until)}
        lines.append(_("Held for you until %(until)s.") % until)
    elif entry.kind is EntryKind.TOGETHER:
        lines.append(_("You play along, with an entry pass of your own."))
    if entry.venue.phone:
        lines.append(_("Telephone %(phone)s") % {"phone": entry.venue.phone})
    return "\n".join(lines)


def _status(entry: CalendarEntry) -> str:
    if entry.is_cancelled:
        return "CANCELLED"
    return "TENTATIVE" if entry.is_to_be_paid else "CONFIRMED"
