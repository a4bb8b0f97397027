from __future__ import annotations

from django.contrib.postgres.operations import BtreeGistExtension, TrigramExtension
from django.db import migrations
from django.db.migrations.operations.base import Operation
from django.contrib.postgres.operations import CreateExtension


class Migration(migrations.Migration):
    """What the database must be able to do, before any table."""

    initial = True
    operations: list[Operation] = [
        CreateExtension("postgis"),
        BtreeGistExtension(),
        TrigramExtension(),
    ]
