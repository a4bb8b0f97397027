from __future__ import annotations

from django.db import migrations

CHANGES = {
    "insert": ("INSERT", "NEW"),
    "delete": ("DELETE", "OLD"),
    "update_from": ("UPDATE", "OLD"),
    "update_to": ("UPDATE", "NEW"),
}
OF_A_VENUE = [
    "venues_bookable",
    "venues_hoursexception",
    "venues_pricerule",
    "venues_weeklyhours",
]
TABLES = {table: "venues_renew_rules" for table in OF_A_VENUE}
TABLES["venues_bookableunit"] = "venues_renew_rules_of_courts"

FUNCTIONS = """
CREATE FUNCTION venues_renew_rules() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE venues_venue SET rules_version = gen_random_uuid()
     WHERE id IN (SELECT venue_id FROM changed);
    RETURN NULL;
END $$;
CREATE FUNCTION venues_renew_rules_of_courts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE venues_venue SET rules_version = gen_random_uuid()
     WHERE id IN (SELECT court.venue_id FROM changed
                    JOIN venues_bookable court ON court.id = changed.bookable_id);
    RETURN NULL;
END $$;
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
    "DROP FUNCTION venues_renew_rules; DROP FUNCTION venues_renew_rules_of_courts;"
)


class Migration(migrations.Migration):
    """What is kept in memory of a venue's rules is told when it is old."""

    dependencies = [("venues", "0001_initial")]
    operations = [migrations.RunSQL(FUNCTIONS + TRIGGERS, BACKWARD)]
