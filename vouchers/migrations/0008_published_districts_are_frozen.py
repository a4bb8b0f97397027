from __future__ import annotations

from django.db import migrations

# The districts of a version stand in a table of their own; they are frozen with it.
FORWARD = """
CREATE FUNCTION vouchers_terms_districts_are_frozen() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM vouchers_terms
                WHERE id = coalesce(NEW.terms_id, OLD.terms_id)
                  AND published_at IS NOT NULL) THEN
        RAISE EXCEPTION 'published rules are never changed; there is a new version'
            USING ERRCODE = 'restrict_violation',
                  CONSTRAINT = 'vouchers_terms_are_frozen';
    END IF;
    RETURN coalesce(NEW, OLD);
END $$;
CREATE TRIGGER vouchers_terms_districts_are_frozen
    BEFORE INSERT OR UPDATE OR DELETE ON vouchers_terms_districts
    FOR EACH ROW EXECUTE FUNCTION vouchers_terms_districts_are_frozen();
"""
BACKWARD = """
DROP TRIGGER vouchers_terms_districts_are_frozen ON vouchers_terms_districts;
DROP FUNCTION vouchers_terms_districts_are_frozen();
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0007_redemptions_know_their_district")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
