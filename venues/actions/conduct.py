"""No-shows with due process: release, points, bans, appeals, excuses.

Points are given in the transaction of their reason; bans by a sweep within a minute,
behind the person's lock. So whoever gives points never waits for a person, and the
order of locks stays: payments → (person) and (unit, day) → booking → passes.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.audit.models import record
from bureau.common import clock
from bureau.common.db import advisory_locks
from bureau.common.errors import DomainError, ReasonMissing
from bureau.common.money import yuan
from bureau.notices.actions import notify
from venues.actions.changes import drop_held_change
from venues.actions.floor import lock_booking, lock_lines, wanted_of
from venues.actions.invoices import lower_invoice
from venues.actions.money import lock_payments, pay_back
from venues.actions.slots import free_lines
from venues.actions.telling import tell
from venues.actions.waiting import offer_freed
from venues.errors.conduct import (
    AlreadyAppealed,
    AlreadyDecided,
    AlreadyExcused,
    AppealTooLate,
    BanNotInForce,
    NotANoShow,
    RuleInThePast,
)
from venues.models import (
    Appeal,
    Ban,
    Booking,
    BookingLine,
    ConductPoint,
    ConductRule,
    EntryPass,
    OfflineScan,
    WaitingEntry,
)
from venues.queries import conduct

EXCUSE_LENGTH = 200


# --- Nobody came ------------------------------------------------------------------


def mark_no_shows(*, at: datetime, most: int = 500) -> int:
    """Release the bookings to which nobody came in time; how many.

    Safe to run by many workers at once: each booking is marked once.
    """
    due = conduct.due_no_shows(at=at, most=most)
    return sum(mark_no_show(booking_id=booking_id, at=at) for booking_id in due)


@transaction.atomic
def mark_no_show(*, booking_id: int, at: datetime) -> bool:
    """Nobody came: the floor is free again, the money stays, points are given.

    False when the booking is not due (any more): somebody came in this very moment, or
    another worker was quicker.
    """
    booking = Booking.objects.select_related("venue", "booked_by").get(pk=booking_id)
    lock_payments(booking)
    lines = lock_lines(booking)
    booking = lock_booking(booking)
    # A gate that is letting somebody in holds the row of the pass until it is done.
    passes = EntryPass.objects.filter(booking=booking)
    states = [found.state for found in passes.select_for_update().order_by("pk")]
    if EntryPass.State.USED in states or not conduct.is_due(booking_id, at=at):
        return False
    drop_held_change(booking, at=at, by=None)
    passes.live().update(state=EntryPass.State.REVOKED)
    booking.state = Booking.State.NO_SHOW
    booking.save(update_fields=["state"])
    free_lines(lines)
    record("venues.booking.no_show", subject=booking, by=None, at=at)
    _give_points(booking, ConductPoint.Reason.NO_SHOW, at=at)
    offer_freed(booking.venue, wanted_of(lines), at=at)
    return True


def note_late_cancel(
    booking: Booking, lines: Iterable[BookingLine], *, at: datetime
) -> None:
    """Points for a whole booking given back when nothing of it came back any more.

    Call it inside the transaction that cancelled it. A venue that never promised
    anything back knows no late cancellation.
    """
    if not booking.cancel_terms or booking.state != Booking.State.CANCELLED:
        return
    percents = (
        booking.refund_percent_at(at, starts_at=line.starts_at) for line in lines
    )
    if not any(percents):
        _give_points(booking, ConductPoint.Reason.LATE_CANCEL, at=at)


def _give_points(
    booking: Booking, reason: ConductPoint.Reason, *, at: datetime
) -> ConductPoint | None:
    """Points by the rule in force, if it has any; tells the person either way.

    A club pays for what it does not use; its contact is not to blame in person.
    """
    rule = conduct.rule_on(clock.local_day(at))
    number = 0
    if rule and booking.channel != Booking.Channel.SERIES:
        is_no_show = reason == ConductPoint.Reason.NO_SHOW
        number = rule.no_show_points if is_no_show else rule.late_cancel_points
    point = None
    if rule and number:
        point = ConductPoint.objects.create(
            person=booking.booked_by,
            booking=booking,
            reason=reason,
            points=number,
            given_at=at,
            counts_until=at + timedelta(days=rule.count_days),
        )
        record(
            "venues.conduct.points_given",
            subject=point,
            by=None,
            at=at,
            detail={"booking": booking.number, "points": number},
        )
    if reason == ConductPoint.Reason.NO_SHOW or point:
        until = conduct.appeal_until(point) if point else None
        tell(
            booking,
            f"venues.{reason}",
            at=at,
            points=str(number),
            appeal_until=until.isoformat() if until else "",
        )
    return point


# --- Bans -------------------------------------------------------------------------


def impose_bans(*, at: datetime) -> int:
    """Ban those whose points have reached the threshold; how many.

    Safe to run by many workers at once.
    """
    rule = conduct.rule_on(clock.local_day(at))
    if rule is None:
        return 0
    due = conduct.unspent_points(at=at, least=rule.ban_from_points)
    people = User.objects.filter(pk__in=due).order_by("pk")
    return sum(_impose_ban(person, rule, at=at) is not None for person in people)


@transaction.atomic
def _impose_ban(person: User, rule: ConductRule, *, at: datetime) -> Ban | None:
    advisory_locks([(-person.pk, 0)])
    points = conduct.unspent_points(at=at, least=rule.ban_from_points, person=person)
    if person.pk not in points:
        return None
    ban = Ban.objects.create(
        person=person,
        starts_at=at,
        ends_at=at + timedelta(days=rule.ban_days),
        points=points[person.pk],
    )
    # Who may not book on line keeps no place in a line, either.
    left = WaitingEntry.objects.filter(
        person=person, state=WaitingEntry.State.WAITING
    ).update(state=WaitingEntry.State.LEFT)
    record(
        "venues.conduct.banned",
        subject=ban,
        by=None,
        at=at,
        detail={"points": ban.points, "lines_left": left},
    )
    notify(
        recipient=person,
        kind="venues.banned",
        context={"points": ban.points, "until": ban.ends_at.isoformat()},
        subject=ban,
        at=at,
    )
    return ban


@transaction.atomic
def lift_ban(*, ban: Ban, reason: str, by: User) -> Ban:
    """Staff let somebody book on line again.

    Raises `BanNotInForce` or `ReasonMissing`.
    """
    if not reason:
        raise ReasonMissing
    now = clock.now()
    advisory_locks([(-ban.person_id, 0)])
    ban = Ban.objects.select_related("person").get(pk=ban.pk)
    if not ban.is_in_force_at(now):
        raise BanNotInForce
    _lift(ban, reason=reason, at=now, by=by)
    return ban


def _lift(ban: Ban, *, reason: str, at: datetime, by: User | None) -> None:
    ban.lifted_at, ban.lifted_by = at, by
    ban.lift_reason = reason[:EXCUSE_LENGTH]
    ban.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
    record(
        "venues.conduct.ban_lifted",
        subject=ban,
        by=by,
        at=at,
        detail={"reason": reason},
    )
    notify(
        recipient=ban.person,
        kind="venues.ban_lifted",
        context={"reason": reason},
        subject=ban,
        at=at,
    )


def _lift_baseless(person: User, *, at: datetime, by: User | None) -> None:
    """End bans whose points have fallen below what bans; behind the person's lock."""
    bans = Ban.objects.filter(person=person, lifted_at=None, ends_at__gt=at)
    for ban in bans.select_related("person").order_by("starts_at"):
        rule = conduct.rule_on(clock.local_day(ban.starts_at))
        if rule and conduct.points_behind(ban) < rule.ban_from_points:
            _lift(ban, reason=_("Points behind it were excused."), at=at, by=by)


# --- Excuses and appeals ------------------------------------------------------------


@transaction.atomic
def excuse_point(*, point: ConductPoint, excuse: str, by: User | None) -> ConductPoint:
    """The points do not count; bans that rest on them end.

    The money stays (`call_off_no_show` returns it). Raises `AlreadyExcused` or
    `ReasonMissing`.
    """
    if not excuse:
        raise ReasonMissing
    now = clock.now()
    advisory_locks([(-point.person_id, 0)])
    done = ConductPoint.objects.filter(pk=point.pk, excused_at=None).update(
        excused_at=now, excuse=excuse[:EXCUSE_LENGTH], excused_by=by
    )
    if not done:
        raise AlreadyExcused
    point = ConductPoint.objects.select_related(
        "booking__venue", "booking__booked_by", "person"
    ).get(pk=point.pk)
    record(
        "venues.conduct.excused",
        subject=point,
        by=by,
        at=now,
        detail={"booking": point.booking.number, "excuse": excuse},
    )
    tell(point.booking, "venues.point_excused", at=now, excuse=excuse)
    _lift_baseless(point.person, at=now, by=by)
    return point


def excuse_no_shows(
    *,
    points: Iterable[ConductPoint],
    excuse: str,
    by: User,
    with_refund: bool = False,
) -> int:
    """Excuse many at once (a closure, rain), and give the money back if that is due.

    Each in transactions of its own; those that somebody else has just excused are
    passed over. How many were excused. Raises `ReasonMissing`.
    """
    done = 0
    for point in points:
        if with_refund:
            # First the money: what a crash leaves is still in the list of no-shows.
            with suppress(NotANoShow):
                call_off_no_show(booking=point.booking, reason=excuse, by=by)
        try:
            excuse_point(point=point, excuse=excuse, by=by)
        except AlreadyExcused:
            continue
        done += 1
    return done


@transaction.atomic
def call_off_no_show(*, booking: Booking, reason: str, by: User | None) -> Booking:
    """Staff give the money of an unused booking back: it was no fault of the person's.

    Raises `NotANoShow`.
    """
    now = clock.now()
    paid = lock_payments(booking)
    booking = lock_booking(booking)
    if booking.state != Booking.State.NO_SHOW:
        raise NotANoShow
    booking.state = Booking.State.CANCELLED
    booking.cancelled_at = now
    booking.cancel_reason = reason[:EXCUSE_LENGTH]
    booking.save(update_fields=["state", "cancelled_at", "cancel_reason"])
    back = 0 if booking.invoice_id else booking.total_fen
    pay_back(paid, fen=back, reason=reason, by=by, key="no-show")
    if booking.invoice_id:
        lines = list(BookingLine.objects.standing().filter(booking=booking))
        back = lower_invoice(
            booking,
            lines,
            back={line.pk: line.price_fen for line in lines},
            key=f"no-show-{booking.pk}",
            reason=reason,
            by=by,
            at=now,
        )
    record(
        "venues.booking.called_off",
        subject=booking,
        by=by,
        at=now,
        detail={"refunded_fen": back, "reason": reason},
    )
    tell(booking, "venues.booking_cancelled", at=now, refunded=yuan(back))
    return booking


@transaction.atomic
def appeal_against(*, point: ConductPoint, words: str, by: User) -> Appeal:
    """The person says why the points are wrong; once for each booking.

    Raises `ReasonMissing`, `AlreadyExcused`, `AlreadyAppealed` or `AppealTooLate`.
    """
    now = clock.now()
    words = words.strip()
    if not words:
        raise ReasonMissing
    point = ConductPoint.objects.select_for_update().get(pk=point.pk)
    if Appeal.objects.filter(point=point).exists():
        raise AlreadyAppealed
    if point.excused_at:
        raise AlreadyExcused
    until = conduct.appeal_until(point)
    if now >= until:
        raise AppealTooLate(until=clock.at_text(until))
    appeal = Appeal.objects.create(point=point, words=words[:500], asked_at=now)
    record("venues.conduct.appealed", subject=appeal, by=by, at=now)
    return appeal


@transaction.atomic
def decide_appeal(*, appeal: Appeal, is_granted: bool, answer: str, by: User) -> Appeal:
    """Staff answer an appeal; one that is granted excuses its points.

    Raises `ReasonMissing` without an answer, or `AlreadyDecided`.
    """
    if not answer:
        raise ReasonMissing
    now = clock.now()
    state = Appeal.State.GRANTED if is_granted else Appeal.State.DENIED
    advisory_locks([(-appeal.point.person_id, 0)])
    decided = Appeal.objects.filter(pk=appeal.pk, state=Appeal.State.OPEN).update(
        state=state, decided_at=now, decided_by=by, answer=answer[:500]
    )
    if not decided:
        raise AlreadyDecided
    appeal = Appeal.objects.select_related(
        "point__booking__venue", "point__booking__booked_by", "point__person"
    ).get(pk=appeal.pk)
    record(
        f"venues.conduct.appeal_{state}",
        subject=appeal,
        by=by,
        at=now,
        detail={"answer": answer},
    )
    if not is_granted:
        tell(appeal.point.booking, "venues.appeal_denied", at=now, answer=answer)
    elif appeal.point.excused_at is None:
        excuse_point(point=appeal.point, excuse=answer, by=by)
    return appeal


def excuse_late_news(*, at: datetime) -> int:
    """Excuse whom a gate without network had let in before we gave the points.

    The news comes when the device is on line again, up to eight hours later. How many.
    """
    scans = OfflineScan.objects.filter(
        received_at__gt=at - timedelta(days=2),
        outcome__in=[OfflineScan.Outcome.ADMITTED, OfflineScan.Outcome.CANCELLED],
        entry_pass__booking__conduct_point__excused_at=None,
        entry_pass__booking__conduct_point__reason=ConductPoint.Reason.NO_SHOW,
    ).select_related("entry_pass__booking__conduct_point")
    done = 0
    for scan in scans.order_by("pk"):
        entry_pass = scan.entry_pass
        point = entry_pass.booking.conduct_point if entry_pass else None
        if point is None or scan.scanned_at > point.given_at:
            continue
        try:
            excuse_point(point=point, excuse=_("You were let in."), by=None)
        except DomainError:
            continue
        done += 1
    return done


def forget_appeals(person: User) -> None:
    """What a person wrote goes with the account; points and answers stay on record."""
    Appeal.objects.filter(point__person=person).update(words="")


# --- The rule -----------------------------------------------------------------------


@transaction.atomic
def set_conduct_rule(*, rule: ConductRule, by: User) -> ConductRule:
    """Lay down a rule for later days; those that were in force stay as they were.

    Raises `RuleInThePast`: nobody is judged by a rule that nobody could know.
    """
    if rule.valid_from <= clock.today():
        raise RuleInThePast
    rule.save()
    record(
        "venues.conduct.rule_set",
        subject=rule,
        by=by,
        at=clock.now(),
        detail={
            "from": rule.valid_from.isoformat(),
            "points": [rule.no_show_points, rule.late_cancel_points],
            "ban": [rule.ban_from_points, rule.count_days, rule.ban_days],
        },
    )
    return rule
