"""What a request says about who claims, and the answers to a claim."""

from __future__ import annotations

import secrets
from functools import cache
from http import HTTPStatus
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlencode

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import reverse
from django.utils import translation

from bureau.common import clock, sealed
from bureau.common.db import is_outage
from bureau.common.errors import DomainError
from bureau.common.http import client_ip, origin
from bureau.common.trusted import trust_connection
from vouchers import actions
from vouchers.actions import Where
from vouchers.errors.claiming import Busy, NoSuchLot
from vouchers.queries.lots import remembered_lot

DEVICE_COOKIE = "device"
YEAR = 60 * 60 * 24 * 365
MOST_BYTES = 8192
_HASH_LENGTH = 16


def where_of(request: HttpRequest) -> Where:
    """Keyed hashes of the browser and of the network, for the radar."""
    device = request.COOKIES.get(DEVICE_COOKIE, "")
    return Where(_hashed("device", device[:64]), _hashed("network", _network(request)))


def _network(request: HttpRequest) -> str:
    """An address; of IPv6 the part that belongs to one connection, not one phone."""
    ip = origin().ip or client_ip(request)
    if ip is None or "." in ip:
        return ip or ""
    return ip_address(ip).exploded[:19]  # /64


def _hashed(kind: str, text: str) -> str:
    if not text:
        return ""
    return sealed.fingerprint(text, purpose=f"voucher-{kind}")[:_HASH_LENGTH]


def remember_device(request: HttpRequest, response: HttpResponseBase) -> None:
    """Give a browser a name that tells nothing, so that it is known as the same one."""
    if DEVICE_COOKIE not in request.COOKIES:
        # `set_cookie` also works out `Expires`, which takes longer than all of this.
        response.cookies[DEVICE_COOKIE] = secrets.token_urlsafe(16)
        says = {"path": "/", "max-age": f"{YEAR}", "samesite": "Lax", "httponly": "yes"}
        if settings.BEHIND_TLS:
            says["secure"] = "yes"
        response.cookies[DEVICE_COOKIE].update(says)


def answer_claim(request: HttpRequest) -> HttpResponse:
    """What `POST /vouchers/claim` is answered.

    The form holds `lot`, `turn` (the token of the waiting room) and `nth`. A browser is
    sent on (303), to the voucher or back to the round, which says what `said` names; a
    script that asks for JSON gets it.
    """
    asked = _form(request)
    lot_id = _number(asked.get("lot", ""))
    trust_connection()
    try:
        session = request.COOKIES.get(settings.SESSION_COOKIE_NAME, "")
        claimed = actions.claim_by_token(
            token=asked.get("turn", ""),
            lot_id=lot_id,
            holder=session,
            session=session,
            nth=_number(asked.get("nth", "")),
            at=clock.now(),
            where=where_of(request),
        )
    except DomainError as refusal:
        return _refused(request, refusal, lot_id)
    except Error as error:
        if not is_outage(error):
            raise
        return _refused(request, Busy(), 0)
    address = _address("vouchers:voucher", "0" * 12).replace("0" * 12, claimed.code)
    if _wants_json(request):
        said = {"code": "", "voucher": claimed.code, "url": address}
        return JsonResponse(said, status=HTTPStatus.CREATED)
    return _see(address)


@cache
def _address(name: str, sample: str) -> str:
    return reverse(name, args=[sample])


def _form(request: HttpRequest) -> dict[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        return {name: str(value) for name, value in request.POST.items()}
    # Four times as fast as `request.POST`, and there are no files.
    return dict(parse_qsl(request.body.decode("ascii", "replace")))


def _number(text: str) -> int:
    """A small whole number; 0 for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def _refused(request: HttpRequest, refusal: DomainError, lot_id: int) -> HttpResponse:
    if _wants_json(request):
        language = translation.get_language_from_request(request)
        with translation.override(language):
            said = {"code": refusal.code, "message": str(refusal)}
        return JsonResponse(said, status=refusal.status)
    if isinstance(refusal, (NoSuchLot, Busy)):
        return _see(reverse("vouchers:list"))
    facts = remembered_lot(lot_id)
    if facts is None:
        return _see(reverse("vouchers:list"))
    page = reverse("vouchers:round", args=[facts.round.pk])
    return _see(f"{page}?{urlencode({'said': refusal.code})}")


def _wants_json(request: HttpRequest) -> bool:
    return "application/json" in request.META.get("HTTP_ACCEPT", "")


def _see(address: str) -> HttpResponse:
    response = HttpResponse(status=HTTPStatus.SEE_OTHER)
    response["Location"] = address
    response["Content-Length"] = "0"  # else it comes in one empty chunk
    return response
