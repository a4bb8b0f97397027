from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    """The model has a name of its own beside the audit's; its table stays as it is."""

    dependencies = [
        ("draws", "0006_room_for_results"),
        ("venues", "0013_a_quota_has_a_period"),
    ]
    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RenameModel("Entry", "DrawEntry"),
                migrations.AlterModelTable("DrawEntry", "draws_entry"),
            ]
        )
    ]
