"""What a desk has to know: its drawer, and the money that waits to be paid out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.common import clock
from bureau.common.money import yuan
from bureau.payments.models import CashMovement, ProviderName, Refund
from venues.models import Booking, Venue


@dataclass
class Drawer:
    """What one member of staff took and paid out on a day."""

    person: User
    taken: int = 0
    taken_fen: int = 0
    paid_out: int = 0
    paid_out_fen: int = 0

    @property
    def left_fen(self) -> int:
        return self.taken_fen - self.paid_out_fen


@dataclass
class CashSheet:
    """The drawer of a venue on one day, by member of staff."""

    on: date
    movements: list[CashMovement] = field(default_factory=list)
    drawers: list[Drawer] = field(default_factory=list)

    @property
    def taken_fen(self) -> int:
        return sum(drawer.taken_fen for drawer in self.drawers)

    @property
    def paid_out_fen(self) -> int:
        return sum(drawer.paid_out_fen for drawer in self.drawers)

    @property
    def left_fen(self) -> int:
        return self.taken_fen - self.paid_out_fen


def cash_sheet(venue: Venue, on: date) -> CashSheet:
    movements = list(
        CashMovement.objects.filter(
            till=venue.code,
            moved_at__gte=clock.at(on, 0),
            moved_at__lt=clock.at(on, 1440),
        )
        .select_related("payment", "refund", "moved_by")
        .order_by("moved_at", "pk")
    )
    return CashSheet(on, movements, _drawers(movements))


def _drawers(movements: Iterable[CashMovement]) -> list[Drawer]:
    drawers: dict[int, Drawer] = {}
    for movement in movements:
        person = movement.moved_by
        drawer = drawers.setdefault(person.pk, Drawer(person))
        if movement.fen > 0:
            drawer.taken += 1
            drawer.taken_fen += movement.fen
        else:
            drawer.paid_out += 1
            drawer.paid_out_fen -= movement.fen
    return sorted(drawers.values(), key=lambda drawer: drawer.person.pk)


def refunds_to_pay_out(venue: Venue) -> QuerySet[Refund]:
    """Cash of this venue's bookings that people can collect at the desk."""
    bookings = Booking.objects.filter(venue=venue).values("pk")
    return (
        Refund.objects.filter(
            payment__provider=ProviderName.CASH,
            payment__owner_app="venues",
            payment__owner_model="booking",
            payment__owner_id__in=bookings,
        )
        .exclude(state=Refund.State.DONE)
        .select_related("payment__payer")
        .order_by("created_at", "pk")
    )


def cash_to_collect(user: User) -> list[str]:
    """Money that lies ready for a person must be collected before the account ends."""
    return [
        _("%(amount)s yuan lie ready for you at the desk. Collect them first.")
        % {"amount": yuan(refund.amount_fen)}
        for refund in Refund.objects.filter(
            payment__provider=ProviderName.CASH, payment__payer=user
        )
        .exclude(state=Refund.State.DONE)
        .order_by("pk")
    ]
