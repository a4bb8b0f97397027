from __future__ import annotations

from django.db import migrations

FORWARD = """
CREATE FUNCTION venues_renew_own_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.rules_version := gen_random_uuid();
    RETURN NEW;
END $$;
CREATE TRIGGER venues_venue_renews_rules BEFORE UPDATE OF is_low_fee ON venues_venue
    FOR EACH ROW WHEN (OLD.is_low_fee <> NEW.is_low_fee)
    EXECUTE FUNCTION venues_renew_own_rules();
CREATE TRIGGER workdays_calendaryear_renews_rules
    AFTER INSERT OR UPDATE OR DELETE ON workdays_calendaryear
    FOR EACH STATEMENT EXECUTE FUNCTION venues_renew_all_rules_always();
"""
BEFORE = """
CREATE FUNCTION venues_renew_all_rules_always() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE venues_venue SET rules_version = gen_random_uuid();
    RETURN NULL;
END $$;
"""
BACKWARD = """
DROP TRIGGER workdays_calendaryear_renews_rules ON workdays_calendaryear;
DROP TRIGGER venues_venue_renews_rules ON venues_venue;
DROP FUNCTION venues_renew_own_rules;
DROP FUNCTION venues_renew_all_rules_always;
"""


class Migration(migrations.Migration):
    """A venue that joins low-fee opening, or a published year, is seen at once."""

    dependencies = [("venues", "0008_low_fee_venues")]
    operations = [migrations.RunSQL(BEFORE + FORWARD, BACKWARD)]
