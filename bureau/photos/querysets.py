from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Q

from bureau.accounts.models import Eligibility

if TYPE_CHECKING:
    from bureau.accounts.models import User
    from bureau.photos.models import Photo


class PhotoQuerySet(models.QuerySet["Photo"]):
    def about(self, subject: models.Model) -> Self:
        return self.filter(
            subject_type=subject._meta.label_lower, subject_id=subject.pk
        )

    def of_purpose(self, purpose: str) -> Self:
        return self.filter(purpose=purpose)

    def public(self) -> Self:
        return self.filter(purpose__in=self.model.PUBLIC)

    def visible_to(self, user: User | None) -> Self:
        """Public ones; a person's own; and those that the person reviews."""
        if user is None:
            return self.public()
        readable = [
            purpose
            for purpose, permission in self.model.REVIEWERS.items()
            if user.has_perm(permission)
        ]
        visible = (
            Q(purpose__in=self.model.PUBLIC)
            | Q(uploaded_by=user)
            | Q(purpose__in=readable)
        )
        if user.has_perm("accounts.review_eligibility"):
            visible |= Q(
                purpose=self.model.Purpose.CERTIFICATE,
                subject_type=Eligibility._meta.label_lower,
                subject_id__in=Eligibility.objects.checked_by(user).values("pk"),
            )
        return self.filter(visible)

    def with_content(self, sha256: str) -> Self:
        """Uploads of the very same file, whoever sent it."""
        return self.filter(sha256=sha256)

    def used_before(self, photo: Photo) -> Self:
        """Earlier uploads of the same file for something else."""
        return (
            self.with_content(photo.sha256)
            .filter(pk__lt=photo.pk)
            .exclude(subject_type=photo.subject_type, subject_id=photo.subject_id)
        )
