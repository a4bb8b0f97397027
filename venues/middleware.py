"""The short way for the one request that everybody sends when prime time opens."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from time import monotonic

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.utils.http import http_date
from rest_framework.authentication import CSRFCheck

from bureau.accounts.queries import person_in_session
from bureau.common import clock, codes
from bureau.common.db import is_outage
from bureau.common.errors import DomainError
from bureau.common.trusted import note_answer, trust_connection
from venues import queries
from venues.models import Booking
from venues.views.bookings import book, remember_refusal, take, to_the_cashier

_ADDRESS = re.compile(r"/venues/([-a-zA-Z0-9_]+)/book/", re.ASCII)
_FORM = "application/x-www-form-urlencoded"
_MOST_BYTES = 8192
_NEVER = "max-age=0, no-cache, no-store, must-revalidate, private"

Handler = Callable[[HttpRequest], HttpResponse]


class BookingLane:
    """Send who books straight on to the cashier (docs/adr/0016).

    It stands behind what every answer needs (headers, request id, language) and before
    what it does itself: session, person, venue and CSRF, as strictly, in one question.
    It only ever says yes. Whatever else there is to say (sign in, sold, a damaged form,
    for a family member) is said by the view, behind all the others. So who asks for
    what was refused to somebody a moment ago goes there at once.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.csrf = CSRFCheck(get_response)
        self.sessions = import_module(settings.SESSION_ENGINE).SessionStore()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        found = request.method == "POST" and _ADDRESS.fullmatch(request.path_info)
        if (
            found
            and not _refused.is_remembered(request)
            and _is_plain(request)
            and self._is_ours(request)
        ):
            trust_connection()
            try:
                booking = self._book(request, codes.normalise(found[1]))
            except DatabaseError as error:
                if not is_outage(error):
                    raise
                # The view asks a new connection, or says that there is none. A booking
                # that was made all the same it finds by the form's own key.
                connection.close_if_unusable_or_obsolete()
                return self.get_response(request)
            note_answer()
            if booking:
                return _sent_on(request, booking)
        return self.get_response(request)

    def _is_ours(self, request: HttpRequest) -> bool:
        """Whether a page of ours sent it: Django's own check."""
        self.csrf.process_request(request)
        return self.csrf.process_view(request, book, (), {}) is None

    def _book(self, request: HttpRequest, code: str) -> Booking | None:
        key = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        asked = queries.venue_in_session(code, session_key=key, at=clock.now())
        if asked is None:
            return None
        venue, session_data, likely = asked
        person = person_in_session(self.sessions.decode(session_data), likely=likely)
        if person is None or person.is_staff:  # an auditor is stopped on the long way
            return None
        try:
            return take(request, venue, person, None)
        except DomainError as refusal:
            remember_refusal(request, refusal)
            _refused.remember(request)
            return None


class _Refused:
    """Addresses, slots and all, that were refused to somebody a moment ago.

    In the memory of the process. It says which way to take, and nothing else.
    """

    seconds, most = 10.0, 1000

    def __init__(self) -> None:
        self.until: dict[str, float] = {}

    def remember(self, request: HttpRequest) -> None:
        if len(self.until) >= self.most:
            self.until.clear()
        self.until[_whole_address(request)] = monotonic() + self.seconds

    def is_remembered(self, request: HttpRequest) -> bool:
        return monotonic() < self.until.get(_whole_address(request), 0.0)


def _whole_address(request: HttpRequest) -> str:
    return f"{request.path_info}?{request.META.get('QUERY_STRING', '')}"


_refused = _Refused()


def _is_plain(request: HttpRequest) -> bool:
    """A small form, for the person who sends it."""
    request.get_host()  # refuses a host that is not ours, as CommonMiddleware does
    length = request.META.get("CONTENT_LENGTH") or ""
    return (
        request.content_type == _FORM
        and length.isdigit()
        and int(length) <= _MOST_BYTES
        and "for" not in request.GET
    )


def _sent_on(request: HttpRequest, booking: Booking) -> HttpResponse:
    """The view's answer, with the headers of the middleware that was not asked."""
    if settings.METRICS_TOKEN:
        request.resolver_match = resolve(request.path_info)
    response = to_the_cashier(booking)
    # What `never_cache` makes of an answer that says nothing else about it.
    response["Expires"] = http_date()
    response["Cache-Control"] = _NEVER
    response["Vary"] = "Cookie"
    response["Content-Length"] = "0"
    return response
