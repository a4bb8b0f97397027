from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core import checks

_NEEDED = {
    "wechat": [
        "WECHAT_APP_ID",
        "WECHAT_MERCHANT_ID",
        "WECHAT_CERTIFICATE_SERIAL",
        "WECHAT_PRIVATE_KEY",
        "WECHAT_APIV3_KEY",
        "WECHAT_PLATFORM_KEY",
        "WECHAT_PLATFORM_KEY_ID",
    ],
    "alipay": ["ALIPAY_APP_ID", "ALIPAY_PRIVATE_KEY", "ALIPAY_PUBLIC_KEY"],
    "sandbox": ["SANDBOX_KEY"],
}
PUBLIC_SANDBOX_KEY = "sandbox-only"


@checks.register()
def providers_are_configured(**_: Any) -> list[checks.CheckMessage]:
    """A provider that is offered has its keys, and its name is one we know."""
    found: list[checks.CheckMessage] = []
    for name in settings.PAYMENT_PROVIDERS:
        if name not in _NEEDED:
            text = f"BUREAU_PAYMENT_PROVIDERS names an unknown provider: {name}."
            found.append(checks.Error(text, id="payments.E001"))
            continue
        missing = [key for key in _NEEDED[name] if not getattr(settings, key)]
        if missing:
            text = (
                f"{name} is offered, but not set: BUREAU_{', BUREAU_'.join(missing)}."
            )
            found.append(checks.Error(text, id="payments.E002"))
    return found


@checks.register(deploy=True)
def nobody_pays_with_play_money(**_: Any) -> list[checks.CheckMessage]:
    """Outside the demonstration, the sandbox would let everyone in for nothing."""
    if "sandbox" not in settings.PAYMENT_PROVIDERS or settings.DEMO:
        return []
    if settings.SANDBOX_KEY == PUBLIC_SANDBOX_KEY:
        text = "The sandbox cashier is offered with the key that everybody knows."
        return [checks.Error(text, id="payments.E003")]
    return [checks.Warning("The sandbox cashier is offered.", id="payments.W001")]
