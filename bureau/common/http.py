"""What every request carries: an id, an address, and honest log lines."""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation

_REQUEST_ID = re.compile(r"[0-9a-zA-Z\-]{8,64}")


@dataclass(frozen=True)
class Origin:
    """Where a change came from. Outside a request (a task, a command) it is empty."""

    request_id: str = ""
    ip: str | None = None


_NOWHERE = Origin()
_origin: ContextVar[Origin] = ContextVar("origin", default=_NOWHERE)


def origin() -> Origin:
    """The request that is being answered, for the audit trail and the logs."""
    return _origin.get()


def client_ip(request: HttpRequest) -> str | None:
    """The caller's address.

    `X-Forwarded-For` is believed only as far as the number of our own proxies
    (`BUREAU_PROXIES`) says, counted from the right; the rest is the caller's own words.
    """
    address = request.META.get("REMOTE_ADDR", "")
    if settings.PROXIES:
        hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
        address = hops[-min(settings.PROXIES, len(hops))].strip() or address
    try:
        return str(ip_address(address))
    except ValueError:
        return None


class RequestContext:
    """Give each request an id, and hand it back in `X-Request-ID`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Not `request.headers`, which would read all of them.
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        token = _origin.set(Origin(request_id, client_ip(request)))
        # What is refused before the language is known speaks the city's own, and not
        # that of who was served before by this thread.
        translation.deactivate()
        try:
            response = self.get_response(request)
        finally:
            _origin.reset(token)
        response["X-Request-ID"] = request_id
        return response


class RequestLogFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = origin().request_id
        return True


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": getattr(record, "request_id", ""),
        }
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
