from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0008_published_districts_are_frozen"),
    ]

    operations = [
        migrations.AlterField(
            model_name="transfer",
            name="campaign",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="transfers",
                to="vouchers.campaign",
                verbose_name="campaign",
            ),
        ),
        migrations.AlterField(
            model_name="transfer",
            name="credit",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="credits",
                to="vouchers.account",
                verbose_name="to",
            ),
        ),
        migrations.AlterField(
            model_name="transfer",
            name="debit",
            field=models.ForeignKey(
                db_constraint=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="debits",
                to="vouchers.account",
                verbose_name="from",
            ),
        ),
        # Codes are looked up whole: nothing reads the index for their beginnings.
        migrations.RunSQL(
            "DROP INDEX IF EXISTS vouchers_voucher_code_f448778f_like",
            "CREATE INDEX vouchers_voucher_code_f448778f_like"
            " ON vouchers_voucher (code varchar_pattern_ops)",
        ),
    ]
