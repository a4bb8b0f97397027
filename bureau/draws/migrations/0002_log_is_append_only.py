from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION draws_logline_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the public log of a draw is never changed or deleted'
        USING ERRCODE = 'restrict_violation',
              CONSTRAINT = 'draws_logline_is_append_only';
END $$;
CREATE TRIGGER draws_logline_is_append_only
    BEFORE UPDATE OR DELETE ON draws_logline
    FOR EACH ROW EXECUTE FUNCTION draws_logline_is_append_only();
"""
BACKWARD = """
DROP TRIGGER draws_logline_is_append_only ON draws_logline;
DROP FUNCTION draws_logline_is_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("draws", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
