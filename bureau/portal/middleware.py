from __future__ import annotations

import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from csp.constants import SELF, UNSAFE_EVAL, UNSAFE_INLINE
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    QueryDict,
)
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme

from bureau.portal import failures, metrics

Handler = Callable[[HttpRequest], HttpResponse]
logger = logging.getLogger(__name__)


class RequestMetrics:
    """Count requests and their time for Prometheus, where a token for it is set."""

    def __init__(self, get_response: Handler) -> None:
        if not settings.METRICS_TOKEN:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        begun = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        metrics.count_request(
            view=match.view_name if match else "",
            method=request.method or "",
            status=response.status_code,
            seconds=time.perf_counter() - begun,
        )
        return response


class BodyLimit:
    """Refuse a body larger than any form of ours may be, before anybody reads it.

    Django counts form fields but not files, and a JSON parser reads all it is sent.
    """

    # A browser that still sends shows "connection reset" in place of our answer, so a
    # body that is merely too large is read to its end and dropped.
    drained_bytes = 64 * 1024 * 1024
    chunk_bytes = 64 * 1024

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            length = 0
        if length <= self._allowed(request):
            return self.get_response(request)
        if length <= self.drained_bytes:
            while request.read(self.chunk_bytes):
                pass
        return failures.too_large(request)

    def _allowed(self, request: HttpRequest) -> int:
        if request.content_type == "multipart/form-data":
            return settings.UPLOAD_MAX_BYTES
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE


class ReadingPreferences:
    """`?mode=elder` and `?lang=en` on any page: remember it and show the page again.

    A link is enough, so it works without script and without a form's token.
    """

    year = 60 * 60 * 24 * 365

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "GET":
            return self.get_response(request)
        asked = QueryDict(mutable=True)
        asked.update(request.GET)
        chosen = {}
        if asked.get("mode") in {"elder", "standard"}:
            chosen["mode"] = str(asked.pop("mode")[-1])
        if asked.get("lang") in dict(settings.LANGUAGES):
            chosen["lang"] = str(asked.pop("lang")[-1])
        if not chosen or request.path.startswith("/api/"):
            return self.get_response(request)
        # One slash only: "//other.example" would be another host.
        path = "/" + request.path.lstrip("/\\")
        response = HttpResponseRedirect(f"{path}?{asked.urlencode()}".rstrip("?"))
        if "mode" in chosen:
            self._remember(response, "mode", chosen["mode"])
        if "lang" in chosen:
            self._remember(response, settings.LANGUAGE_COOKIE_NAME, chosen["lang"])
        return response

    def _remember(self, response: HttpResponse, name: str, value: str) -> None:
        response.set_cookie(
            name,
            value,
            max_age=self.year,
            secure=settings.BEHIND_TLS,
            httponly=True,
            samesite="Lax",
        )


class Unavailable:
    """Tell a person that the database or Redis is away, as a 503 and not as a bug."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, error: Exception
    ) -> HttpResponse | None:
        return (
            failures.unavailable(request, error) if failures.is_outage(error) else None
        )


class WrongMethod:
    """Give a person who opens a form's address a page, where Django answers nothing."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if isinstance(response, HttpResponseNotAllowed):
            return failures.wrong_method(request, allowed=response["Allow"])
        return response


class BackToTheForm:
    """Lead who has to sign in first back to the page with the form, not to its address.

    A form that was sent after signing out, in another tab or at the end of a session,
    leads to the page of signing in, and that would open the form's address by GET.
    Where it was sent from says the browser, for pages of this portal alone.
    """

    doors = ("account_login", "account_staff_login")

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "POST" and isinstance(response, HttpResponseRedirect):
            door, _mark, query = response.url.partition("?")
            asked = QueryDict(query, mutable=True)
            to_itself = asked.get("next") == request.get_full_path()
            page = _sent_from(request)
            if page and to_itself and door in map(reverse, self.doors):
                asked["next"] = page
                response["Location"] = f"{door}?{asked.urlencode(safe='/')}"
        return response


def _sent_from(request: HttpRequest) -> str:
    """The page of ours that a form was on; empty where nobody says it."""
    given = request.META.get("HTTP_REFERER", "")
    if not url_has_allowed_host_and_scheme(given, {request.get_host()}):
        return ""
    page = urlsplit(given)
    return f"{page.path}?{page.query}" if page.query else page.path


class UnreadableAddress:
    """Answer 400 for a staff page's address that asks the database what it cannot read.

    The lists of Django's admin hand on what the address says, `?state=%00` or a year
    of thirty digits, and meet the refusal of the database or of Python only there.
    """

    prefix = "/admin/"

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, error: Exception
    ) -> HttpResponse | None:
        if request.path.startswith(self.prefix) and failures.is_unreadable(error):
            logger.warning("unreadable: %s", type(error).__name__, exc_info=error)
            return failures.bad_request(request, error)
        return None


class LooserPolicy:
    """Let the pages that other people wrote run; ours keep the strict policy.

    The staff pages (django-unfold) are built on Alpine, which evaluates expressions in
    attributes, and they write styles into attributes, as does Swagger in /api/v1/docs/.
    Both are for signed-in staff and developers. Pictures of other origins stay those
    that the strict policy allows (map tiles).
    """

    loosened = {
        "/admin/": {
            "script-src": [SELF, UNSAFE_EVAL, UNSAFE_INLINE],
            "style-src": [SELF, UNSAFE_INLINE],
        },
        "/api/v1/docs/": {"style-src": [SELF, UNSAFE_INLINE]},
    }

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for prefix, directives in self.loosened.items():
            if request.path.startswith(prefix) and response.status_code < (
                HTTPStatus.INTERNAL_SERVER_ERROR
            ):
                # What django-csp's own decorators set.
                setattr(response, "_csp_replace", directives)  # noqa: B010
                setattr(response, "_csp_update", {"img-src": ["data:"]})  # noqa: B010
        return response
