"""The short way for the one request that everybody sends in the same second."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from bureau.common.http import RequestContext
from vouchers.http import MOST_BYTES, answer_claim, remember_device

CLAIM_PATH = "/vouchers/claim"


class ClaimLane:
    """Answer claims before all other middleware (docs/adr/0013).

    What the others would do for it is done in the claim's own statement (session,
    person, limits) or not needed: the turn token in the body is known to the session's
    own pages only, so no other site can send it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.answer_claim = RequestContext(_answer)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info != CLAIM_PATH or request.method != "POST":
            return self.get_response(request)
        if _length(request) > MOST_BYTES:
            return self.get_response(request)  # which refuses it in words
        return self.answer_claim(request)


def _length(request: HttpRequest) -> int:
    said = request.META.get("CONTENT_LENGTH") or "0"
    return int(said) if said.isdigit() else MOST_BYTES + 1


def _answer(request: HttpRequest) -> HttpResponse:
    response = answer_claim(request)
    remember_device(request, response)
    response["Cache-Control"] = "no-store"
    return response
