from __future__ import annotations

from django.contrib.gis.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.regions.querysets import DistrictQuerySet, PostingQuerySet


class District(models.Model):
    """A district, county or county-level city of the city."""

    code = models.CharField(
        _("GB/T 2260 code"), max_length=6, unique=True, help_text=_("Six digits.")
    )
    name = models.CharField(_("name"), max_length=40)
    name_en = models.CharField(_("name in English"), max_length=60, blank=True)
    boundary = models.MultiPolygonField(_("boundary"), srid=4326)
    population = models.PositiveIntegerField(_("population"), null=True, blank=True)
    position = models.PositiveSmallIntegerField(_("position in lists"), default=0)

    objects = DistrictQuerySet.as_manager()

    class Meta:
        verbose_name = _("district")
        verbose_name_plural = _("districts")
        constraints = [
            models.CheckConstraint(
                condition=Q(code__regex=r"^[1-9][0-9]{5}$"),
                name="regions_district_code_is_six_digits",
            ),
        ]

    def __str__(self) -> str:
        return self.local_name

    @property
    def local_name(self) -> str:
        """The name in the language of the page."""
        if (get_language() or "").startswith("en") and self.name_en:
            return self.name_en
        return self.name


class Posting(models.Model):
    """A member of staff works for a district, and sees what lies in it."""

    user = models.ForeignKey(
        User,
        verbose_name=_("member of staff"),
        on_delete=models.CASCADE,
        related_name="postings",
    )
    district = models.ForeignKey(
        District,
        verbose_name=_("district"),
        on_delete=models.PROTECT,
        related_name="postings",
    )

    objects = PostingQuerySet.as_manager()

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "district"], name="regions_posting_once_a_district"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user}, {self.district}"
