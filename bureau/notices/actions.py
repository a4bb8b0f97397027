from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import QuerySet

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import insert
from bureau.common.tasks import after_commit
from bureau.notices import emails, tasks
from bureau.notices.errors import NecessaryNotice
from bureau.notices.models import Channel, Delivery, Mute, Notice, kind_named
from bureau.notices.querysets import NoticeQuerySet

MAX_TRIES = 8
LEASE = timedelta(minutes=2)  # longer than any sender's time-out
PATIENCE = timedelta(seconds=30)  # a fresh delivery is already queued by its action
BATCH = 1000


def notify(
    *,
    recipient: User,
    kind: str,
    context: dict[str, Any],
    subject: models.Model | None,
    at: datetime,
) -> Notice:
    """Write a notice into the outbox. Call it inside the transaction of its reason.

    `context` holds the values of the texts as plain JSON (dates and datetimes become
    ISO text); the texts are rendered when they are shown or sent, in the recipient's
    language. `at` is the moment of the reason.
    """
    (notice,) = notify_each(
        kind=kind, messages=[Message(recipient, context, subject)], at=at
    )
    return notice


@dataclass(frozen=True)
class Message:
    """Whom to tell, the values of the texts, and what it is about."""

    recipient: User
    context: dict[str, Any]
    subject: models.Model | None


# Without a savepoint: it is a part of its reason, and fails with it.
@transaction.atomic(savepoint=False)
def notify_each(
    *, kind: str, messages: Sequence[Message], at: datetime
) -> list[Notice]:
    """`notify` many people of one kind of thing, with as many questions as for one."""
    if not messages:
        return []
    known = kind_named(kind)
    notices = [
        Notice(
            recipient=message.recipient,
            kind=known.name,
            context=message.context,
            subject_type=message.subject._meta.label_lower if message.subject else "",
            subject_id=message.subject.pk if message.subject else None,
            importance=known.importance,
            created_at=at,
        )
        for message in messages
    ]
    insert(*notices)
    muted = set[tuple[int, str]]()
    if known.channels and not known.necessary:
        recipients = {notice.recipient_id for notice in notices}
        mutes = Mute.objects.filter(user__in=recipients, kind=known.name)
        muted = set(mutes.values_list("user_id", "channel"))
    deliveries = [
        Delivery(notice=notice, channel=channel, next_try_at=at)
        for notice in notices
        for channel in known.channels
        if (notice.recipient_id, channel) not in muted
        and address_of(notice.recipient, channel)
    ]
    if deliveries:
        insert(*deliveries)
    for delivery in deliveries:
        after_commit(tasks.send_delivery, delivery_id=delivery.pk)
    return notices


def address_of(user: User, channel: Channel) -> str:
    """Where a channel reaches a person; empty when it does not."""
    return (user.phone or "") if channel is Channel.SMS else user.email


def send_delivery(*, delivery_id: int) -> bool:
    """Try one delivery. False when it is not due, another worker has it, or it failed.

    Not in a transaction: nothing outside is called inside one.
    """
    now = clock.now()
    delivery = _claim(delivery_id, now)
    if delivery is None:
        return False
    mine = Delivery.objects.filter(
        pk=delivery.pk, state=Delivery.State.WAITING, tries=delivery.tries
    )
    try:
        emails.send(delivery)
    except emails.PASSING as error:
        mine.update(
            next_try_at=now + delivery.wait_after(delivery.tries),
            error=f"{type(error).__name__}: {error}"[:200],
        )
        return False
    except emails.REFUSED as error:
        mine.update(
            state=Delivery.State.FAILED, next_try_at=None, error=str(error)[:200]
        )
        return False
    mine.update(
        state=Delivery.State.SENT, sent_at=clock.now(), next_try_at=None, error=""
    )
    return True


def _claim(delivery_id: int, now: datetime) -> Delivery | None:
    """Take a due delivery for this worker, for as long as its back-off lasts."""
    due = Delivery.objects.due_at(now).filter(tries__lt=MAX_TRIES)
    delivery = due.select_related("notice__recipient").filter(pk=delivery_id).first()
    if delivery is None:
        return None
    lease = max(LEASE, delivery.wait_after(delivery.tries + 1))
    taken = due.filter(pk=delivery_id, tries=delivery.tries).update(
        tries=delivery.tries + 1, next_try_at=now + lease
    )
    if not taken:
        return None
    delivery.tries += 1
    return delivery


def sweep_deliveries() -> int:
    """Queue what a crash or a failure left behind, and give up on the hopeless.

    Many may run it at once: each delivery is claimed again when it is sent. How many
    were queued comes back.
    """
    now = clock.now()
    Delivery.objects.due_at(now).filter(tries__gte=MAX_TRIES).update(
        state=Delivery.State.FAILED, next_try_at=None
    )
    due = Delivery.objects.due_at(now - PATIENCE).order_by("next_try_at", "pk")
    waiting = list(due.values_list("pk", flat=True)[:BATCH])
    for delivery_id in waiting:
        tasks.send_delivery.delay(delivery_id=delivery_id)
    return len(waiting)


@transaction.atomic
def retry_deliveries(*, deliveries: QuerySet[Delivery], by: User) -> int:
    """Give what was given up another round of tries; how many there were comes back."""
    now = clock.now()
    given_up = Delivery.objects.given_up().filter(pk__in=deliveries.values("pk"))
    found = list(given_up.select_for_update(of=("self",)).order_by("pk"))
    for delivery in found:
        delivery.state, delivery.tries = Delivery.State.WAITING, 0
        delivery.next_try_at = now
        delivery.save(update_fields=["state", "tries", "next_try_at"])
        record("notices.delivery.retried", subject=delivery, by=by, at=now)
        after_commit(tasks.send_delivery, delivery_id=delivery.pk)
    return len(found)


@transaction.atomic
def mark_read(*, notices: NoticeQuerySet, by: User) -> int:
    """Mark a person's own notices as read; how many were unread comes back."""
    unread = notices.visible_to(by).unread()
    return unread.update(read_at=clock.now())


@transaction.atomic
def set_mutes(*, user: User, muted: set[tuple[str, str]]) -> None:
    """Keep exactly these (kind, channel) pairs muted.

    Raises `NecessaryNotice` for a kind that cannot be muted.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if any(kind_named(kind).necessary for kind, _channel in muted):
        raise NecessaryNotice
    now_muted = Mute.objects.of(user)
    before = set(now_muted.values_list("kind", "channel"))
    for kind, channel in before - muted:
        now_muted.filter(kind=kind, channel=channel).delete()
    Mute.objects.bulk_create(
        Mute(user=user, kind=kind, channel=channel)
        for kind, channel in sorted(muted - before)
    )
    if before != muted:
        record(
            "notices.mute.changed",
            subject=user,
            by=user,
            at=clock.now(),
            detail={"muted": [f"{kind}:{channel}" for kind, channel in sorted(muted)]},
        )
