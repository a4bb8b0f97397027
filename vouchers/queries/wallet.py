"""A person's vouchers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Count, Prefetch, Q, QuerySet, Sum
from django.urls import reverse

from bureau.accounts.models import User
from bureau.common import clock, codes
from vouchers.models import Redemption, Round, Voucher
from vouchers.querysets import VoucherQuerySet

State = Voucher.State


def vouchers_of(person: User) -> VoucherQuerySet:
    """One's own, with where they were used (`uses`: none or one)."""
    uses = Redemption.objects.done().select_related("shop").order_by("pk")
    return (
        Voucher.objects.visible_to(person)
        .select_related("campaign", "tier")
        .prefetch_related(Prefetch("redemptions", uses, to_attr="uses"))
    )


def draws_to_come(person: User) -> QuerySet[Round]:
    """Rounds in whose draw a person is, and which are not drawn yet; the next first."""
    return (
        Round.objects.filter(draw__entries__person=person, draw__drawn_at=None)
        .exclude(draw__state="void")
        .select_related("campaign")
        .order_by("draws_at", "pk")
    )


def state_at(voucher: Voucher, at: datetime) -> Voucher.State:
    """What a person should read: one past its last moment is no longer usable.

    The sweep that takes it back comes within minutes.
    """
    state = State(voucher.state)
    return State.EXPIRED if state == State.LIVE and voucher.expires_at <= at else state


@dataclass(frozen=True)
class Kept:
    """A voucher as its person reads it at a moment."""

    voucher: Voucher
    state: Voucher.State
    days_left: int
    """0 on its last day."""

    @property
    def use(self) -> Redemption | None:
        """Where it was used; of one from `vouchers_of`."""
        return next(iter(self.voucher.uses), None)  # type: ignore[attr-defined]


def kept(voucher: Voucher, *, at: datetime) -> Kept:
    last = clock.local_day(voucher.last_moment)
    return Kept(voucher, state_at(voucher, at), (last - clock.local_day(at)).days)


@dataclass(frozen=True)
class Sums:
    """What a wallet holds, at a glance."""

    live: int
    used: int
    ended: int
    worth_fen: int
    """What the live ones take off."""
    saved_fen: int
    """What the used ones took off."""


def sums_of(person: User, *, at: datetime) -> Sums:
    """One question."""
    live = Q(state=State.LIVE, expires_at__gt=at)
    used = Q(state=State.REDEEMED)
    found = Voucher.objects.visible_to(person).aggregate(
        n=Count("pk"),
        live=Count("pk", filter=live),
        used=Count("pk", filter=used),
        worth=Sum("face_fen", filter=live, default=0),
        saved=Sum("face_fen", filter=used, default=0),
    )
    return Sums(
        live=found["live"],
        used=found["used"],
        ended=found["n"] - found["live"] - found["used"],
        worth_fen=found["worth"],
        saved_fen=found["saved"],
    )


@dataclass(frozen=True)
class ProofNow:
    """What a voucher shows at a counter in one half minute."""

    text: str
    """In the QR code."""
    digits: str
    """To be read aloud."""
    seconds_left: int


def proof_now(voucher: Voucher, *, at: datetime) -> ProofNow:
    step = codes.step_at(at)
    proof = codes.proof_of(voucher.code, key=voucher.key, step=step)
    digits = codes.digits_of(voucher.code, key=voucher.key, step=step)
    address = reverse("vouchers:scanned", args=[voucher.code])
    return ProofNow(
        text=f"{settings.PUBLIC_URL}{address}?k={proof}",
        digits=f"{digits[:3]} {digits[3:]}",
        seconds_left=codes.seconds_left(at),
    )
