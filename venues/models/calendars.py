"""A person's own bookings, read by the calendar on their phone."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User


class CalendarFeed(models.Model):
    """The secret address under which a calendar program reads a person's bookings.

    We keep a hash of its code: whoever reads this table can open no feed. A new address
    takes the place of the old one.
    """

    user = models.OneToOneField(
        User,
        verbose_name=_("person"),
        on_delete=models.CASCADE,
        related_name="calendar_feed",
    )
    code_hash = models.CharField(
        _("SHA-256 of the code"), max_length=64, unique=True, editable=False
    )
    made_at = models.DateTimeField(_("made at"))

    class Meta:
        verbose_name = _("calendar feed")
        verbose_name_plural = _("calendar feeds")

    def __str__(self) -> str:
        return str(self.user)
