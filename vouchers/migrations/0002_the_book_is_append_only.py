from __future__ import annotations

from django.db import migrations

# Both sides of a transfer belong to its campaign; rows of the book never change.
FORWARD = """
ALTER TABLE vouchers_account
    ADD CONSTRAINT vouchers_account_of_a_campaign UNIQUE (campaign_id, id);
ALTER TABLE vouchers_transfer
    ADD CONSTRAINT vouchers_transfer_debit_of_its_campaign
        FOREIGN KEY (campaign_id, debit_id)
        REFERENCES vouchers_account (campaign_id, id),
    ADD CONSTRAINT vouchers_transfer_credit_of_its_campaign
        FOREIGN KEY (campaign_id, credit_id)
        REFERENCES vouchers_account (campaign_id, id);

CREATE FUNCTION vouchers_book_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what is in the book of the money is never changed or deleted'
        USING ERRCODE = 'restrict_violation',
              CONSTRAINT = 'vouchers_book_is_append_only';
END $$;
CREATE TRIGGER vouchers_transfer_is_append_only
    BEFORE UPDATE OR DELETE ON vouchers_transfer
    FOR EACH ROW EXECUTE FUNCTION vouchers_book_is_append_only();
CREATE TRIGGER vouchers_appropriation_is_append_only
    BEFORE UPDATE OR DELETE ON vouchers_appropriation
    FOR EACH ROW EXECUTE FUNCTION vouchers_book_is_append_only();
CREATE TRIGGER vouchers_account_is_append_only
    BEFORE UPDATE OR DELETE ON vouchers_account
    FOR EACH ROW EXECUTE FUNCTION vouchers_book_is_append_only();

-- The book as accountants read it: two postings for each transfer, whose sum is zero.
CREATE VIEW vouchers_posting AS
    SELECT id AS transfer_id, campaign_id, debit_id AS account_id,
           -amount_fen AS amount_fen, kind, at
      FROM vouchers_transfer
 UNION ALL
    SELECT id, campaign_id, credit_id, amount_fen, kind, at
      FROM vouchers_transfer;
"""
BACKWARD = """
DROP VIEW vouchers_posting;
DROP TRIGGER vouchers_account_is_append_only ON vouchers_account;
DROP TRIGGER vouchers_appropriation_is_append_only ON vouchers_appropriation;
DROP TRIGGER vouchers_transfer_is_append_only ON vouchers_transfer;
DROP FUNCTION vouchers_book_is_append_only();
ALTER TABLE vouchers_transfer
    DROP CONSTRAINT vouchers_transfer_credit_of_its_campaign,
    DROP CONSTRAINT vouchers_transfer_debit_of_its_campaign;
ALTER TABLE vouchers_account DROP CONSTRAINT vouchers_account_of_a_campaign;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
