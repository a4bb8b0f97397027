from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class BadBoundaries(DomainError):
    code = "regions_bad_boundaries"
    message = _("Feature %(number)s is not a district: %(reason)s")
