from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlencode

from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse

from bureau.accounts.errors import StaffMustSetUpApp
from bureau.accounts.http import READING
from bureau.accounts.models import User


class StaffSecondFactor:
    """Staff see and do nothing before an authenticator app is set up.

    Not in /admin/ and not at the gate, the desk, the API: what is not named here is
    closed, so that a page that is added later is closed, too. Once the app is set up,
    allauth asks for its code at every sign-in, whichever door was used.
    """

    # Setting it up, signing out, and what anybody may read who is not signed in.
    open_to_all = (
        "/accounts/",
        "/i18n/",
        "/about/",
        "/accessibility/",
        "/privacy/",
        "/terms/",
        "/offline/",
        "/favicon.ico",
        "/manifest.webmanifest",
        "/sw.js",
        "/healthz",
        "/readyz",
        "/metrics",
    )

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if (
            not settings.STAFF_MFA_REQUIRED
            or path.startswith(self.open_to_all)
            or not isinstance(request.user, User)
            or not request.user.needs_second_factor
            or is_mfa_enabled(request.user)
        ):
            return self.get_response(request)
        if path.startswith("/api/"):
            refusal = StaffMustSetUpApp()
            told = {"code": refusal.code, "message": str(refusal)}
            return JsonResponse(told, status=refusal.status)
        # Only what can be opened again is worth going back to.
        following = request.get_full_path() if request.method == "GET" else "/"
        query = urlencode({"next": following})
        return redirect(f"{reverse('mfa_activate_totp')}?{query}")


class AuditorsOnlyRead:
    """An auditor opens pages and sends nothing, whatever page it is.

    The permissions of the role say the same (`manage.py sync_roles`). This holds for a
    page that forgets to ask for one, and for what citizens do without any. Tokens of
    the API do not pass here (`adapter.TokenAuthentication`), and neither does a claim
    by who joined a queue before the role was given (`vouchers.middleware.ClaimLane`).
    """

    # Signing in and out, the own password and devices, the language, the inbox.
    about_oneself = (
        "/accounts/",
        "/admin/logout/",
        "/admin/password_change/",
        "/i18n/",
        "/me/devices/",
        "/me/sessions/",
        "/notices/",
    )

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if (
            request.method not in READING
            and not request.path_info.startswith(self.about_oneself)
            and isinstance(request.user, User)
            and request.user.only_reads
        ):
            raise PermissionDenied
        return self.get_response(request)
