"""Django's cached_db sessions, which go on from the database alone without Redis."""

from __future__ import annotations

import logging
import re
from typing import Any

from django.conf import settings
from django.contrib.sessions.backends import cached_db
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.core.cache import caches
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
_KEY = re.compile(r"[a-z0-9]{8,40}", re.ASCII)  # as Django makes them


class SessionStore(cached_db.SessionStore):
    def _validate_session_key(self, key: str | None) -> bool:
        """A cookie may hold anything, a NUL too: that is no key of ours."""
        return bool(key and _KEY.fullmatch(key))

    def load(self) -> dict[str, Any]:
        try:
            return super().load()
        except RedisError:
            logger.warning("Sessions are read without Redis")
            return DatabaseSessions.load(self)

    def exists(self, session_key: str) -> bool:
        try:
            return super().exists(session_key)
        except RedisError:
            return DatabaseSessions.exists(self, session_key)

    def delete(self, session_key: str | None = None) -> None:
        DatabaseSessions.delete(self, session_key)
        if session_key is None:
            session_key = self.session_key
        if session_key is None:
            return
        # A session that outlives its row in the cache would be a sign-out that failed,
        # so this one error is not swallowed.
        caches[settings.SESSION_CACHE_ALIAS].delete(self.cache_key_prefix + session_key)
