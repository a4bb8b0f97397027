from __future__ import annotations

from django.db import migrations


class Migration(migrations.Migration):
    """Numbers are looked up whole: nothing reads the index for their beginnings."""

    dependencies = [("venues", "0016_booking_indexes_for_what_is_read")]

    operations = [
        migrations.RunSQL(
            "DROP INDEX IF EXISTS venues_booking_number_9108085c_like",
            "CREATE INDEX venues_booking_number_9108085c_like"
            " ON venues_booking (number varchar_pattern_ops)",
        ),
    ]
