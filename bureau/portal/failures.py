"""What a person or a program sees when there is no page to show.

Pages in the reader's language, `{"code", "message"}` under /api/; never a traceback.
They must not need what may be broken: no session, no database, no Redis.
"""

from __future__ import annotations

import logging
import re
import sys
from http import HTTPStatus

import kombu.exceptions
import redis.exceptions
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import (
    RequestDataTooBig,
    TooManyFieldsSent,
    TooManyFilesSent,
)
from django.db import DataError
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from bureau.common import db
from bureau.common.http import origin

logger = logging.getLogger(__name__)

_OUTAGES = (
    redis.exceptions.ConnectionError,
    redis.exceptions.TimeoutError,
    kombu.exceptions.OperationalError,
)
# A NUL in a text (psycopg), and a word where a key is asked for (Django).
_UNREADABLE = re.compile(r"cannot contain NUL|^Field '.*' expected a", re.DOTALL)
_TOO_LARGE = (RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent)


def is_outage(error: BaseException | None) -> bool:
    """Whether the database or Redis did not answer (the request itself was fine)."""
    return db.is_outage(error) or isinstance(error, _OUTAGES)


def is_unreadable(error: BaseException | None) -> bool:
    """Whether what was sent is nothing that can be put to the database at all."""
    if isinstance(error, DataError | OverflowError):
        return True
    return isinstance(error, ValueError) and bool(_UNREADABLE.search(str(error)))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, TooManyFieldsSent):
        # The page asks for its own address, too, and would fail over it once more.
        request.GET = QueryDict()
    if isinstance(exception, _TOO_LARGE):
        return too_large(request)
    return _answer(
        request, HTTPStatus.BAD_REQUEST, "bad_request", _("We could not read this.")
    )


def too_large(request: HttpRequest) -> HttpResponse:
    return _answer(
        request,
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "too_large",
        _("What you sent is too large."),
    )


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _answer(
        request, HTTPStatus.FORBIDDEN, "permission_denied", _("You may not do this.")
    )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001
    return _answer(
        request, HTTPStatus.NOT_FOUND, "not_found", _("There is nothing here.")
    )


def wrong_method(request: HttpRequest, *, allowed: str) -> HttpResponse:
    """A form's address was opened like a page; `allowed` is for programs."""
    response = _answer(
        request,
        HTTPStatus.METHOD_NOT_ALLOWED,
        "method_not_allowed",
        _("This address takes another method."),
    )
    response["Allow"] = allowed
    return response


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001
    """The page was open too long, or the form came from another site."""
    return _answer(
        request,
        HTTPStatus.FORBIDDEN,
        "csrf_failed",
        _("This page was open for too long. Reload it and try again."),
        page="403_csrf.html",
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """The last resort; also meets outages that struck outside of a view."""
    error = sys.exc_info()[1]
    if is_outage(error):
        return unavailable(request, error)
    return _answer(
        request,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "server_error",
        _("Something went wrong on our side."),
    )


def unavailable(request: HttpRequest, error: BaseException | None) -> HttpResponse:
    logger.error("unavailable: %s", type(error).__name__, exc_info=error)
    response = _answer(
        request,
        HTTPStatus.SERVICE_UNAVAILABLE,
        "unavailable",
        _("This service does not answer at the moment. Please try again soon."),
    )
    response["Retry-After"] = "10"
    return response


def _answer(
    request: HttpRequest,
    status: HTTPStatus,
    code: str,
    message: str,
    *,
    page: str = "",
) -> HttpResponse:
    if request.path.startswith("/api/"):
        return JsonResponse({"code": code, "message": message}, status=status)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        # Whoever it is, the page must not ask for a session: its store may be away.
        request.user = AnonymousUser()
        request.session = {}  # type: ignore[assignment]
    context = {"request_id": origin().request_id}
    text = render_to_string(page or f"{status.value}.html", context, request)
    return HttpResponse(text, status=status)
