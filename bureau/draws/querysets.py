from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from bureau.draws.models import Beacon, Draw, DrawEntry, LogLine, PublishedPart


class DrawQuerySet(models.QuerySet["Draw"]):
    def to_freeze_at(self, moment: datetime) -> Self:
        """Open, and the announced time to freeze the list has come."""
        return self.filter(state="open", freezes_at__lte=moment)

    def with_every_beacon_known(self) -> Self:
        """Frozen, and nothing is missing for the seed."""
        return self.filter(state="frozen").exclude(beacons__known_at=None)

    def newest_first(self) -> Self:
        return self.order_by("-draws_at", "-pk")


class DrawEntryQuerySet(models.QuerySet["DrawEntry"]):
    def visible_to(self, user: User) -> Self:
        return self.filter(person=user)

    def winners(self) -> Self:
        return self.filter(outcome="won")


class BeaconQuerySet(models.QuerySet["Beacon"]):
    def to_read_at(self, moment: datetime) -> Self:
        """Drawn by now, of a draw that waits for them, and not known yet."""
        return self.filter(
            known_at=None, draw__state="frozen", draw__draws_at__lte=moment
        )


class LogLineQuerySet(models.QuerySet["LogLine"]):
    def in_order(self) -> Self:
        return self.order_by("position")


class PublishedPartQuerySet(models.QuerySet["PublishedPart"]):
    def of_file(self, draw: Draw, name: str) -> Self:
        return self.filter(draw=draw, name=name).order_by("position")
