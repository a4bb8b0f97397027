"""A hall of two halves, and a slow oracle that keeps its own book of it.

The oracle knows who has which half in which hour and whose money we keep; after each
step of test_bookings_against_an_oracle.py both must agree.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from uuid import uuid4

import pytest
import time_machine
from django.db import transaction
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
)

from bureau.common import clock
from bureau.common.errors import DomainError
from bureau.common.sports import Sport
from bureau.payments.models import Payment
from tests import make
from tests.promises import broken_promises
from venues import actions
from venues.models import (
    Block,
    Booking,
    BookingChange,
    BookingLine,
    Occupancy,
    WaitingEntry,
)

PARTS = {"left": ("L",), "right": ("R",), "whole": ("L", "R")}
FEN = {"left": 10_00, "right": 10_00, "whole": 18_00}
HOURS = (10, 11, 12, 13)
DEAR_FROM = 12  # twice the price
BANDS = ((1440, 100), (120, 50))
HOLD, OFFER = timedelta(minutes=10), timedelta(minutes=30)
PEOPLE = 3

COURTS = st.sampled_from(sorted(PARTS))
SOME_HOURS = st.sets(st.sampled_from(HOURS), min_size=1, max_size=2)
NTH = st.integers(0, 5)
MINUTES = st.sampled_from([0, 4, 11, 31, 90])
OR_A_DAY = st.sampled_from([0, 4, 11, 90, 26 * 60, 26 * 60])
WHO = st.integers(0, PEOPLE - 1)

T = TypeVar("T")
Cell = tuple[str, int]
"""(half, hour)"""


def one_of(rows: Sequence[T], nth: int) -> T | None:
    return rows[nth % len(rows)] if rows else None


def price(court: str, hour: int) -> int:
    return FEN[court] * (2 if hour >= DEAR_FROM else 1)


def cells(court: str, hours: Iterable[int]) -> set[Cell]:
    return {(part, hour) for hour in hours for part in PARTS[court]}


@dataclass
class Slot:
    court: str
    hour: int
    is_standing: bool = True

    @property
    def fen(self) -> int:
        return price(self.court, self.hour)

    @property
    def cells(self) -> set[Cell]:
        return cells(self.court, [self.hour])


@dataclass
class Change:
    number: str
    leaving: list[Slot]
    arriving: Slot
    pay: int
    until: datetime
    state: str = "held"

    @property
    def left(self) -> set[Cell]:
        return {cell for slot in self.leaving for cell in slot.cells}


@dataclass
class Told:
    """A booking as the oracle has it."""

    number: str
    person: int
    slots: list[Slot]
    state: str
    until: datetime | None
    kept: int = 0
    retained: int = 0
    is_offer: bool = False
    waiter: Waiter | None = None
    changes: list[Change] = field(default_factory=list)
    due: bool = True

    @property
    def standing(self) -> list[Slot]:
        return [slot for slot in self.slots if slot.is_standing]

    @property
    def change(self) -> Change | None:
        return next((c for c in self.changes if c.state == "held"), None)

    def own(self) -> set[Cell]:
        return {cell for slot in self.standing for cell in slot.cells}


@dataclass
class Waiter:
    pk: int
    person: int
    court: str | None
    """None: any court."""
    hour: int
    state: str = "waiting"
    turn: int = 10**9


class Hall(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.patch = pytest.MonkeyPatch()
        self.told: list[Told] = []
        self.line: list[Waiter] = []
        self.blocks: dict[Cell, int] = {}
        self.drawn: set[Cell] = set()

    def teardown(self) -> None:
        try:
            assert broken_promises() == []
        finally:
            self.patch.undo()
            transaction.set_rollback(True)
            self.atomic.__exit__(None, None, None)

    @initialize(notice=st.sampled_from([25, 23, 3, 1]), luck=st.integers(0, 999))
    def build(self, notice: int, luck: int) -> None:
        # What fails must fail again: even who is drawn follows from these two.
        dice = random.Random(luck)  # noqa: S311
        self.patch.setattr(secrets, "randbits", dice.getrandbits)
        self.patch.setattr(secrets, "token_bytes", dice.randbytes)
        self.on = clock.today() + timedelta(days=2)
        self.now = self.at(HOURS[0]) - timedelta(hours=notice)
        self.venue = make.venue(
            opens=600, closes=840, bands=BANDS, offer_minutes=30, max_slots=4
        )
        self.venue.prices.all().delete()
        self.units = {part: make.unit(venue=self.venue) for part in "LR"}
        self.courts = {}
        for name, parts in PARTS.items():
            units = [self.units[part] for part in parts]
            court = make.bookable(units=units, name=name)
            self.courts[name] = court
            for start, end, times in ((0, 720, 1), (720, 1440, 2)):
                make.price(
                    venue=self.venue,
                    bookable=court,
                    fen=FEN[name] * times,
                    starts=start,
                    ends=end,
                )
        self.venue.refresh_from_db()
        self.people = [make.verified(id_number=f"ID{n:016}") for n in range(PEOPLE)]
        self.book(who=0, court="left", hours={10, 12})
        self.pay(nth=0)

    def at(self, hour: int) -> datetime:
        return clock.at(self.on, hour * 60)

    @contextmanager
    def clock(self) -> Iterator[None]:
        with time_machine.travel(self.now, tick=False):
            yield

    def tried(self, action: Any, **given: Any) -> tuple[Any, str]:
        """(what came back, or None; the code of the refusal, or "")."""
        try:
            with self.clock(), transaction.atomic():
                return action(**given), ""
        except DomainError as refusal:
            return None, refusal.code

    # --- The oracle's floor ---------------------------------------------------------

    def holders(self) -> dict[Cell, tuple[Told, datetime | None, Change | None]]:
        """Whose rows lie on the floor, lapsed ones included."""
        floor: dict[Cell, tuple[Told, datetime | None, Change | None]] = {}
        for told in self.told:
            if told.state in ("held", "confirmed"):
                for cell in told.own():
                    floor[cell] = (told, told.until, None)
            if change := told.change:
                for cell in change.arriving.cells - change.left:
                    floor[cell] = (told, change.until, change)
        return floor

    def shut(self) -> set[Cell]:
        """What is no booking's and no hold's, and yet nobody can have it."""
        return set(self.blocks) | self.drawn

    def refusal_to_clear(self, wanted: set[Cell]) -> str:
        """Take lapsed holds over, as `clear_way` does; or say why not."""
        floor = self.holders()
        met = {cell: floor[cell] for cell in wanted if cell in floor}
        is_taken = wanted & self.shut() or any(
            until is None or until > self.now for _t, until, _c in met.values()
        )
        is_awaited = any(
            waiter.state == "waiting" and waiter.hour == hour
            for _part, hour in met
            for waiter in self.line
        )
        if is_taken or is_awaited:
            return "slot_taken"
        for told, _until, change in met.values():
            if change:
                change.state = "expired"
            else:
                self.expire(told)
        return ""

    def expire(self, told: Told) -> None:
        if told.state != "held":
            return
        told.state = "expired"
        if told.waiter and told.waiter.state == "offered":
            told.waiter.state = "missed"

    def offer(self, freed: set[Cell]) -> None:
        """The first in line get what is free of it, as `offer_freed` does."""
        if not freed:
            return
        parts = {part for part, _hour in freed}
        first, last = min(h for _p, h in freed), max(h for _p, h in freed)
        for waiter in sorted(self.line, key=lambda w: (w.turn, w.pk)):
            if waiter.state == "waiting" and first <= waiter.hour <= last:
                for court in [waiter.court] if waiter.court else PARTS:
                    if self.offer_to(waiter, court, parts):
                        break

    def offer_to(self, waiter: Waiter, court: str, parts: set[str]) -> bool:
        wanted = cells(court, [waiter.hour])
        if not set(PARTS[court]) <= parts or self.at(waiter.hour) <= self.now:
            return False
        if wanted & (set(self.holders()) | self.shut()):
            return False
        found = WaitingEntry.objects.get(pk=waiter.pk)
        assert found.booking, "the oracle made an offer and we did not"
        waiter.state = "offered"
        self.told.append(
            Told(
                number=found.booking.number,
                person=waiter.person,
                slots=[Slot(court, waiter.hour)],
                state="held",
                until=min(self.now + OFFER, self.at(waiter.hour)),
                is_offer=True,
                waiter=waiter,
            )
        )
        return True

    def some_booking(self, nth: int) -> Told | None:
        """Mostly one that stands, so that much happens to it; now and then any."""
        confirmed = [told for told in self.told if told.state == "confirmed"]
        return one_of(confirmed if nth < 4 and confirmed else self.told, nth)

    # --- What people do -------------------------------------------------------------

    @rule(who=WHO, court=COURTS, hours=SOME_HOURS)
    def book(self, who: int, court: str, hours: set[int]) -> None:
        expected = ""
        holds = [
            t
            for t in self.told
            if t.person == who
            and t.state == "held"
            and not t.is_offer
            and t.until
            and t.until > self.now
        ]
        if any(self.at(hour) <= self.now for hour in hours):
            expected = "slot_in_the_past"
        elif len(holds) >= 2:
            expected = "too_many_holds"
        else:
            expected = self.refusal_to_clear(cells(court, hours))
        booking, refused = self.tried(
            actions.hold_slots,
            venue=self.venue,
            picks=[make.pick(self.courts[court], self.at(hour)) for hour in hours],
            quoted_fen=sum(price(court, hour) for hour in hours),
            request_key=uuid4(),
            by=self.people[who],
        )
        assert refused == expected
        if booking:
            slots = [Slot(court, hour) for hour in sorted(hours)]
            self.told.append(Told(booking.number, who, slots, "held", self.now + HOLD))

    @rule(nth=NTH)
    def pay(self, nth: int) -> None:
        told = one_of([told for told in self.told if told.due], nth)
        if told is None:
            return
        told.due = False
        payment = Payment.objects.for_owner(self.booking(told)).order_by("pk")[0]
        with self.clock():
            make.settle(payment)
        if told.state == "held" and told.until and told.until > self.now:
            self.welcome(told)
            return
        if told.state == "held":
            self.expire(told)
        if min(self.at(slot.hour) for slot in told.standing) <= self.now:
            return
        if self.refusal_to_clear(told.own()) == "" and told.state == "expired":
            self.welcome(told)

    def welcome(self, told: Told) -> None:
        told.state, told.until = "confirmed", None
        told.kept = sum(slot.fen for slot in told.standing)
        if told.waiter and told.waiter.state == "offered":
            told.waiter.state = "taken"

    @rule(nth=NTH, which=st.sampled_from(["all", "first", "last"]))
    def cancel(self, nth: int, which: str) -> None:
        told = self.some_booking(nth)
        if told is None:
            return
        standing = told.standing
        meant = {"all": standing, "first": standing[:1], "last": standing[-1:]}[which]
        expected = ""
        if told.state not in ("held", "confirmed") or (
            told.state == "held" and len(meant) != len(standing)
        ):
            expected = "not_cancellable"
        elif told.state == "confirmed" and any(
            self.at(slot.hour) <= self.now for slot in meant
        ):
            expected = "too_late_to_cancel"
        _done, refused = self.tried(
            actions.cancel_booking,
            booking=self.booking(told),
            by=self.people[told.person],
            line_ids=self.lines(told, meant),
        )
        assert refused == expected
        if not refused:
            self.give_up(told, meant, back=sum(map(self.back, meant)))

    @rule(nth=NTH)
    def call_off(self, nth: int) -> None:
        told = self.some_booking(nth)
        if told is None:
            return
        can_be = told.state in ("held", "confirmed")
        _done, refused = self.tried(
            actions.call_off_booking,
            booking=self.booking(told),
            reason="Rain",
            by=self.people[0],
        )
        assert refused == ("" if can_be else "not_cancellable")
        if can_be:
            meant = told.standing
            self.give_up(told, meant, back=sum(slot.fen for slot in meant))

    def back(self, slot: Slot) -> int:
        notice = self.at(slot.hour) - self.now
        for minutes, percent in BANDS:
            if notice >= timedelta(minutes=minutes):
                return slot.fen * percent // 100
        return 0

    def give_up(self, told: Told, meant: list[Slot], *, back: int) -> None:
        freed = {cell for slot in meant for cell in slot.cells}
        self.drop(told)
        if told.state == "confirmed":
            told.retained += sum(slot.fen for slot in meant) - back
            told.kept -= back
        if len(meant) == len(told.standing):
            told.state, told.until = "cancelled", None
            if told.waiter and told.waiter.state == "offered":
                told.waiter.state = "left"
        else:
            for slot in meant:
                slot.is_standing = False
        self.offer(freed)

    @rule(nth=NTH, court=COURTS, hour=st.sampled_from(HOURS))
    def change(self, nth: int, court: str, hour: int) -> None:
        """Exchange the first slot of a booking for another one."""
        told = self.some_booking(nth)
        if told is None or not told.standing:
            return
        leaving = told.standing[:1]
        new = Slot(court, hour)
        if any(s.court == court and s.hour == hour for s in told.standing):
            return  # the same slot again: not what this rule is about
        made, refused = self.tried(
            actions.change_booking,
            booking=self.booking(told),
            line_ids=self.lines(told, leaving),
            picks=[make.pick(self.courts[court], self.at(hour))],
            quoted_fen=new.fen,
            request_key=uuid4(),
            by=self.people[told.person],
        )
        before = deepcopy((self.told, self.line))
        expected = self.refusal_to_change(told, leaving[0], new)
        assert refused == expected
        if made is None:
            self.told, self.line = before  # nothing was half done
            return
        credit = self.back(leaving[0])
        asked = Change(
            made.number, leaving, new, max(0, new.fen - credit), self.now + HOLD
        )
        told.changes.append(asked)
        if not asked.pay:
            self.exchange(told, asked, credit)

    @rule(nth=NTH, court=COURTS, hour=st.sampled_from(HOURS), minutes=OR_A_DAY)
    def change_and_pay(self, nth: int, court: str, hour: int, minutes: int) -> None:
        self.change(nth=nth, court=court, hour=hour)
        self.time_passes(minutes=minutes)
        self.pay_change(nth=-1)

    @rule(who=WHO, court=COURTS, hours=SOME_HOURS, minutes=MINUTES)
    def book_and_pay(self, who: int, court: str, hours: set[int], minutes: int) -> None:
        self.book(who=who, court=court, hours=hours)
        self.time_passes(minutes=minutes)
        self.pay(nth=-1)

    def refusal_to_change(self, told: Told, old: Slot, new: Slot) -> str:
        if self.at(new.hour) <= self.now:
            return "slot_in_the_past"
        if told.state != "confirmed" or self.at(old.hour) <= self.now:
            return "not_changeable"
        if told.change:
            if told.change.until > self.now:
                return "change_under_way"
            self.drop(told)
        return self.refusal_to_clear(new.cells - old.cells)

    def drop(self, told: Told) -> None:
        if change := told.change:
            change.state = "dropped"
            self.offer(change.arriving.cells)

    def exchange(self, told: Told, change: Change, credit: int) -> None:
        freed = {cell for slot in change.leaving for cell in slot.cells}
        told.retained += sum(slot.fen for slot in change.leaving) - credit
        told.kept += change.arriving.fen - credit
        for slot in change.leaving:
            slot.is_standing = False
        told.slots.append(change.arriving)
        told.slots.sort(key=lambda slot: (slot.hour, slot.court))
        change.state = "done"
        self.offer(freed)

    @rule(nth=NTH)
    def pay_change(self, nth: int) -> None:
        asked = [
            (told, change)
            for told in self.told
            for change in told.changes
            if change.pay and change.state in ("held", "expired", "dropped")
        ]
        found = one_of(asked, nth)
        if found is None:
            return
        told, change = found
        row = BookingChange.objects.get(number=change.number)
        assert row.payment
        with self.clock():
            make.settle(row.payment)
        is_in_time = change.state == "held" and change.until > self.now
        if change.state == "held" and not is_in_time:
            change.state = "expired"
        pay, change.pay = change.pay, 0
        if told.state != "confirmed" or not (is_in_time or self.can_still(change)):
            return
        self.exchange(told, change, change.arriving.fen - pay)

    def can_still(self, change: Change) -> bool:
        slots = [*change.leaving, change.arriving]
        return (
            change.state == "expired"
            and all(self.at(slot.hour) > self.now for slot in slots)
            and all(slot.is_standing for slot in change.leaving)
            and self.refusal_to_clear(change.arriving.cells - change.left) == ""
        )

    @rule(who=WHO, court=COURTS, hour=st.sampled_from(HOURS))
    def wait(self, who: int, court: str, hour: int) -> None:
        wanted = cells(court, [hour])
        is_free = not wanted & (set(self.holders()) | self.shut())
        is_in_line = any(
            w.state in ("waiting", "offered")
            and (w.person, w.court, w.hour) == (who, court, hour)
            for w in self.line
        )
        expected = ""
        if self.at(hour) <= self.now:
            expected = "slot_in_the_past"
        elif is_free:
            expected = "slot_not_taken"
        elif is_in_line:
            expected = "already_in_line"
        entry, refused = self.tried(
            actions.join_waiting_list,
            venue=self.venue,
            sport=Sport.BADMINTON,
            starts_at=self.at(hour),
            bookable=self.courts[court],
            by=self.people[who],
        )
        assert refused == expected
        if entry:
            self.line.append(Waiter(entry.pk, who, court, hour))

    @rule(nth=NTH)
    def leave_the_line(self, nth: int) -> None:
        waiter = one_of(self.line, nth)
        if waiter is None:
            return
        _done, refused = self.tried(
            actions.leave_waiting_list,
            entry=WaitingEntry.objects.get(pk=waiter.pk),
            by=self.people[waiter.person],
        )
        assert refused == ("" if waiter.state == "waiting" else "not_in_line")
        if not refused:
            waiter.state = "left"

    @rule(part=st.sampled_from("LR"), hour=st.sampled_from(HOURS))
    def block(self, part: str, hour: int) -> None:
        cell = (part, hour)
        standing = self.holders().get(cell)
        is_standing = standing and (standing[1] is None or standing[1] > self.now)
        expected = self.refusal_to_clear({cell})
        if expected and is_standing:
            expected = "units_taken"
        block, refused = self.tried(
            actions.block_units,
            venue=self.venue,
            units=[self.units[part]],
            starts_at=self.at(hour),
            ends_at=self.at(hour + 1),
            reason="Repair",
            by=self.people[0],
        )
        assert refused == expected
        if block:
            self.blocks[cell] = block.pk

    @rule(nth=NTH)
    def lift(self, nth: int) -> None:
        cell = one_of(sorted(self.blocks), nth)
        if cell is None:
            return
        block = Block.objects.get(pk=self.blocks.pop(cell))
        _done, refused = self.tried(actions.lift_block, block=block, by=self.people[0])
        assert refused == ""
        self.offer({cell})

    @rule(minutes=MINUTES)
    def time_passes(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)

    @rule()
    def the_next_band_begins(self) -> None:
        """To where half comes back, then to where nothing does, then to the start."""
        for before in (24 * 60 - 1, 119, 0):
            start = self.at(HOURS[0]) - timedelta(minutes=before)
            if self.now < start:
                self.now = start
                return

    @rule()
    def sweep(self) -> None:
        with self.clock():
            actions.expire_changes(at=self.now)
            actions.expire_holds(at=self.now)
            actions.close_lines(at=self.now)
        changes = [t.change for t in self.told if t.change]
        for change in sorted(changes, key=lambda c: (c.until, c.number)):
            if change.until <= self.now:
                change.state = "expired"
                self.offer(change.arriving.cells)
        lapsed = [
            t
            for t in self.told
            if t.state == "held" and t.until and t.until <= self.now
        ]
        for told in sorted(lapsed, key=lambda t: (t.until, self.booking(t).pk)):
            self.expire(told)
            self.offer(told.own())
        for waiter in self.line:
            if waiter.state == "waiting" and self.at(waiter.hour) <= self.now:
                waiter.state = "over"

    # --- What must hold after each step ---------------------------------------------

    def booking(self, told: Told) -> Booking:
        return Booking.objects.get(number=told.number)

    def lines(self, told: Told, slots: list[Slot]) -> list[int]:
        return [
            BookingLine.objects.standing()
            .get(
                booking__number=told.number,
                bookable=self.courts[slot.court],
                starts_at=self.at(slot.hour),
            )
            .pk
            for slot in slots
        ]

    @invariant()
    def the_floor_is_as_the_oracle_says(self) -> None:
        names = {unit.pk: part for part, unit in self.units.items()}
        found: dict[Cell, str] = {}
        for row in Occupancy.objects.all():
            for hour in HOURS:
                start, end = self.at(hour), self.at(hour + 1)
                if row.during.lower < end and start < row.during.upper:
                    cell = (names[row.unit_id], hour)
                    assert cell not in found, "two in one place"
                    found[cell] = row.kind
        expected = {
            cell: "hold" if until else "booking"
            for cell, (_told, until, _change) in self.holders().items()
        }
        expected |= dict.fromkeys(self.blocks, "block")
        expected |= dict.fromkeys(self.drawn, "ballot")
        assert found == expected

    @invariant()
    def states_and_money_are_as_the_oracle_says(self) -> None:
        for told in self.told:
            booking = self.booking(told)
            assert booking.state == told.state
            paid = Payment.objects.for_owner(booking).filter(state="paid")
            kept = sum(p.amount_fen - p.refunded_fen for p in paid)
            assert (kept, booking.retained_fen) == (told.kept, told.retained)
        for waiter in self.line:
            assert WaitingEntry.objects.get(pk=waiter.pk).state == waiter.state
