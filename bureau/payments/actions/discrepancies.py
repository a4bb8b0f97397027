from __future__ import annotations

import logging

from django.db import transaction

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.payments.errors import DiscrepancyResolved
from bureau.payments.models import Discrepancy, Payment

logger = logging.getLogger(__name__)


@transaction.atomic
def note_discrepancy(
    *,
    kind: str,
    provider: str,
    provider_ref: str,
    number: str,
    amount_fen: int,
    payment: Payment | None = None,
) -> Discrepancy:
    """Put money that nothing explains before the staff, once."""
    now = clock.now()
    found, is_new = Discrepancy.objects.get_or_create(
        kind=kind,
        provider=provider,
        provider_ref=provider_ref,
        defaults={
            "number": number[:64],
            "amount_fen": amount_fen,
            "payment": payment,
            "found_at": now,
        },
    )
    if is_new:
        logger.error("unexplained money: %s %s %s", kind, provider, provider_ref)
        record("payments.discrepancy.found", subject=found, by=None, at=now)
    return found


@transaction.atomic
def resolve_discrepancy(
    *, discrepancy: Discrepancy, note: str, by: User | None
) -> Discrepancy:
    """Say what the money was. Raises `DiscrepancyResolved` when somebody has."""
    now = clock.now()
    resolved = Discrepancy.objects.filter(pk=discrepancy.pk, resolved_at=None).update(
        resolved_at=now, resolved_by=by, note=note
    )
    if resolved != 1:
        raise DiscrepancyResolved
    discrepancy.refresh_from_db()
    record(
        "payments.discrepancy.resolved",
        subject=discrepancy,
        by=by,
        at=now,
        detail={"note": note},
    )
    return discrepancy
