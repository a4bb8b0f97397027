from django.db import migrations

# Figures that were counted with what was refunded of a bill are counted anew.
AFRESH = """
    UPDATE vouchers_counteduntil AS counted SET changed_at = '2000-01-01 00:00:00+00'
     WHERE EXISTS (SELECT FROM vouchers_redemption AS redemption
                     JOIN vouchers_voucher AS voucher
                       ON voucher.id = redemption.voucher_id
                    WHERE redemption.state = 'done'
                      AND redemption.refund_fen IS NOT NULL
                      AND voucher.campaign_id = counted.campaign_id)
"""


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0016_rounds_are_called_off"),
    ]

    operations = [
        migrations.RunSQL(AFRESH, migrations.RunSQL.noop),
    ]
