from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Sport(models.TextChoices):
    """The sports a city's public venues offer; codes are part of the API."""

    BADMINTON = "badminton", _("Badminton")
    BASKETBALL = "basketball", _("Basketball")
    TABLE_TENNIS = "table_tennis", _("Table tennis")
    TENNIS = "tennis", _("Tennis")
    FOOTBALL = "football", _("Football")
    VOLLEYBALL = "volleyball", _("Volleyball")
    SWIMMING = "swimming", _("Swimming")
    ATHLETICS = "athletics", _("Athletics")
    FITNESS = "fitness", _("Fitness")
    CLIMBING = "climbing", _("Climbing")
    SKIING = "skiing", _("Skiing")
    DIVING = "diving", _("Diving")
