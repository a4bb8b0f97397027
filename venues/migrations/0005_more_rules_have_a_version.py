from __future__ import annotations

from django.db import migrations

CHANGES = {
    "insert": ("INSERT", "NEW"),
    "delete": ("DELETE", "OLD"),
    "update_from": ("UPDATE", "OLD"),
    "update_to": ("UPDATE", "NEW"),
}
TABLES = {
    "venues_daytypehours": "venues_renew_rules",
    "venues_cancelband": "venues_renew_rules",
    "venues_quota": "venues_renew_rules_by_quota",
    # What a day is follows from the calendar, for all venues alike.
    "workdays_dayrule": "venues_renew_all_rules",
    "workdays_schoolbreak": "venues_renew_all_rules",
}
FUNCTIONS = """
CREATE FUNCTION venues_renew_all_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM changed) THEN
        UPDATE venues_venue SET rules_version = gen_random_uuid();
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION venues_renew_rules_by_quota() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE venues_venue SET rules_version = gen_random_uuid()
     WHERE EXISTS (SELECT 1 FROM changed
                    WHERE changed.venue_id IS NULL
                       OR changed.venue_id = venues_venue.id);
    RETURN NULL;
END $$;
CREATE FUNCTION venues_crossing_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'crossings are never changed or deleted'
        USING ERRCODE = 'restrict_violation',
              CONSTRAINT = 'venues_crossing_is_append_only';
END $$;
CREATE TRIGGER venues_crossing_is_append_only
    BEFORE UPDATE OR DELETE ON venues_crossing
    FOR EACH ROW EXECUTE FUNCTION venues_crossing_is_append_only();
"""
TRIGGERS = "".join(
    f"""
    CREATE TRIGGER {table}_renews_rules_on_{name} AFTER {event} ON {table}
        REFERENCING {rows} TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION {function}();
    """
    for table, function in TABLES.items()
    for name, (event, rows) in CHANGES.items()
)
BACKWARD = "".join(
    f"DROP TRIGGER {table}_renews_rules_on_{name} ON {table};"
    for table in TABLES
    for name in CHANGES
) + (
    "DROP TRIGGER venues_crossing_is_append_only ON venues_crossing;"
    "DROP FUNCTION venues_crossing_is_append_only;"
    "DROP FUNCTION venues_renew_all_rules; DROP FUNCTION venues_renew_rules_by_quota;"
)


class Migration(migrations.Migration):
    dependencies = [
        ("venues", "0004_bands_for_everybody"),
        ("workdays", "0002_schoolbreak"),
    ]
    operations = [migrations.RunSQL(FUNCTIONS + TRIGGERS, BACKWARD)]
