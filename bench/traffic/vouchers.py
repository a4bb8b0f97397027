"""Citizens come to a rush and claim, counters redeem and undo, vouchers run out.

Browsers send a form again where no answer came: the claim says the how-manieth of the
person it is, the counter's form carries one key. So nothing may be given or used twice,
and nothing that somebody was told may be gone.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from uuid import uuid4

import requests
from django.conf import settings
from django.db import connections
from django.db.models import Count
from django.urls import reverse

from bench import city, counters, giving
from bench.counters import Clerk
from bench.giving import Claimer
from bench.ledger import Ledger
from bench.wrk import Request
from bureau.common import clock
from vouchers.models import Lot, Redemption, Round, Terms, Transfer, Voucher

STOCK = 150
"""Fewer than people, so that somebody is told that all are gone."""
PEOPLE, COUNTERS = 400, 12
OPENS_IN, RUNS_OUT_IN = 15, 45
"""Seconds: one rush is laid out by the worker, one's vouchers run out meanwhile."""
TRIES, PATIENCE = 6, 15
_TURN = re.compile(r'name="turn" value="([^"]+)"')
_NTH = re.compile(r'name="nth" value="(\d+)"')

_lots: list[Lot] = []
_people: list[Claimer] = []
_clerks: list[Clerk] = []
_turn = count()


def fill() -> None:
    """Three rushes: one is open, one opens soon, one gives vouchers for seconds."""
    soon, brief = giving.lot(amount=STOCK), giving.lot(amount=STOCK)
    _not_yet(soon)
    _for_seconds(brief)
    _lots[:] = [giving.lot(amount=STOCK), soon, brief]
    _people[:] = giving.claimers(PEOPLE)
    _clerks[:] = counters.clerks(COUNTERS, taking=[one.tier.campaign for one in _lots])


def _not_yet(lot: Lot) -> None:
    """Its rush opens in a moment, and its stock is for the worker to lay out."""
    lot.shards.all().delete()
    lot.laid_out = None
    lot.save(update_fields=["laid_out"])
    lot.tier.released = 0
    lot.tier.save(update_fields=["released"])
    Round.objects.filter(pk=lot.round_id).update(
        opens_at=clock.now() + timedelta(seconds=OPENS_IN), laid_out_at=None
    )


def _for_seconds(lot: Lot) -> None:
    """Newer rules: until a moment that comes within the run."""
    now = clock.now()
    Terms.objects.create(
        campaign=lot.tier.campaign,
        version=2,
        reason="chaos",
        published_at=now,
        valid_until=now + timedelta(seconds=RUNS_OUT_IN),
        most_in_all=1,
    )


@dataclass
class Visitor:
    """A person at a time: in front of a rush, and then at a counter."""

    url: str
    ledger: Ledger
    number: int
    http: requests.Session = field(init=False)

    def visit(self) -> None:
        n = next(_turn)
        who, lot = _people[n % len(_people)], _lots[n // len(_people) % len(_lots)]
        self.http = requests.Session()
        self.http.trust_env = False
        code = self._claim(who, lot)
        if code is None:
            return
        self.ledger.promised("claimed", f"{code} {who.person_id} {lot.pk}")
        if secrets.randbelow(10) < 8:
            number = self._redeem(code)
            if number and secrets.randbelow(3) == 0:
                self._undo(number)

    def _claim(self, who: Claimer, lot: Lot) -> str | None:
        cookie = f"{settings.SESSION_COOKIE_NAME}={who.session}"
        cookie = f"{cookie}; {settings.CSRF_COOKIE_NAME}={city.CSRF}"
        page = reverse("vouchers:round", args=[lot.round_id])
        join = reverse("vouchers:join", args=[lot.round_id])
        fields = f"csrfmiddlewaretoken={city.CSRF}"
        self._again(lambda: Request("POST", join, fields, cookie))
        shown = self._again(lambda: Request("GET", page, "", cookie))
        turn = _TURN.search(shown.text) if shown else None
        nth = _NTH.search(shown.text) if shown else None
        if turn is None or nth is None:
            self.ledger.tried("no turn")
            return None
        form = f"lot={lot.pk}&turn={turn[1]}&nth={nth[1]}"
        claim = Request("POST", reverse("vouchers:claim"), form, cookie)
        self.ledger.promised("asked", f"{who.person_id} {lot.pk}")
        said = self._again(lambda: claim)
        if said is None or said.status_code != 201:
            return None
        code: str = json.loads(said.text)["voucher"]
        return code

    def _redeem(self, code: str) -> str | None:
        """Two counters at once sometimes; a lost answer is asked for again."""
        clerk, key = secrets.choice(_clerks), str(uuid4())
        self.ledger.promised("key", key)
        said = self._again(
            lambda: clerk.redeems(code, bill_fen=giving.FACE_FEN, request_key=key)
        )
        where = said.headers.get("Location", "") if said is not None else ""
        number = where.partition("?done=")[2]
        if not number:
            return None
        self.ledger.promised("redeemed", f"{code} {number}")
        self._clerk = clerk
        return number

    def _undo(self, number: str) -> None:
        # From here on the outcome is open until the portal has said what it is.
        self.ledger.promised("undo_asked", number)
        clerk = self._clerk
        said = self._again(lambda: clerk.undoes(number))
        if said is not None and said.status_code == 302:
            self.ledger.promised("undone", number)

    def _again(self, request: Callable[[], Request]) -> requests.Response | None:
        """Send it, again and again while the portal is not there."""
        for _try in range(TRIES):
            said = self._send(request())
            if said is not None and said.status_code < 500:
                return said
            time.sleep(0.7)
        return None

    def _send(self, request: Request) -> requests.Response | None:
        try:
            said = self.http.request(
                request.method,
                self.url + request.path,
                data=request.body or None,
                headers={
                    "Cookie": request.cookie,
                    "Accept": "application/json"
                    if request.path == reverse("vouchers:claim")
                    else "text/html",
                    "Content-Type": "application/x-www-form-urlencoded",
                },
                timeout=PATIENCE,
                allow_redirects=False,
            )
        except requests.RequestException:
            self.ledger.tried("no answer")
            return None
        self.ledger.tried(f"status {said.status_code}")
        return said


# --- Afterwards -----------------------------------------------------------------------


def is_settled() -> bool:
    """What has run out was taken back."""
    try:
        return not Voucher.objects.run_out_at(clock.now()).exists()
    finally:
        connections.close_all()


def compare(ledger: Ledger) -> list[str]:
    """Every promise that is not kept, as a line for a person."""
    return [
        *_claimed_and_gone(ledger),
        *_not_as_told(ledger),
        *_twice(),
        *_never_asked_for(ledger),
    ]


def _claimed_and_gone(ledger: Ledger) -> Iterator[str]:
    stored = {
        f"{code} {person} {lot}"
        for code, person, lot in Voucher.objects.values_list("code", "person", "lot")
    }
    for told in sorted(ledger.all("claimed") - stored):
        yield f"voucher {told} was given, and is not there"


def _not_as_told(ledger: Ledger) -> Iterator[str]:
    rows = Redemption.objects.values_list("number", "state", "voucher__code")
    states = {number: state for number, state, _code in rows}
    stored = {f"{code} {number}" for number, _state, code in rows}
    for told in sorted(ledger.all("redeemed") - stored):
        yield f"redemption {told} was told, and is not there"
    open_still = ledger.all("undo_asked")
    for told in sorted(ledger.all("redeemed")):
        number = told.split()[1]
        if number not in open_still and states.get(number) != Redemption.State.DONE:
            yield f"redemption {number} was told, and does not stand"
    for number in sorted(ledger.all("undone")):
        if states.get(number) != Redemption.State.UNDONE:
            yield f"redemption {number} was undone, and stands"


def _twice() -> Iterator[str]:
    given = Voucher.objects.values("lot", "person").annotate(n=Count("pk"))
    for row in given.filter(n__gt=1):
        yield f"person {row['person']} has {row['n']} vouchers of lot {row['lot']}"
    paid = Transfer.objects.filter(kind=Transfer.Kind.CLAIM).values("voucher")
    for moved in paid.annotate(n=Count("pk")).filter(n__gt=1):
        yield f"voucher {moved['voucher']} was paid for {moved['n']} times"
    out = dict(Lot.objects.annotate(n=Count("vouchers")).values_list("pk", "n"))
    for pk, laid_out in Lot.objects.values_list("pk", "laid_out"):
        if laid_out is not None and out[pk] > laid_out:
            yield f"lot {pk}: {out[pk]} vouchers of {laid_out}"


def _never_asked_for(ledger: Ledger) -> Iterator[str]:
    stored = {
        f"{person} {lot}"
        for person, lot in Voucher.objects.values_list("person", "lot")
    }
    for pair in sorted(stored - ledger.all("asked")):
        yield f"a voucher of {pair}, which nobody asked for"
    keys = [str(k) for k in Redemption.objects.values_list("request_key", flat=True)]
    for key in sorted(set(keys) - ledger.all("key")):
        yield f"a redemption under {key}, which nobody asked for"
    if len(keys) != len(set(keys)):
        yield "one request made two redemptions"
