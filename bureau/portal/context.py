from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _

from bureau.portal import queries

# Which tab a page lies under, by the beginning of its address; the longest one counts.
_UNDER = {
    "/venues/": "venues:list",
    "/ballots/": "venues:list",
    "/seasons/": "venues:list",
    "/vouchers/": "vouchers:list",
    "/merchants/": "vouchers:list",
    "/notices/": "notices:inbox",
    "/me/": "portal:me",
    "/accounts/": "portal:me",
    "/bookings/": "portal:me",
    "/calendar/": "portal:me",
    "/clubs/": "portal:me",
    "/conduct/": "portal:me",
    "/draws/entries/": "portal:me",
    "/favourites/": "portal:me",
    "/invoices/": "portal:me",
    "/merchants/mine/": "portal:me",
    "/seasons/requests/": "portal:me",
    "/together/": "portal:me",
    "/waiting/": "portal:me",
}


@dataclass(frozen=True)
class Site:
    """Who runs this portal, as the settings have it."""

    name: str
    bureau: str
    city: str
    hotline: str
    icp: str
    police: str
    identifier: str
    demo: bool


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
        "portal": Site(
            name=settings.SITE_NAME,
            bureau=settings.BUREAU_NAME,
            city=settings.CITY_NAME,
            hotline=settings.HOTLINE,
            icp=settings.ICP_NUMBER,
            police=settings.POLICE_NUMBER,
            identifier=settings.SITE_IDENTIFIER,
            demo=settings.DEMO,
        ),
        "elder": request.COOKIES.get("mode") == "elder",
        # Asked only by a page that shows them, and once.
        "tabs": cache(lambda: _tabs(request)),
    }


def _tabs(request: HttpRequest) -> tuple[Tab, ...]:
    unread = queries.unread_notices(getattr(request, "user", None))
    places = [
        ("portal:home", _("Home"), "home", 0),
        ("venues:list", _("Venues"), "court", 0),
        ("vouchers:list", _("Vouchers"), "ticket", 0),
        ("notices:inbox", _("Messages"), "bell", unread),
        ("portal:me", _("Me"), "user", 0),
    ]
    lies_under = _tab_of(request.path)
    tabs = []
    for name, label, icon, count in places:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        current = "true" if name == lies_under else ""
        if request.path == url:
            current = "page"
        tabs.append(Tab(url, label, icon, current, count))
    return tuple(tabs)


def _tab_of(path: str) -> str:
    """The name of the tab that a page lies under; empty for one of no tab."""
    beginnings = [start for start in _UNDER if path.startswith(start)]
    return _UNDER[max(beginnings, key=len)] if beginnings else ""
