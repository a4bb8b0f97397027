from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.contrib.gis.geos import Point
from django.db import models

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from bureau.regions.models import District, Posting


class DistrictQuerySet(models.QuerySet["District"]):
    def in_order(self) -> Self:
        """As the bureau lists them."""
        return self.order_by("position", "pk")

    def covering(self, point: Point) -> Self:
        """Those whose boundary holds the point; on a shared border both do."""
        return self.filter(boundary__covers=point)

    def served_by(self, user: User) -> Self:
        """Those that a member of staff is posted to."""
        return self.filter(postings__user=user)


class PostingQuerySet(models.QuerySet["Posting"]):
    def of(self, user: User) -> Self:
        return self.filter(user=user)
