from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from bureau.accounts.models import User
from bureau.photos.querysets import PhotoQuerySet


class Photo(models.Model):
    """A picture that somebody sent, decoded and written anew.

    The stored file has no metadata. `sha256` is of the file as it came, so that the
    same picture sent for two things is found.
    """

    class Purpose(models.TextChoices):
        CERTIFICATE = "certificate", _("certificate")
        REPORT = "report", _("report of a defect")
        WORK = "work", _("proof of work")
        INSPECTION = "inspection", _("inspection")
        VENUE = "venue", _("picture of a venue")
        EVENT = "event", _("picture of an event")
        LICENCE = "licence", _("business licence")
        PERMIT = "permit", _("permit for high-risk sports")

    # Who may see what: everybody, or the sender and those with the permission. A
    # certificate is seen by who may check it (`visible_to`).
    PUBLIC = (Purpose.VENUE, Purpose.EVENT)
    REVIEWERS = {
        Purpose.REPORT: "photos.view_photo",
        Purpose.WORK: "photos.view_photo",
        Purpose.INSPECTION: "photos.view_photo",
        Purpose.LICENCE: "vouchers.decide_merchant",
        Purpose.PERMIT: "vouchers.decide_merchant",
    }

    # In the address instead of the id, which would tell how many there are.
    code = models.CharField(_("code"), max_length=16, unique=True)
    subject_type = models.CharField(_("kind of subject"), max_length=80)
    subject_id = models.BigIntegerField(_("subject"))
    purpose = models.CharField(_("purpose"), max_length=12, choices=Purpose.choices)
    file = models.FileField(_("file"), upload_to="photos", max_length=200)
    sha256 = models.CharField(_("SHA-256 of the upload"), max_length=64, db_index=True)
    bytes = models.PositiveIntegerField(_("bytes"))
    width = models.PositiveIntegerField(_("width"))
    height = models.PositiveIntegerField(_("height"))
    # How far from the subject it was taken, in steps (see geo.coarse); the place itself
    # is never kept. Empty when the picture does not say.
    distance_m = models.PositiveIntegerField(
        _("taken within, metres"), null=True, blank=True
    )
    uploaded_by = models.ForeignKey(
        User,
        verbose_name=_("sent by"),
        on_delete=models.PROTECT,
        related_name="+",
        null=True,
        blank=True,
    )
    uploaded_at = models.DateTimeField(_("sent at"))

    objects = PhotoQuerySet.as_manager()

    class Meta:
        verbose_name = _("photo")
        verbose_name_plural = _("photos")
        constraints = [
            models.CheckConstraint(
                condition=Q(width__gt=0, height__gt=0, bytes__gt=0),
                name="photos_photo_has_content",
            ),
        ]
        indexes = [
            models.Index(
                fields=["subject_type", "subject_id", "id"],
                name="photos_photo_by_subject",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()} {self.code}"

    def get_absolute_url(self) -> str:
        return reverse("photos:photo", args=[self.code])

    @property
    def is_public(self) -> bool:
        return self.purpose in self.PUBLIC
