from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    """Numbers are looked up whole: nothing reads the index for their beginnings."""

    dependencies = [("payments", "0003_payment_indexes_for_what_is_read")]

    operations = [
        migrations.RunSQL(
            "DROP INDEX IF EXISTS payments_payment_number_cb3ce506_like",
            "CREATE INDEX payments_payment_number_cb3ce506_like"
            " ON payments_payment (number varchar_pattern_ops)",
        ),
    ]
