from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from bureau.portal import queries


@dataclass(frozen=True)
class Tab:
    """A place in the main navigation; `current` is a value of aria-current."""

    url: str
    label: str
    icon: str
    current: str = ""
    count: int = 0


def portal(request: HttpRequest) -> dict[str, Any]:
    """What every page shows of the bureau, and how this person wants to read it."""
    return {
        "portal": {
            "name": settings.SITE_NAME,
            "bureau": settings.BUREAU_NAME,
            "city": settings.CITY_NAME,
            "hotline": settings.HOTLINE,
            "icp": settings.ICP_NUMBER,
            "police": settings.POLICE_NUMBER,
            "identifier": settings.SITE_IDENTIFIER,
            "demo": settings.DEMO,
        },
        "elder": request.COOKIES.get("mode") == "elder",
        # Asked only by a page that shows them.
        "tabs": SimpleLazyObject(lambda: _tabs(request)),
    }


def _tabs(request: HttpRequest) -> list[Tab]:
    unread = queries.unread_notices(getattr(request, "user", None))
    places = [
        ("portal:home", _("Home"), "home", 0),
        ("venues:list", _("Venues"), "court", 0),
        ("vouchers:list", _("Vouchers"), "ticket", 0),
        ("notices:inbox", _("Messages"), "bell", unread),
        ("portal:me", _("Me"), "user", 0),
    ]
    tabs = []
    for name, label, icon, count in places:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        tabs.append(Tab(url, label, icon, _current(request.path, url), count))
    return tabs


def _current(path: str, url: str) -> str:
    if path == url:
        return "page"
    return "true" if url != "/" and path.startswith(url) else ""
