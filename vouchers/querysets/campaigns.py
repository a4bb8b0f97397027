from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

LAID_OUT_BEFORE = timedelta(minutes=1)

if TYPE_CHECKING:
    from vouchers.models import Campaign, Lot, Round, Terms


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def public(self) -> Self:
        """What everybody may see: a draft is nobody's business yet."""
        return self.exclude(state="draft")

    def with_progress(self) -> Self:
        """With `claimed_fen` and `redeemed_fen`, from the hours that were counted.

        Some seconds behind the book itself, and as fast with a million vouchers.
        What expired and went out again was claimed twice.
        """

        def fen(*kinds: str) -> models.functions.Coalesce:
            mine = Q(book_hours__kind__in=kinds)
            return models.functions.Coalesce(
                models.Sum("book_hours__amount_fen", filter=mine), 0
            )

        return self.annotate(
            claimed_fen=fen("claim"),
            redeemed_fen=fen("redeem") - fen("undo", "give_back", "lose"),
        )


class TermsQuerySet(models.QuerySet["Terms"]):
    def published(self) -> Self:
        return self.exclude(published_at=None)

    def newest(self) -> Terms:
        """The last version of one campaign's rules, which always has one."""
        return self.order_by("-version")[0]


class RoundQuerySet(models.QuerySet["Round"]):
    def public(self) -> Self:
        return self.exclude(campaign__state="draft")

    def to_lay_out_at(self, moment: datetime) -> Self:
        """Open within a minute or open already, and nothing is on offer yet.

        The second in which everybody comes has no time for it; a draw that gives away
        its vouchers needs them when entries close.
        """
        return self.filter(
            Q(way="rush", opens_at__lte=moment + LAID_OUT_BEFORE)
            | Q(way__in=["draw", "hybrid"], closes_at__lte=moment),
            laid_out_at=None,
            ended_at=None,
            campaign__state="published",
        )

    def to_hand_out(self) -> Self:
        """Drawn, and what was drawn is not handed out yet."""
        return self.filter(
            way__in=["draw", "hybrid"], draw__state="drawn", handed_out_at=None
        )

    def over_at(self, moment: datetime) -> Self:
        """Nothing can be claimed any more, and what is left is still with the round."""
        return self.filter(
            Q(way="rush", closes_at__lte=moment)
            | Q(way="draw", handed_out_at__isnull=False)
            | Q(way="hybrid", rush_closes_at__lte=moment),
            laid_out_at__isnull=False,
            ended_at=None,
        )


class LotQuerySet(models.QuerySet["Lot"]):
    def to_call_at(self, moment: datetime) -> Self:
        """In a rush that goes on, and perhaps it is time to call the next people."""
        goes_on = Q(
            round__way="rush",
            round__opens_at__lte=moment,
            round__closes_at__gt=moment,
        ) | Q(
            round__way="hybrid",
            round__rush_opens_at__lte=moment,
            round__rush_closes_at__gt=moment,
        )
        return self.filter(
            goes_on,
            Q(called=None) | Q(held_until__lte=moment),
            round__spread_seconds__gt=0,
            round__called_off_at=None,
            round__campaign__state="published",
            laid_out__isnull=False,
            sold_out_at=None,
        )

    def with_remaining(self) -> Self:
        """With `remaining`: how many can still be had (0 before they are laid out)."""
        return self.annotate(
            remaining=models.functions.Coalesce(models.Sum("shards__remaining"), 0)
        )
