"""What becomes of vouchers when somebody deletes their account."""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.common import clock
from bureau.draws import actions as draws
from bureau.draws.models import Draw, DrawEntry
from vouchers.actions.expiry import void_voucher
from vouchers.errors.claiming import VoucherNotLive
from vouchers.models import QueueTicket, Voucher


@transaction.atomic
def give_up_vouchers(user: User) -> None:
    """Cancel what the person could still use; others get it where the rules say so.

    Vouchers that were used stay, as do their redemptions: they are the bureau's proof
    of what it paid, and point at the anonymous row that is left of the person. Where
    the phone was is forgotten, and entries in draws that still take entries are taken
    out.
    """
    now = clock.now()
    live = Voucher.objects.visible_to(user).live_at(now).select_related("terms")
    for voucher in live.order_by("tier", "pk"):
        with suppress(VoucherNotLive):  # used at a counter in this moment
            void_voucher(voucher=voucher, reason=_("The account was deleted."), by=user)
    QueueTicket.objects.of(user).update(district=None)
    waiting = DrawEntry.objects.visible_to(user).filter(
        draw__voucher_round__isnull=False, draw__state=Draw.State.OPEN
    )
    for entry in waiting.select_related("draw").order_by("pk"):
        if entry.draw.takes_entries_at(now):
            draws.withdraw(entry=entry, by=user, at=now)
