"""The ways to pay, behind one interface. Which are offered is a setting."""

from __future__ import annotations

from django.conf import settings

from bureau.payments.errors import ProviderNotOffered
from bureau.payments.providers.alipay import AlipayProvider
from bureau.payments.providers.base import (
    Answer,
    Callback,
    ForgedCallback,
    Money,
    Opening,
    Provider,
    ProviderUnavailable,
    RefundAnswer,
)
from bureau.payments.providers.sandbox import SandboxProvider
from bureau.payments.providers.wechat import WeChatProvider

__all__ = [
    "Answer",
    "Callback",
    "ForgedCallback",
    "Money",
    "Opening",
    "Provider",
    "ProviderUnavailable",
    "RefundAnswer",
    "named",
    "offered",
]

_PROVIDERS: dict[str, Provider] = {
    provider.name: provider
    for provider in (SandboxProvider(), WeChatProvider(), AlipayProvider())
}


def offered() -> list[str]:
    """Names of the providers of this city, in the order of the setting."""
    return [name for name in settings.PAYMENT_PROVIDERS if name in _PROVIDERS]


def named(name: str) -> Provider:
    """Raises `ProviderNotOffered` for one that this city does not use."""
    if name not in offered():
        raise ProviderNotOffered
    return _PROVIDERS[name]
