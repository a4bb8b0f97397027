"""Who confirms that a name and an ID number belong together. Behind one interface.

A city connects its own (the public security bureau's check, a province's citizen
account) as one more class here; it is called outside transactions, with time-outs.
"""

from __future__ import annotations

from typing import Protocol

from django.conf import settings


class ProviderAway(Exception):
    """The provider did not answer; nothing is known about the person."""


class IdentityProvider(Protocol):
    name: str

    def confirms(self, *, name: str, id_number: str) -> bool:
        """Whether the two belong to one person. Raises `ProviderAway`."""
        ...


class FormatOnly:
    """For the demonstration: the caller has checked the digits, and that must do."""

    name = "format"

    def confirms(self, *, name: str, id_number: str) -> bool:
        return bool(name and id_number)


PROVIDERS: dict[str, type[IdentityProvider]] = {"format": FormatOnly}


def identity_provider() -> IdentityProvider:
    return PROVIDERS[settings.IDENTITY_PROVIDER]()
