from __future__ import annotations

from django.db import migrations

FORWARD = """
UPDATE venues_block AS block SET unit_ids = taken.units
  FROM (SELECT block_id, array_agg(DISTINCT unit_id ORDER BY unit_id) AS units
          FROM venues_occupancy WHERE block_id IS NOT NULL GROUP BY block_id) AS taken
 WHERE taken.block_id = block.id;

CREATE FUNCTION venues_closures_claim() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    closure record;
BEGIN
    FOR closure IN
        SELECT block.id, gone.unit_id,
               gone.during * tstzrange(block.starts_at, block.ends_at) AS during
          FROM gone
          JOIN venues_block AS block
            ON gone.unit_id = ANY (block.unit_ids)
           AND block.starts_at < upper(gone.during)
           AND block.ends_at > lower(gone.during)
         WHERE block.is_closure AND block.lifted_at IS NULL
         ORDER BY block.id, gone.unit_id, gone.during
    LOOP
        INSERT INTO venues_occupancy (unit_id, during, kind, block_id)
        SELECT closure.unit_id, piece, 'block', closure.id
          FROM unnest(tstzmultirange(closure.during) - coalesce(
                   (SELECT range_agg(taken.during) FROM venues_occupancy AS taken
                     WHERE taken.unit_id = closure.unit_id
                       AND taken.during && closure.during),
                   '{}'::tstzmultirange)) AS piece;
    END LOOP;
    RETURN NULL;
END $$;
CREATE TRIGGER venues_occupancy_goes_to_closures AFTER DELETE ON venues_occupancy
    REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION venues_closures_claim();
"""
BACKWARD = """
DROP TRIGGER venues_occupancy_goes_to_closures ON venues_occupancy;
DROP FUNCTION venues_closures_claim;
"""


class Migration(migrations.Migration):
    """Floor that is freed beneath a closure is the closure's in the same moment.

    So nobody books into a hall that is being closed, whoever lets go of its floor.
    """

    dependencies = [("venues", "0011_blocks_know_their_units")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
