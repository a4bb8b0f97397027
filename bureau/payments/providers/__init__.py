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
from bureau.payments.providers.cash import CashProvider
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
    for provider in (
        SandboxProvider(),
        WeChatProvider(),
        AlipayProvider(),
        CashProvider(),
    )
}


def offered() -> list[str]:
    """Names of the providers of this city, in the order of the setting."""
    return [
        name
        for name in settings.PAYMENT_PROVIDERS
        if name in _PROVIDERS and not _PROVIDERS[name].at_desk
    ]


def named(name: str) -> Provider:
    """Raises `ProviderNotOffered` for one that this city does not use.

    A desk takes cash in every city, though it is offered to nobody on line.
    """
    found = _PROVIDERS.get(name)
    if found is None or not (found.at_desk or name in offered()):
        raise ProviderNotOffered
    return found
