from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from bureau.common.errors import DomainError


class NecessaryNotice(DomainError):
    code = "notice_necessary"
    message = _("This kind of notice cannot be turned off.")
