from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class Datum(models.TextChoices):
    """The system that a coordinate came in. What we store is always WGS-84."""

    WGS84 = "wgs84", _("WGS-84 (GPS, Tianditu)")
    GCJ02 = "gcj02", _("GCJ-02 (Amap, Tencent)")
    BD09 = "bd09", _("BD-09 (Baidu)")
