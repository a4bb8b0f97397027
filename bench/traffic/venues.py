"""Citizens book a court, pay for it, look at it and sometimes give it back.

They do it as a browser does: session, CSRF, forms, redirects. Where no answer comes, a
visitor sends the same form again, as a person does; the form carries one key, so that
this must never book or pay twice.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from uuid import uuid4

import requests
from django.db import connections
from django.db.models import F
from django.urls import reverse

from bench import city
from bench.ledger import Ledger
from bureau.common import clock
from bureau.payments.models import Payment, Refund, SandboxTransaction
from venues.models import Booking

COURTS = 6
HOLD_MINUTES = 1
"""So that what nobody paid for, and money that came late, is settled within the run."""
PATIENCE = 8
TRIES = 6
BEHAVIOURS = ("prompt", "prompt", "prompt", "twice", "delayed", "lost", "forged")
_PAYMENT = re.compile(r"/pay/([0-9A-Z]{16})/")
_BOOKING = re.compile(r"/bookings/([0-9A-Z]+)/")

_places: list[city.Place] = []
_citizens: list[city.Citizen] = []
_turn = count()


def fill() -> None:
    """A small hall, so that people meet, and many people, since each may hold two."""
    hall = city.venue(courts=COURTS, hold_minutes=HOLD_MINUTES)
    _places[:] = [place for place in city.places(hall) if place.starts_at > _soon()]
    _citizens[:] = city.citizens(600)


def _soon() -> datetime:
    return clock.now() + timedelta(hours=3)


@dataclass
class Visitor:
    """One browser after the other, each with another person in front of it."""

    url: str
    ledger: Ledger
    number: int
    http: requests.Session = field(init=False)

    def visit(self) -> None:
        person = _citizens[next(_turn) % len(_citizens)]
        place = secrets.choice(_places)
        self.http = requests.Session()
        self.http.trust_env = False
        self.http.headers["Cookie"] = person.cookie
        key = str(uuid4())
        self.ledger.promised("asked", key)
        number = self._book(place, key)
        if number is None:
            return
        self.ledger.promised("held", number)
        if secrets.randbelow(10) < 8 and self._pay(number):
            self.ledger.promised("paid", number)
            booking = self._await_confirmation(number)
            if booking:
                self.ledger.promised("confirmed", booking)
                if secrets.randbelow(3) == 0:
                    self._cancel(booking)

    def _book(self, place: city.Place, key: str) -> str | None:
        path = reverse("venues:book", args=[place.bookable.venue.code])
        answer = self._post(
            f"{path}?slot={place.key}",
            {"quoted_fen": city.PRICE_FEN, "request_key": key},
        )
        found = _PAYMENT.search(answer.headers.get("Location", "")) if answer else None
        return found[1] if found else None

    def _pay(self, number: str) -> bool:
        """Whether the cashier took the money."""
        chosen = self._post(
            reverse("payments:choose", args=[number]), {"provider": "sandbox"}
        )
        if not chosen or chosen.status_code != 302:
            return False
        paid = self._post(
            reverse("payments:sandbox", args=[number]),
            {
                "outcome": "pay",
                "behaviour": secrets.choice(BEHAVIOURS),
                "delay_seconds": secrets.randbelow(20),
            },
        )
        where = paid.headers.get("Location", "") if paid else ""
        return where == reverse("payments:result", args=[number])

    def _await_confirmation(self, number: str) -> str | None:
        until = time.monotonic() + PATIENCE
        tries = 0
        while time.monotonic() < until:
            path = reverse("payments:result", args=[number])
            answer = self._send("GET", f"{path}?tries={tries}", None)
            where = answer.headers.get("Location", "") if answer else ""
            if found := _BOOKING.search(where):
                shown = self._send("GET", where, None)
                path = reverse("venues:pass", args=[found[1]])
                if shown and shown.status_code == 200 and path in shown.text:
                    return found[1]
            tries += 1
            time.sleep(0.5)
        return None

    def _cancel(self, booking: str) -> None:
        # From here on the outcome is open until the portal has said what it is.
        self.ledger.promised("cancel_asked", booking)
        answer = self._post(reverse("venues:cancel", args=[booking]), {})
        if answer is not None and answer.status_code == 302:
            self.ledger.promised("cancelled", booking)

    def _post(self, path: str, fields: dict[str, object]) -> requests.Response | None:
        """Send a form, again and again while the portal is not there."""
        for _ in range(TRIES):
            answer = self._send(
                "POST", path, fields | {"csrfmiddlewaretoken": city.CSRF}
            )
            if answer is not None and answer.status_code < 500:
                return answer
            time.sleep(0.7)
        return None

    def _send(
        self, method: str, path: str, fields: dict[str, object] | None
    ) -> requests.Response | None:
        try:
            answer = self.http.request(
                method, self.url + path, data=fields, timeout=15, allow_redirects=False
            )
        except requests.RequestException:
            self.ledger.tried("no answer")
            return None
        self.ledger.tried(f"status {answer.status_code}")
        return answer


# --- Afterwards -------------------------------------------------------------


def is_settled() -> bool:
    """Nothing waits for money, a callback, a refund or the end of a hold."""
    try:
        return not (
            Payment.objects.filter(state=Payment.State.DUE).exists()
            or Booking.objects.filter(state=Booking.State.HELD).exists()
            or Refund.objects.exclude(state=Refund.State.DONE).exists()
            or _unsettled_money()
        )
    finally:
        connections.close_all()


def _unsettled_money() -> set[str]:
    """Payments that the provider has the money for, and we do not know of."""
    taken = SandboxTransaction.objects.filter(state=SandboxTransaction.State.PAID)
    numbers = set(taken.values_list("number", flat=True))
    known = Payment.objects.filter(number__in=numbers, state=Payment.State.PAID)
    return numbers - set(known.values_list("number", flat=True))


def compare(ledger: Ledger) -> list[str]:
    """Every promise that is not kept, as a line for a person."""
    return [
        *_held_and_not_there(ledger),
        *_paid_for_nothing(ledger),
        *_not_as_told(ledger),
        *_never_asked_for(ledger),
    ]


def _held_and_not_there(ledger: Ledger) -> Iterator[str]:
    stored = set(Payment.objects.values_list("number", flat=True))
    for number in sorted(ledger.all("held") - stored):
        yield f"payment {number} was promised, and is not there"


def _paid_for_nothing(ledger: Ledger) -> Iterator[str]:
    """Whoever paid has either the court or the money."""
    taken = SandboxTransaction.objects.exclude(paid_at=None)
    numbers = ledger.all("paid") | set(taken.values_list("number", flat=True))
    kept = {
        payment.number: payment
        for payment in Payment.objects.filter(state=Payment.State.PAID)
    }
    stands = set(
        Booking.objects.filter(state=Booking.State.CONFIRMED).values_list(
            "pk", flat=True
        )
    )
    for number in sorted(numbers):
        payment = kept.get(number)
        if payment is None:
            yield f"payment {number} was taken, and is not in the books"
            continue
        money_back = payment.refunded_fen == payment.amount_fen
        if (payment.owner_id in stands) == money_back:
            yield f"payment {number}: neither the court nor the money, or both"


def _not_as_told(ledger: Ledger) -> Iterator[str]:
    states = dict(Booking.objects.values_list("number", "state"))
    for number in sorted(ledger.all("confirmed") - ledger.all("cancel_asked")):
        if states.get(number) != Booking.State.CONFIRMED:
            yield f"booking {number} was confirmed, and is gone"
    for number in sorted(ledger.all("cancelled")):
        if states.get(number) != Booking.State.CANCELLED:
            yield f"booking {number} was cancelled, and still stands"


def _never_asked_for(ledger: Ledger) -> Iterator[str]:
    keys = [str(key) for key in Booking.objects.values_list("request_key", flat=True)]
    for key in sorted(set(keys) - ledger.all("asked")):
        yield f"a booking under {key}, which nobody asked for"
    if len(keys) != len(set(keys)):
        yield "one request made two bookings"
    for number in SandboxTransaction.objects.filter(
        refunded_fen__gt=F("amount_fen")
    ).values_list("number", flat=True):
        yield f"payment {number}: more was paid back than paid"
