"""What allauth asks us: how staff sign in, and how their second factor is kept."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.auth_backends import AuthenticationBackend
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext_lazy as _
from knox.auth import TokenAuthentication as KnoxTokens
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from bureau.accounts.errors import StaffMustSetUpApp
from bureau.accounts.http import READING
from bureau.accounts.models import Role, User
from bureau.accounts.queries import signed_in_person
from bureau.common import http, sealed


class Backend(AuthenticationBackend):  # type: ignore[misc]
    def get_user(self, user_id: Any) -> User | None:
        """Who a session belongs to, with their roles; asked for every request."""
        person = signed_in_person(int(user_id))
        return person if person and self.user_can_authenticate(person) else None


class TokenAuthentication(KnoxTokens):  # type: ignore[misc]
    """Tokens of devices; one from before its holder became staff is not enough."""

    def authenticate(self, request: Request) -> tuple[User, Any] | None:
        found: tuple[User, Any] | None = super().authenticate(request)
        found_at = request.resolver_match
        about_oneself = found_at and found_at.url_name in {"api-tokens", "api-token"}
        if (
            found
            and request.method not in READING
            and not about_oneself
            and found[0].only_reads
        ):
            raise PermissionDenied
        return found

    def authenticate_credentials(self, token: bytes) -> tuple[User, Any]:
        if not token.isascii():
            raise AuthenticationFailed
        answer: tuple[User, Any] = super().authenticate_credentials(token)
        return answer

    def validate_user(self, auth_token: Any) -> tuple[User, Any]:
        person, held = super().validate_user(auth_token)
        if (
            settings.STAFF_MFA_REQUIRED
            and person.needs_second_factor
            and not is_mfa_enabled(person)
        ):
            raise StaffMustSetUpApp
        return person, held


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "too_many_login_attempts": _(
            "Too many wrong passwords. Signing in with this name is locked for "
            "15 minutes."
        ),
        "username_password_mismatch": _(
            "The user name or the password is not correct."
        ),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        """Citizens come in by the one door, and staff are made by staff."""
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        """One rule for proxies in the whole portal; never trust what it does not."""
        return http.client_ip(request) or "0.0.0.0"  # noqa: S104 - a name, not a bind

    def get_login_redirect_url(self, request: HttpRequest) -> str:
        if isinstance(request.user, User) and request.user.is_staff:
            # Who only stands at a gate finds nothing on the staff pages.
            at_a_gate = request.user.role_text == Role.VENUE_STAFF
            return "/gate/" if at_a_gate else "/admin/"
        return str(super().get_login_redirect_url(request))

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Signing in shows in the header; nobody needs to be told as well."""

    def respond_user_inactive(
        self,
        request: HttpRequest,  # noqa: ARG002
        user: AbstractBaseUser,  # noqa: ARG002
    ) -> HttpResponse:
        return redirect("account_inactive")


class SecondFactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """The TOTP secret is sealed like every other secret of a person."""

    def encrypt(self, text: str) -> str:
        return sealed.seal(text).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return sealed.unseal(encrypted_text.encode())
