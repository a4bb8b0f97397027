"""Draw rounds: people enter, the draws app draws, here vouchers are handed out.

Handing out goes in batches of one transaction each. What an entry came to
(`DrawnVoucher`) is written together with its voucher, so that a crash loses nothing and
doing it twice is doing it once. Locks: the round → stock → vouchers.
"""

from __future__ import annotations

from datetime import datetime

from django.contrib.gis.geos import Point
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from bureau.accounts.errors import IdentityNeeded
from bureau.accounts.models import User
from bureau.accounts.queries import identity_of
from bureau.audit.models import record
from bureau.common import clock, sealed
from bureau.common.errors import DomainError
from bureau.common.money import yuan
from bureau.common.tasks import after_commit
from bureau.draws import actions as draws
from bureau.draws.actions import Receipt
from bureau.draws.errors import AlreadyEntered
from bureau.draws.models import Draw, DrawEntry
from bureau.notices.actions import Message, notify_each
from bureau.notices.models import Notice
from bureau.regions.queries import district_of
from vouchers.actions.claims import give
from vouchers.actions.queue import refuse
from vouchers.actions.stock import lay_out_round
from vouchers.errors.claiming import (
    AlreadyClaimed,
    AlreadyInRoundDraw,
    Busy,
    CampaignClosed,
    DrawEntriesOver,
    DrawNotOpen,
    NoSuchLot,
    NotEligible,
    RoundEntriesByCitizens,
    RoundHandedOut,
    RoundOver,
    round_over,
)
from vouchers.models import (
    Campaign,
    DrawnVoucher,
    Lot,
    Round,
    Tier,
    Voucher,
)
from vouchers.queries.eligibility import somewhere_else, why_not
from vouchers.queries.lots import LotFacts, lot_facts

BATCH = 200


# --- Entering -----------------------------------------------------------------------


@transaction.atomic
def enter_round_draw(
    *,
    round: Round,  # noqa: A002 - what it is
    tier: Tier,
    by: User,
    at: datetime | None = None,
    place: Point | None = None,
) -> Receipt:
    """Put a person into the draw of a round, for one tier; one entry per person.

    The same wish again gives the same receipt. `place` is where the phone is; it is
    looked at, and not kept.

    Raises `CampaignClosed`, `DrawNotOpen`, `DrawEntriesOver`, `NoSuchLot`,
    `NotEligible`, `AlreadyClaimed`, `AlreadyInRoundDraw`, and refusals of the draw.
    """
    at = at or clock.now()
    lot = round.lots.filter(tier=tier).first()
    if lot is None:
        raise NoSuchLot
    draw = _open_draw(round, at=at)
    mine = entry_of(by, round)
    if mine is not None:
        return _same_wish(mine, tier)
    district = district_of(place) if place is not None else None
    reasons = why_not(by, round, at, district, lot=lot)
    refuse(reasons if place is None else somewhere_else(reasons))
    identity = identity_of(by)
    if identity is None:
        raise IdentityNeeded
    try:
        return draws.enter(
            draw=draw,
            pool=tier.pool_prefix,
            id_number=sealed.unseal(identity.sealed_id_number),
            person=by,
            by=by,
            at=at,
        )
    except AlreadyEntered:
        # By a second tap at the same moment.
        mine = entry_of(by, round)
        if mine is None:
            raise
        return _same_wish(mine, tier)


def _open_draw(round: Round, *, at: datetime) -> Draw:  # noqa: A002
    if round.campaign.state != Campaign.State.PUBLISHED:
        raise CampaignClosed
    if round.called_off_at is not None:
        raise round_over(round.called_off_for)
    if round.draw is None or at >= round.closes_at:
        raise DrawEntriesOver
    if at < round.opens_at:
        raise DrawNotOpen(opens_at=clock.at_text(round.opens_at))
    return round.draw


def entry_of(person: User, round: Round) -> DrawEntry | None:  # noqa: A002
    """What a person entered the draw of a round with."""
    if round.draw_id is None:
        return None
    mine = DrawEntry.objects.filter(draw=round.draw_id, person=person)
    return mine.select_related("pool", "draw").first()


def _same_wish(mine: DrawEntry, tier: Tier) -> Receipt:
    if mine.pool.prefix != tier.pool_prefix:
        raise AlreadyInRoundDraw
    return draws.receipt_of(mine)


# --- Handing out --------------------------------------------------------------------


def queue_round_hand_out(*, draw: Draw) -> None:
    """The draw is done: its vouchers are handed out once that is committed."""
    from vouchers.tasks.claiming import hand_out  # noqa: PLC0415 - tasks call actions

    round_ = Round.objects.filter(draw=draw).first()
    if round_ is not None:
        after_commit(hand_out, round_id=round_.pk)


def hand_out_drawn(*, at: datetime) -> int:
    """Hand out what was drawn and is not handed out yet; how many rounds that were."""
    due = Round.objects.to_hand_out().order_by("pk")
    return sum(hand_out_draw(round=round_, at=at) for round_ in due)


def hand_out_draw(*, round: Round, at: datetime | None = None) -> bool:  # noqa: A002
    """Give the vouchers to those who were drawn, in order of their ranks.

    Who may not have one any more is passed over, and the next in rank of the same tier
    gets it. Run again it goes on where it was interrupted; False when that was done
    before.
    """
    at = at or clock.now()
    if not Round.objects.to_hand_out().filter(pk=round.pk).exists():
        return False
    lay_out_round(round_id=round.pk, at=at)
    for lot in Lot.objects.filter(round=round).order_by("pk"):
        while _hand_out_some(lot, at=at):
            pass
    while _tell_some(round, at=at):
        pass
    with transaction.atomic():
        if not _still_to_hand_out(round.pk):
            return False
        # Of its own columns only: see `lay_out_round`.
        Round.objects.filter(pk=round.pk).update(handed_out_at=at)
        record("vouchers.round.handed_out", subject=round, by=None, at=at)
    return True


@transaction.atomic
def _hand_out_some(lot: Lot, *, at: datetime) -> bool:
    """The next entries of a tier; False when all are served or all is gone."""
    facts = lot_facts(lot.pk) if _still_to_hand_out(lot.round_id) else None
    if facts is None:
        return False
    left = sum(lot.shards.values_list("remaining", flat=True))
    waiting = _unserved(facts).order_by("rank", "pk")
    # Winners get an answer even where nothing is left; who waits, only what is left.
    wanted = waiting if left else waiting.filter(outcome=DrawEntry.Outcome.WON)
    entries = list(wanted.select_related("person")[:BATCH])
    given: list[Message] = []
    passed: list[Message] = []
    for entry in entries:
        if not left and entry.outcome != DrawEntry.Outcome.WON:
            break
        drawn = _serve(entry, facts, at=at)
        if drawn.voucher is not None:
            left -= 1
            given += _news(entry, facts, drawn.voucher)
        else:
            passed += _news(entry, facts)
    notify_each(kind="vouchers.drawn", messages=given, at=at)
    notify_each(kind="vouchers.passed_over", messages=passed, at=at)
    return bool(entries)


def _still_to_hand_out(round_id: int) -> bool:
    """One worker at a time; the next one sees what this one wrote.

    And whether the draw was declared void meanwhile: of that one nothing is given.
    """
    Round.objects.select_for_update(no_key=True).get(pk=round_id)
    return Round.objects.to_hand_out().filter(pk=round_id).exists()


def _unserved(facts: LotFacts) -> QuerySet[DrawEntry]:
    served = DrawnVoucher.objects.filter(entry=OuterRef("pk"))
    return DrawEntry.objects.filter(
        ~Exists(served),
        draw=facts.round.draw_id,
        pool__prefix=facts.lot.tier.pool_prefix,
    )


def _serve(entry: DrawEntry, facts: LotFacts, *, at: datetime) -> DrawnVoucher:
    drawn = DrawnVoucher(entry=entry, lot=facts.lot, decided_at=at)
    try:
        if entry.person_id is None:
            raise NotEligible([])
        claimed = give(facts, person_id=entry.person_id, at=at, way=Voucher.Way.DRAW)
        drawn.voucher = Voucher.objects.get(pk=claimed.voucher_id)
    except Busy:
        raise
    except DomainError as refusal:
        drawn.passed_over = _why(refusal)
    drawn.save(force_insert=True)
    if drawn.voucher is None:
        record(
            "vouchers.draw.passed_over",
            subject=drawn,
            by=None,
            at=at,
            detail={"entry": entry.entry_id, "why": drawn.passed_over},
        )
    return drawn


def _why(refusal: DomainError) -> str:
    """The codes of the reasons, or of the refusal."""
    if isinstance(refusal, (NotEligible, AlreadyClaimed)) and refusal.reasons:
        return ",".join(reason.code for reason in refusal.reasons)[:60]
    return refusal.code[:60]


def _news(
    entry: DrawEntry, facts: LotFacts, voucher: Voucher | None = None
) -> list[Message]:
    if entry.person is None or not entry.person.is_active:
        return []
    context = {
        "campaign": facts.round.campaign.name,
        "face": yuan(facts.lot.tier.face_fen),
        "entry": entry.entry_id,
        "rank": entry.rank or 0,
    }
    if voucher is not None:
        context["code"] = voucher.code
        context["expires_at"] = voucher.last_moment.isoformat()
    return [Message(entry.person, context, voucher or entry)]


@transaction.atomic
def _tell_some(round: Round, *, at: datetime) -> bool:  # noqa: A002
    """Tell the next of those who got nothing; False when all have been told."""
    if not _still_to_hand_out(round.pk):
        return False
    served = DrawnVoucher.objects.filter(entry=OuterRef("pk"))
    told = Notice.objects.filter(
        recipient=OuterRef("person"),
        kind="vouchers.not_drawn",
        subject_type=DrawEntry._meta.label_lower,
        subject_id=OuterRef("pk"),
    )
    lost = DrawEntry.objects.filter(
        ~Exists(served), ~Exists(told), draw=round.draw_id, person__is_active=True
    )
    entries = list(lost.select_related("person").order_by("pk")[: 5 * BATCH])
    messages = [
        Message(
            entry.person,
            {
                "campaign": round.campaign.name,
                "entry": entry.entry_id,
                "rank": entry.rank or 0,
                "rush_opens_at": round.rush_opens_at.isoformat()
                if round.rush_opens_at
                else "",
            },
            entry,
        )
        for entry in entries
        if entry.person is not None
    ]
    notify_each(kind="vouchers.not_drawn", messages=messages, at=at)
    return bool(entries)


# --- When the draw is void ----------------------------------------------------------


def refuse_void_of_round(*, draw: Draw) -> None:
    """Raise `RoundHandedOut` for the draw of a round whose vouchers people have.

    Otherwise the round waits: staff announce its draw again, or it gives nothing away.
    Behind the round's lock: who hands out looks at the draw anew behind the same.
    """
    mine = Round.objects.select_for_update(no_key=True).filter(draw=draw)
    list(mine.order_by("pk").values_list("pk"))
    given = DrawnVoucher.objects.filter(lot__round__draw=draw)
    if given.exists():
        raise RoundHandedOut


def follow_redraw(*, draw: Draw, replaces: Draw) -> None:
    """The round of a void draw is given out by the one in its place."""
    round_ = Round.objects.select_for_update().filter(draw=replaces).first()
    if round_ is None:
        return
    refuse_void_of_round(draw=replaces)
    if round_.called_off_at is not None:
        raise round_over(round_.called_off_for)
    if round_.rush_opens_at is not None and draw.draws_at >= round_.rush_opens_at:
        raise RoundOver
    round_.draw, round_.draws_at = draw, draw.draws_at
    round_.save(update_fields=["draw", "draws_at"])
    record(
        "vouchers.round.redrawn",
        subject=round_,
        by=None,
        at=clock.now(),
        detail={"draw": draw.draw_id, "replaces": replaces.draw_id},
    )


def refuse_round_entries_by_staff(*, draw: Draw) -> None:
    """Raise `RoundEntriesByCitizens` for the draw of a round.

    Who may have a voucher is looked at when a person enters.
    """
    if Round.objects.filter(draw=draw).exists():
        raise RoundEntriesByCitizens
