"""Whom a booking is shared with."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from venues.models.bookings import Booking
from venues.querysets import CompanionQuerySet


class Companion(models.Model):
    """Somebody who plays along, with a pass of their own.

    They joined by the invite link; the booker sees no more than a masked name.
    """

    booking = models.ForeignKey(
        Booking,
        verbose_name=_("booking"),
        on_delete=models.CASCADE,
        related_name="companions",
    )
    user = models.ForeignKey(
        User,
        verbose_name=_("person"),
        on_delete=models.PROTECT,
        related_name="companionships",
    )
    joined_at = models.DateTimeField(_("joined at"))
    left_at = models.DateTimeField(_("left at"), null=True, blank=True)

    objects = CompanionQuerySet.as_manager()

    class Meta:
        verbose_name = _("companion")
        verbose_name_plural = _("companions")
        constraints = [
            models.UniqueConstraint(
                fields=["booking", "user"],
                condition=Q(left_at=None),
                name="venues_companion_once_per_booking",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} + {self.booking}"

    def get_absolute_url(self) -> str:
        return reverse("venues:together", args=[self.booking.number])
