"""Hours into the outbox, and out of it: at least once, and never as two records.

`count_hours` and `send_exports` may run in many workers at once and be killed at any
moment; what they did not finish, the next run does.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from venues.clients.exports import Adapter, ReceiverAway, ReceiverRefused, adapter
from venues.models import ExportRecord
from venues.queries.exports import CountedHour, counted_hours, full_hour, known_hours

BATCH = 100
LEASE = timedelta(minutes=2)  # longer than the receiver's time-outs
PROBLEM_LENGTH = 200


def count_hours(*, at: datetime) -> int:
    """Put the full hours of the last days into the outbox; how many are news.

    An hour that is there already, and was counted differently since (a gate without
    network reported late), gets its next revision and goes out again.
    """
    until = full_hour(at)
    since = until - timedelta(days=settings.EXPORT_DAYS)
    # The outbox first: if somebody corrects it meanwhile, our change of that row is
    # lost (below), and never the newer count.
    known = known_hours(since, until)
    corrected = 0
    fresh = []
    for (venue_id, kind, ends_at), hour in counted_hours(since, until).items():
        found = known.get((venue_id, kind, ends_at))
        if found is None:
            fresh.append(
                ExportRecord(
                    venue_id=venue_id,
                    kind=kind,
                    ends_at=ends_at,
                    came=hour.came,
                    left=hour.left,
                    doors=hour.as_doors,
                    next_try_at=at,
                    counted_at=at,
                )
            )
        elif _differs(found, hour):
            corrected += _correct(found, hour, at=at)
    # Who counts the same hour in this very moment writes the same; one row is enough.
    ExportRecord.objects.bulk_create(fresh, batch_size=1000, ignore_conflicts=True)
    return len(fresh) + corrected


def _differs(found: ExportRecord, hour: CountedHour) -> bool:
    told = (found.came, found.left, found.doors)
    return told != (hour.came, hour.left, hour.as_doors)


@transaction.atomic
def _correct(found: ExportRecord, hour: CountedHour, *, at: datetime) -> int:
    """The next revision, unless another worker wrote it."""
    changed = ExportRecord.objects.filter(pk=found.pk, revision=found.revision).update(
        came=hour.came,
        left=hour.left,
        doors=hour.as_doors,
        revision=F("revision") + 1,
        state=ExportRecord.State.WAITING,
        tries=0,
        next_try_at=at,
        problem="",
        counted_at=at,
    )
    if changed:
        record(
            "venues.export_record.corrected",
            subject=found,
            by=None,
            at=at,
            detail={
                "before": [found.came, found.left],
                "after": [hour.came, hour.left],
                "revision": found.revision + 1,
            },
        )
    return changed


def send_exports(*, most: int = 20 * BATCH) -> int:
    """Hand over what waits, the oldest hours first; how many were taken.

    Does nothing while exports are off. Not in a transaction: nothing outside is called
    inside one. A receiver that is away is tried again later, without end, with growing
    pauses; what it refuses waits for staff.
    """
    way = adapter()
    sent = tried = 0
    while way and tried < most and (batch := _claim(at=clock.now())):
        tried += len(batch)
        try:
            sent += _hand_over(way, batch)
        except ReceiverAway:
            break  # the rest can wait for the next run
    return sent


@transaction.atomic
def _claim(*, at: datetime) -> list[ExportRecord]:
    """Take some due rows of one kind for this worker, for as long as the lease lasts.

    `skip_locked`: what another worker is taking is not ours, and nobody waits.
    """
    due = ExportRecord.objects.due_at(at)
    first = due.oldest_first().select_for_update(skip_locked=True).first()
    if first is None:
        return []
    rows = list(
        due.filter(kind=first.kind)
        .oldest_first()
        .select_for_update(skip_locked=True, of=("self",))
        .select_related("venue__district")[:BATCH]
    )
    ExportRecord.objects.filter(pk__in=[row.pk for row in rows]).update(
        tries=F("tries") + 1, next_try_at=at + LEASE
    )
    for row in rows:
        row.tries += 1
    return rows


def _hand_over(way: Adapter, batch: Sequence[ExportRecord]) -> int:
    """How many were taken. Raises `ReceiverAway`, after it was noted."""
    try:
        way.send(batch[0].kind, batch)
    except ReceiverAway as failed:
        for row in batch:
            _mine(row).update(
                next_try_at=clock.now() + row.wait_after(row.tries),
                problem=str(failed)[:PROBLEM_LENGTH],
            )
        raise
    except ReceiverRefused as refused:
        if len(batch) > 1:
            # One bad record must not hold the good ones up.
            return sum(_hand_over(way, [row]) for row in batch if _renew(row))
        _mine(batch[0]).update(
            state=ExportRecord.State.REFUSED,
            next_try_at=None,
            problem=str(refused)[:PROBLEM_LENGTH],
        )
        return 0
    now = clock.now()
    for row in batch:
        _mine(row).update(
            state=ExportRecord.State.SENT,
            sent_at=now,
            sent_revision=row.revision,
            next_try_at=None,
            problem="",
        )
    return len(batch)


def _mine(row: ExportRecord) -> QuerySet[ExportRecord]:
    """The row as this worker claimed it: not claimed again, not corrected since."""
    return ExportRecord.objects.filter(
        pk=row.pk,
        state=ExportRecord.State.WAITING,
        tries=row.tries,
        revision=row.revision,
    )


def _renew(row: ExportRecord) -> bool:
    return _mine(row).update(next_try_at=clock.now() + LEASE) == 1


@transaction.atomic
def send_again(*, records: QuerySet[ExportRecord], by: User) -> int:
    """Let rows go out once more, whatever became of them; how many there were.

    Under the same id and revision: a receiver that has them drops them.
    """
    now = clock.now()
    chosen = records.order_by().values("pk")
    found = list(
        ExportRecord.objects.filter(pk__in=chosen).select_for_update().order_by("pk")
    )
    for row in found:
        row.state, row.tries, row.next_try_at = ExportRecord.State.WAITING, 0, now
        row.problem = ""
        row.save(update_fields=["state", "tries", "next_try_at", "problem"])
        record(
            "venues.export_record.sent_again",
            subject=row,
            by=by,
            at=now,
            detail={"revision": row.revision},
        )
    return len(found)
