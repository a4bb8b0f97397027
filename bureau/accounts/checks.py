from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution

from bureau.accounts.providers import PROVIDERS
from bureau.common.sms import SENDERS


@register(Tags.security)
def senders_are_known(**_: Any) -> list[CheckMessage]:
    """A misspelt setting stops the start, not the first person who signs in."""
    found: list[CheckMessage] = []
    if settings.SMS_SENDER not in SENDERS:
        found.append(
            Error(
                f"BUREAU_SMS_SENDER is {settings.SMS_SENDER!r}.",
                hint=f"Use one of {', '.join(sorted(SENDERS))}.",
                id="accounts.E001",
            )
        )
    if settings.SMS_SENDER == "page" and not settings.DEMO:
        found.append(
            Error(
                "BUREAU_SMS_SENDER=page shows the sign-in code to whoever asks for it.",
                hint="It is for the demonstration (BUREAU_DEMO=1) only.",
                id="accounts.E002",
            )
        )
    if settings.IDENTITY_PROVIDER not in PROVIDERS:
        found.append(
            Error(
                f"BUREAU_IDENTITY_PROVIDER is {settings.IDENTITY_PROVIDER!r}.",
                hint=f"Use one of {', '.join(sorted(PROVIDERS))}.",
                id="accounts.E003",
            )
        )
    if settings.SMS_SENDER == "aliyun" and not (
        settings.ALIYUN_ACCESS_KEY_ID
        and settings.ALIYUN_ACCESS_KEY_SECRET
        and "login_code" in settings.SMS_TEMPLATES
    ):
        found.append(
            Error(
                "Aliyun needs its key, its secret and a template for login_code.",
                hint="Set BUREAU_ALIYUN_ACCESS_KEY_ID, BUREAU_ALIYUN_ACCESS_KEY_SECRET "
                "and BUREAU_SMS_TEMPLATES=login_code=SMS_…",
                id="accounts.E004",
            )
        )
    return found


@register(Tags.security, deploy=True)
def identities_are_really_checked(**_: Any) -> list[CheckMessage]:
    if settings.IDENTITY_PROVIDER == "format" and not settings.DEMO:
        return [
            Caution(
                "Real names are checked by their digits only.",
                hint="Connect a provider: BUREAU_IDENTITY_PROVIDER.",
                id="accounts.W001",
            )
        ]
    return []
