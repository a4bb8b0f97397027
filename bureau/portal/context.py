from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(request: HttpRequest) -> dict[str, Any]:
    """What every page shows of the bureau, and how this person wants to read it."""
    return {
        "site": {
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
    }
