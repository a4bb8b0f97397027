"""Django's Redis cache, with one client a process."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient


class OneClient(RedisCacheClient):
    """Makes its client once: redis-py takes longer to make one than to ask with it.

    A client may be shared by threads, and its pool notices a fork.
    """

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:  # noqa: ARG002
        # One server: reading and writing need no client of their own.
        return self._one

    @cached_property
    def _one(self) -> Any:
        return super().get_client(write=True)


class Redis(RedisCache):
    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = OneClient
