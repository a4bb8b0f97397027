from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction

from bureau.accounts.models import User, VerifiedIdentity
from bureau.audit.models import record
from bureau.common import clock, codes, sealed
from bureau.common.db import constraint_errors
from bureau.draws import sportdraw
from bureau.draws.errors import (
    AlreadyEntered,
    BadGroup,
    BadSubject,
    BadWeight,
    DrawClosed,
    UnknownPool,
)
from bureau.draws.models import Draw, DrawEntry, Pool
from bureau.draws.signals import entered_by_staff

SALT_BYTES = 16
_NUMBER = re.compile(r"[0-9A-Z]{18}", re.ASCII)  # a person's, or a business's


@dataclass(frozen=True)
class Receipt:
    """What the citizen keeps: with it anybody can check the draw for this person."""

    entry: DrawEntry
    entry_id: str
    salt: str  # 32 hex digits
    weight: int


@transaction.atomic
def enter(
    *,
    draw: Draw,
    pool: str,
    id_number: str,
    person: User | None = None,
    weight: int = 1,
    group_size: int = 1,
    by: User | None,
    at: datetime | None = None,
) -> Receipt:
    """Put a person or a business into a draw, once.

    `pool` is the prefix of a pool; `id_number` is the resident ID or the credit code
    that one entry each is counted by; `person` is the account that sees the entry.

    Raises `DrawClosed`, `UnknownPool`, `BadWeight`, `BadGroup`, `AlreadyEntered`.
    """
    at = at or clock.now()
    draw = _held_open(draw)
    if not draw.takes_entries_at(at):
        raise DrawClosed
    found = Pool.objects.filter(draw=draw, prefix=pool).first()
    if found is None:
        raise UnknownPool
    if not 1 <= weight <= sportdraw.MAX_WEIGHT:
        raise BadWeight
    groups = draw.has_groups
    most = min(sportdraw.MAX_GROUP, found.quota) if groups else 1
    if not 1 <= group_size <= max(most, 1):
        raise BadGroup
    id_number = id_number.strip().upper()
    salt = secrets.token_bytes(SALT_BYTES)
    entry = DrawEntry(
        draw=draw,
        pool=found,
        person=person,
        subject=sealed.fingerprint(id_number, purpose="draw-subject"),
        entry_id=sportdraw.id_of(
            prefix=found.prefix,
            random_part=codes.new_code(sportdraw.RANDOM_PART),
            group_size=group_size if groups else None,
        ),
        salt_sealed=sealed.seal(salt.hex()),
        commit=sportdraw.commit_of(salt=salt, id_number=id_number),
        weight=weight,
        group_size=group_size,
        entered_at=at,
    )
    with constraint_errors(draws_entry_one_per_subject=AlreadyEntered):
        entry.save(force_insert=True)
    record(
        "draws.entry.entered",
        subject=entry,
        by=by,
        at=at,
        detail={"draw": draw.draw_id, "entry": entry.entry_id, "weight": weight},
    )
    return Receipt(entry, entry.entry_id, salt.hex(), weight)


@transaction.atomic
def enter_all(
    *, draw: Draw, pool: str, id_numbers: Iterable[str], by: User
) -> list[Receipt]:
    """Put everybody on a list into a draw, or nobody; who is in already stays.

    Whoever has an account with this ID number sees the entry there. Returns the
    receipts of the new ones. Raises `BadSubject`, what `enter` raises, and the refusal
    of an app whose draw this is.
    """
    entered_by_staff.send(sender=Draw, draw=draw)
    numbers = list(dict.fromkeys("".join(one.split()).upper() for one in id_numbers))
    for number in numbers:
        if not _NUMBER.fullmatch(number):
            raise BadSubject(text=number[:20])
    marks = {sealed.fingerprint(one, purpose="id-number"): one for one in numbers}
    known = VerifiedIdentity.objects.filter(fingerprint__in=marks)
    people = {marks[one.fingerprint]: one.user for one in known.select_related("user")}
    at = clock.now()
    receipts = []
    for number in numbers:
        with suppress(AlreadyEntered):
            receipts.append(
                enter(
                    draw=draw,
                    pool=pool,
                    id_number=number,
                    person=people.get(number),
                    by=by,
                    at=at,
                )
            )
    return receipts


@transaction.atomic
def withdraw(*, entry: DrawEntry, by: User | None, at: datetime | None = None) -> None:
    """Take an entry out while entries are open; the person may enter again.

    Raises `DrawClosed`.
    """
    at = at or clock.now()
    draw = _held_open(entry.draw)
    if not draw.takes_entries_at(at):
        raise DrawClosed
    record(
        "draws.entry.withdrawn",
        subject=entry,
        by=by,
        at=at,
        detail={"draw": draw.draw_id, "entry": entry.entry_id},
    )
    DrawEntry.objects.filter(pk=entry.pk).delete()


def receipt_of(entry: DrawEntry) -> Receipt:
    """The receipt once more, for its person."""
    salt = sealed.unseal(entry.salt_sealed)
    return Receipt(entry, entry.entry_id, salt, entry.weight)


def _held_open(draw: Draw) -> Draw:
    """The draw as it is now; it cannot be frozen before this transaction has ended.

    Entries do not wait for each other: they share this lock. The freeze waits for all.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM draws_draw WHERE id = %s FOR KEY SHARE", [draw.pk]
        )
    return Draw.objects.get(pk=draw.pk)
