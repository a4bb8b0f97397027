from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION vouchers_terms_are_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.published_at IS NOT NULL THEN
        RAISE EXCEPTION 'published rules are never changed; there is a new version'
            USING ERRCODE = 'restrict_violation',
                  CONSTRAINT = 'vouchers_terms_are_frozen';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER vouchers_terms_are_frozen
    BEFORE UPDATE OR DELETE ON vouchers_terms
    FOR EACH ROW EXECUTE FUNCTION vouchers_terms_are_frozen();
"""
BACKWARD = """
DROP TRIGGER vouchers_terms_are_frozen ON vouchers_terms;
DROP FUNCTION vouchers_terms_are_frozen();
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0002_the_book_is_append_only")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
