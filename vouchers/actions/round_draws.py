"""The draw of a round is announced when the round is published (docs/draws.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from bureau.accounts.models import User
from bureau.common import clock, codes
from bureau.common.money import yuan
from bureau.draws import actions as draws
from bureau.draws.actions import BeaconName, PoolPlan
from bureau.draws.models import Beacon, Draw
from vouchers.models import Lot, Round, Tier

USUAL = (BeaconName(Beacon.Source.DRAND.value),)
"""Where staff name no issue of a lottery, drand's round of that moment decides."""


def announce_round_draw(
    *,
    round: Round,  # noqa: A002 - what it is
    beacons: Sequence[BeaconName] = (),
    code: str = "",
    by: User,
    at: datetime,
) -> Draw:
    """Make public how this round is drawn: a pool for each of its tiers.

    Call it inside the transaction that publishes the round. `code` ends the draw's
    number; without it a new one does. Raises what `draws.announce_draw` raises about
    times and sources.
    """
    lots = Lot.objects.filter(round=round).select_related("tier")
    with translation.override(settings.LANGUAGE_CODE):
        title = _("%(campaign)s, round %(number)s") % {
            "campaign": round.campaign.name,
            "number": round.number,
        }
        pools = [
            PoolPlan(lot.tier.pool_prefix, pool_name(lot.tier), lot.amount)
            for lot in lots.order_by("tier__face_fen", "tier__threshold_fen", "tier")
        ]
    assert round.draws_at is not None  # noqa: S101 - a constraint promises it
    draw = draws.announce_draw(
        draw_id=f"V{clock.local_day(round.draws_at):%Y%m%d}-{code or codes.new_code()}",
        title=title[:120],
        pools=pools,
        entries_close_at=round.closes_at,
        freezes_at=round.closes_at,
        draws_at=round.draws_at,
        beacons=beacons or USUAL,
        by=by,
        at=at,
    )
    round.draw = draw
    round.save(update_fields=["draw"])
    return draw


def pool_name(tier: Tier) -> str:
    """How the published rules of a draw call a tier."""
    words = _("%(face)s yuan off a bill of %(threshold)s") % {
        "face": yuan(tier.face_fen),
        "threshold": yuan(tier.threshold_fen),
    }
    return f"{tier.name}: {words}" if tier.name else words
