"""What campaigns give away, and how far each round of theirs has come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import models
from django.db.models import Prefetch, QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from vouchers.models import Campaign, Lot, Round, Terms, Tier

AHEAD = timedelta(days=7)
"""How far ahead a round is news for everybody; the campaign's page says all of them."""
MOST_NEWS = 3


class Phase(models.TextChoices):
    """What a round is doing now, as a person reads it. Follows from its times."""

    PLANNED = "planned", _("not open yet")
    GATHERING = "gathering", _("waiting room")
    OPEN = "open", pgettext_lazy("a round", "open")
    SOLD_OUT = "sold_out", _("all claimed")
    ENTERING = "entering", _("entries open")
    DRAWING = "drawing", _("being drawn")
    DRAWN = "drawn", _("drawn")
    OVER = "over", pgettext_lazy("a round", "over")


BUSY = frozenset({Phase.GATHERING, Phase.OPEN, Phase.ENTERING, Phase.DRAWING})


def phase_of(of: Round, *, at: datetime) -> Phase:
    """Asks for the round's lots; prefetch them."""
    if of.called_off_at is not None and at >= of.called_off_at:
        return Phase.OVER
    if of.way == Round.Way.RUSH:
        return _rush_phase(of, at=at, before=Phase.PLANNED)
    if at < of.opens_at:
        return Phase.PLANNED
    if at < of.closes_at:
        return Phase.ENTERING
    if of.handed_out_at is None:
        return Phase.DRAWING
    return _rush_phase(of, at=at, before=Phase.DRAWN)


def _rush_phase(of: Round, *, at: datetime, before: Phase) -> Phase:
    begins, ends = of.claims_from, of.claims_until
    if begins is None or ends is None or at >= ends:
        return Phase.OVER  # a draw alone, or a rush that has been
    if at < begins - timedelta(minutes=of.lobby_minutes):
        return before
    if at < begins:
        return Phase.GATHERING
    return Phase.SOLD_OUT if sold_out_at(of) else Phase.OPEN


def sold_out_at(of: Round) -> datetime | None:
    """When the last voucher of the round was claimed; None while there are some."""
    moments = [lot.sold_out_at for lot in of.lots.all()]
    known = [moment for moment in moments if moment]
    return max(known) if known and len(known) == len(moments) else None


@dataclass(frozen=True)
class RoundNow:
    """A round and what it is doing."""

    round: Round
    phase: Phase
    changes_at: datetime | None
    """When that ends, as far as it is known before."""

    @property
    def is_busy(self) -> bool:
        return self.phase in BUSY

    @property
    def is_coming(self) -> bool:
        """Nothing has begun, or what is left has not."""
        return self.phase in {Phase.PLANNED, Phase.DRAWN}

    @property
    def lots(self) -> list[Lot]:
        """The smallest face value first."""
        lots = self.round.lots.all()
        return sorted(lots, key=lambda lot: (lot.tier.face_fen, lot.pk))


def round_now(of: Round, *, at: datetime) -> RoundNow:
    phase = phase_of(of, at=at)
    begins = of.claims_from
    lobby = begins - timedelta(minutes=of.lobby_minutes) if begins else None
    is_drawn = of.way != Round.Way.RUSH
    changes = {
        Phase.PLANNED: of.opens_at if is_drawn else lobby,
        Phase.GATHERING: begins,
        Phase.OPEN: of.claims_until,
        Phase.SOLD_OUT: of.claims_until,
        Phase.ENTERING: of.closes_at,
        Phase.DRAWING: of.draws_at,
        Phase.DRAWN: lobby,
        Phase.OVER: None,
    }[phase]
    # A draw that is late is drawn when its sources are known.
    return RoundNow(of, phase, changes if changes and changes > at else None)


@dataclass(frozen=True)
class Offer:
    """A campaign with its rounds in the order of their opening."""

    campaign: Campaign
    rounds: list[RoundNow]

    @property
    def current(self) -> RoundNow | None:
        """The round that people look for: one that goes on, else the next."""
        if self.campaign.state == Campaign.State.CLOSED:
            return None
        # What can be had now comes before what is drawn in some days, or being drawn.
        rank = [Phase.OPEN, Phase.GATHERING, Phase.ENTERING, Phase.DRAWING]
        busy = [one for one in self.rounds if one.is_busy]
        busy.sort(key=lambda one: rank.index(one.phase))
        coming = [one for one in self.rounds if one.is_coming]
        coming.sort(key=_begins)
        open_but_empty = [one for one in self.rounds if one.phase == Phase.SOLD_OUT]
        return next(iter([*busy, *coming, *open_but_empty]), None)

    @property
    def is_over(self) -> bool:
        return self.current is None

    @property
    def is_now(self) -> bool:
        current = self.current
        return current is not None and not current.is_coming

    @property
    def tiers(self) -> list[Tier]:
        return sorted(self.campaign.tiers.all(), key=lambda tier: tier.face_fen)


def _begins(one: RoundNow) -> datetime:
    return one.changes_at or one.round.opens_at


def with_rounds(campaigns: QuerySet[Campaign]) -> QuerySet[Campaign]:
    """Campaigns with all that an `Offer` asks for, in four questions."""
    lots = Prefetch("lots", Lot.objects.select_related("tier").order_by("pk"))
    rounds = Round.objects.order_by("opens_at", "pk").prefetch_related(lots)
    return campaigns.prefetch_related(Prefetch("rounds", rounds), "tiers")


def offer_of(campaign: Campaign, *, at: datetime) -> Offer:
    """`campaign` comes from `with_rounds`."""
    rounds = []
    for one in campaign.rounds.all():
        one.campaign = campaign
        rounds.append(round_now(one, at=at))
    return Offer(campaign, rounds)


def offers(*, at: datetime) -> list[Offer]:
    """All public campaigns, the latest first."""
    found = with_rounds(Campaign.objects.public()).order_by("-published_at", "-pk")
    return [offer_of(campaign, at=at) for campaign in found]


def news(*, at: datetime) -> list[RoundNow]:
    """Rounds that go on or begin within a week, the most urgent first."""
    near = with_rounds(Campaign.objects.filter(state=Campaign.State.PUBLISHED))
    rounds = [
        one
        for campaign in near.order_by("pk")
        for one in offer_of(campaign, at=at).rounds
        if one.is_busy or (one.is_coming and _begins(one) <= at + AHEAD)
    ]
    rounds.sort(key=lambda one: (one.phase == Phase.DRAWING, _begins(one)))
    return rounds[:MOST_NEWS]


def terms_in_force(campaign: Campaign) -> Terms | None:
    """The newest published rules; a draft's own where none are published yet."""
    rules = campaign.terms.order_by("-version")
    return rules.published().first() or rules.first()
