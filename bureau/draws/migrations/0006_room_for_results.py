from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("draws", "0005_results_need_no_index")]
    operations = [
        migrations.RunSQL(
            "ALTER TABLE draws_entry SET (fillfactor = 45)",
            "ALTER TABLE draws_entry RESET (fillfactor)",
        )
    ]
