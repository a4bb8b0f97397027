"""Where a person stands in a round: one thing at a time, and what to do next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.draws.models import DrawEntry
from vouchers.models import DrawnVoucher, QueueTicket, Round, Voucher
from vouchers.queries.eligibility import Reason, reasons_by_lot
from vouchers.queries.live import LiveRound
from vouchers.queries.offers import Phase, RoundNow
from vouchers.queries.queue import Standing, standing_of


class Stage(models.TextChoices):
    """What the person's page is about."""

    PLANNED = "planned", _("not open yet")
    SIGN_IN = "sign_in", _("sign in first")
    NOT_ELIGIBLE = "not_eligible", _("you may not claim")
    JOIN = "join", _("come to the waiting room")
    WAIT = "wait", _("wait for your turn")
    TURN = "turn", _("it is your turn")
    HAS = "has", _("you have a voucher")
    SOLD_OUT = "sold_out", _("all claimed")
    ENTER = "enter", _("enter the draw")
    ENTERED = "entered", _("you are in the draw")
    DRAWING = "drawing", _("being drawn")
    WON = "won", _("you won")
    PASSED_OVER = "passed_over", _("drawn, but passed over")
    NOT_DRAWN = "not_drawn", _("not drawn")
    OVER = "over", _("this round is over")


@dataclass(frozen=True)
class PersonInRound:
    """A person's own view of a round; of nobody in particular, all is empty."""

    stage: Stage
    reasons: list[Reason] = field(default_factory=list)
    """What speaks against a claim, for who or where the person is or has."""
    against: dict[int, list[Reason]] = field(default_factory=dict)
    """The same for each lot, by its id."""
    needs_place: bool = False
    """The rules ask where the phone is, and nobody has said it yet."""
    ticket: QueueTicket | None = None
    standing: Standing | None = None
    held_until: datetime | None = None
    """All that is left is kept for people before this one until then."""
    mine: list[Voucher] = field(default_factory=list)
    """The person's vouchers of this round."""
    last_number: int = 0
    """Of the person's vouchers of the campaign; the next one bears one more."""
    entry: DrawEntry | None = None
    drawn: DrawnVoucher | None = None

    @property
    def needs_only_a_name(self) -> bool:
        """Nothing speaks against it but what the person can mend in a minute."""
        return [reason.code for reason in self.reasons] == ["real_name"]

    @property
    def is_stopped(self) -> bool:
        """Now there is no way on: one of the reasons waits for more than a question."""
        return any(not reason.is_open for reason in self.reasons)

    @property
    def has_enough(self) -> bool:
        """What speaks against one more is what the person has already."""
        return bool(self.reasons) and all(one.is_limit for one in self.reasons)

    @property
    def share(self) -> float:
        """The place drawn: 0 is before all, 1 behind all."""
        if self.ticket is None or (self.standing and self.standing.came_late):
            return 1.0
        return self.ticket.place / QueueTicket.PLACES


def person_in_round(
    person: User | None, now: RoundNow, *, live: LiveRound | None, at: datetime
) -> PersonInRound:
    """`live` says how many are there, as of a second ago."""
    if person is None:
        return PersonInRound(_stage_of_nobody(now.phase))
    mine = list(
        Voucher.objects.visible_to(person)
        .filter(lot__round=now.round)
        .select_related("tier")
        .order_by("pk")
    )
    lots = [lot.pk for lot in now.lots] if now.phase != Phase.OVER else []
    asked = reasons_by_lot(person, lots, at)
    needs_place = any(one.is_open for one in _common(asked.values()))
    against = {
        pk: [one for one in reasons if not one.is_open] for pk, reasons in asked.items()
    }
    reasons = _common(against.values())
    ticket = QueueTicket.objects.of(person).filter(round=now.round).first()
    standing = None
    if ticket and now.round.claims_from:
        standing = standing_of(ticket, now.round, present=live.present if live else 1)
    held_until = _held_until(live, standing)
    entry = _entry_of(person, now.round)
    drawn = DrawnVoucher.objects.filter(entry=entry).first() if entry else None
    stage = _stage(now, reasons, standing, entry, drawn, at=at, has_some=bool(mine))
    if stage == Stage.TURN and held_until and at < held_until:
        stage = Stage.WAIT
    if needs_place and stage in {Stage.WAIT, Stage.TURN}:
        stage = Stage.JOIN  # once more, with the place
    return PersonInRound(
        stage=stage,
        reasons=reasons,
        against=against,
        needs_place=needs_place,
        ticket=ticket,
        standing=standing,
        held_until=held_until,
        mine=mine,
        last_number=_last_number(person, now.round),
        entry=entry,
        drawn=drawn,
    )


def _held_until(live: LiveRound | None, standing: Standing | None) -> datetime | None:
    left = [lot for lot in live.lots.values() if lot.left] if live else []
    if standing is None or not all(lot.is_kept_from(standing.turn_at) for lot in left):
        return None
    return min((lot.held_until for lot in left if lot.held_until), default=None)


def _stage_of_nobody(phase: Phase) -> Stage:
    match phase:
        case Phase.PLANNED | Phase.DRAWN:
            return Stage.PLANNED
        case Phase.SOLD_OUT:
            return Stage.SOLD_OUT
        case Phase.DRAWING:
            return Stage.DRAWING
        case Phase.OVER:
            return Stage.OVER
        case _:
            return Stage.SIGN_IN


def _stage(
    now: RoundNow,
    reasons: list[Reason],
    standing: Standing | None,
    entry: DrawEntry | None,
    drawn: DrawnVoucher | None,
    *,
    at: datetime,
    has_some: bool,
) -> Stage:
    result = _result(entry, drawn)
    has = Stage.HAS if has_some else None
    if now.phase in {Phase.OPEN, Phase.GATHERING}:
        return _stage_of_rush(reasons, standing, at=at, has_some=has_some)
    return {
        Phase.PLANNED: Stage.PLANNED,
        Phase.ENTERING: Stage.ENTERED
        if entry
        else (Stage.NOT_ELIGIBLE if reasons else Stage.ENTER),
        Phase.DRAWING: Stage.ENTERED if entry else Stage.DRAWING,
        Phase.DRAWN: result or Stage.PLANNED,
        Phase.SOLD_OUT: has or Stage.SOLD_OUT,
        Phase.OVER: result or has or Stage.OVER,
    }[now.phase]


def _stage_of_rush(
    reasons: list[Reason], standing: Standing | None, *, at: datetime, has_some: bool
) -> Stage:
    if reasons:
        enough = has_some and all(reason.is_limit for reason in reasons)
        return Stage.HAS if enough else Stage.NOT_ELIGIBLE
    if standing is None:
        return Stage.JOIN
    return Stage.WAIT if at < standing.turn_at else Stage.TURN


def _result(entry: DrawEntry | None, drawn: DrawnVoucher | None) -> Stage | None:
    if entry is None:
        return None
    if drawn is None:
        return Stage.NOT_DRAWN
    return Stage.WON if drawn.voucher_id else Stage.PASSED_OVER


def _last_number(person: User, of: Round) -> int:
    had = Voucher.objects.visible_to(person).filter(campaign=of.campaign_id)
    found = had.aggregate(last=models.Max("number_of_person", default=0))
    return int(found["last"])


def _entry_of(person: User, of: Round) -> DrawEntry | None:
    if of.draw_id is None:
        return None
    mine = DrawEntry.objects.visible_to(person).filter(draw=of.draw_id)
    return mine.select_related("pool").first()


def _common(lists: Iterable[list[Reason]]) -> list[Reason]:
    """What speaks against all of them."""
    every = list(lists)
    if not every:
        return []
    others = [{reason.code for reason in reasons} for reasons in every[1:]]
    return [one for one in every[0] if all(one.code in codes for codes in others)]
