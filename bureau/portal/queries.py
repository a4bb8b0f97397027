from __future__ import annotations

import redis
from django.core.cache import cache
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor


def failing_parts() -> list[str]:
    """Which of "database", "migrations" and "redis" would fail a person now."""
    failed = []
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        failed.append("database")
    else:
        if _migrations_are_waiting():
            failed.append("migrations")
    try:
        cache.get("readyz")
    except (redis.RedisError, OSError):
        failed.append("redis")
    return failed


def _migrations_are_waiting() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))
