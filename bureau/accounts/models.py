from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A person: a citizen (known by mobile number) or staff (known by user name)."""

    phone = models.CharField(
        _("mobile number"), max_length=16, unique=True, null=True, blank=True
    )
    phone_verified_at = models.DateTimeField(
        _("number verified at"), null=True, blank=True
    )
    language = models.CharField(_("language"), max_length=8, default="zh-hans")

    @property
    def role_text(self) -> str:
        """The person's roles, for the audit trail."""
        return ", ".join(sorted(group.name for group in self.groups.all()))
