from django.db import migrations

# What was invited before anybody noted whether the SMS went out is not sent again.
SENT = "UPDATE vouchers_member SET invite_sent_at = invited_at"


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0013_invitations_are_sent"),
    ]

    operations = [
        migrations.RunSQL(SENT, migrations.RunSQL.noop),
    ]
