from __future__ import annotations

from typing import Any

from django.db import migrations

# As they were when this migration was written; models.Role is today's list.
NAMES = [
    "venue_staff",
    "merchant_clerk",
    "merchant_manager",
    "patrol",
    "maintenance",
    "inspector",
    "site_operator",
    "judge",
    "bureau_staff",
    "city_staff",
]


def make_groups(apps: Any, schema_editor: Any) -> None:
    group = apps.get_model("auth", "Group")
    for name in NAMES:
        group.objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
