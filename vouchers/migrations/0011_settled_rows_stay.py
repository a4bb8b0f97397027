from __future__ import annotations

from django.db import migrations

# In place of the foreign keys of lines: asked once for all that a statement writes,
# and more of it. What it rests on is never deleted, and a line never changes, save that
# it stops counting when its settlement is rejected.
FORWARD = """
CREATE FUNCTION vouchers_settlementline_of_its_merchant() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM written AS line
            LEFT JOIN vouchers_redemption AS redemption
                   ON redemption.id = line.redemption_id
            LEFT JOIN vouchers_settlement AS settlement
                   ON settlement.id = line.settlement_id
                WHERE (redemption.merchant_id = settlement.merchant_id
                       AND redemption.discount_fen = abs(line.amount_fen)) IS NOT TRUE)
    THEN
        RAISE EXCEPTION 'a line of a settlement is a redemption of its merchant'
            USING ERRCODE = 'foreign_key_violation',
                  CONSTRAINT = 'vouchers_settlementline_of_its_merchant';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER vouchers_settlementline_of_its_merchant
    AFTER INSERT ON vouchers_settlementline REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION vouchers_settlementline_of_its_merchant();

CREATE FUNCTION vouchers_settled_rows_stay() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what was redeemed or settled stays written'
        USING ERRCODE = 'restrict_violation',
              CONSTRAINT = 'vouchers_settled_rows_stay';
END $$;
CREATE TRIGGER vouchers_redemption_stays
    BEFORE DELETE ON vouchers_redemption
    FOR EACH ROW EXECUTE FUNCTION vouchers_settled_rows_stay();
CREATE TRIGGER vouchers_settlement_stays
    BEFORE DELETE ON vouchers_settlement
    FOR EACH ROW EXECUTE FUNCTION vouchers_settled_rows_stay();
CREATE TRIGGER vouchers_settlementline_stays
    BEFORE DELETE OR UPDATE OF id, settlement_id, redemption_id, kind, amount_fen
    ON vouchers_settlementline
    FOR EACH ROW EXECUTE FUNCTION vouchers_settled_rows_stay();
CREATE TRIGGER vouchers_settlementline_counts_no_more
    BEFORE UPDATE OF counts ON vouchers_settlementline
    FOR EACH ROW WHEN (NEW.counts AND NOT OLD.counts)
    EXECUTE FUNCTION vouchers_settled_rows_stay();
"""
BACKWARD = """
DROP TRIGGER vouchers_settlementline_counts_no_more ON vouchers_settlementline;
DROP TRIGGER vouchers_settlementline_stays ON vouchers_settlementline;
DROP TRIGGER vouchers_settlement_stays ON vouchers_settlement;
DROP TRIGGER vouchers_redemption_stays ON vouchers_redemption;
DROP FUNCTION vouchers_settled_rows_stay();
DROP TRIGGER vouchers_settlementline_of_its_merchant ON vouchers_settlementline;
DROP FUNCTION vouchers_settlementline_of_its_merchant();
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0010_lines_are_checked_together")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
