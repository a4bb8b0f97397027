from __future__ import annotations

from django.db import migrations

# Hashes do not compress: PostgreSQL need not try.
FORWARD = """
ALTER TABLE draws_publishedpart ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE FUNCTION draws_publishedpart_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was published of a draw is never changed or deleted'
        USING ERRCODE = 'restrict_violation',
              CONSTRAINT = 'draws_publishedpart_is_append_only';
END $$;
CREATE TRIGGER draws_publishedpart_is_append_only
    BEFORE UPDATE OR DELETE ON draws_publishedpart
    FOR EACH ROW EXECUTE FUNCTION draws_publishedpart_is_append_only();
"""
BACKWARD = """
DROP TRIGGER draws_publishedpart_is_append_only ON draws_publishedpart;
DROP FUNCTION draws_publishedpart_is_append_only();
ALTER TABLE draws_publishedpart ALTER COLUMN body SET STORAGE EXTENDED;
"""


class Migration(migrations.Migration):
    dependencies = [("draws", "0003_published_parts")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
