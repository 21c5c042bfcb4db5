-- People in the trash derive their search text when they are brought back; without that condition the index of a company's
-- people was not used, and every new name of a company read the whole table.
CREATE OR REPLACE FUNCTION customer_derive_people() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE customer SET version = version WHERE company_id = NEW.id AND deleted_at IS NULL;
    RETURN NULL;
END
$$;

-- A company with people stays one, also for those who may come back.
CREATE INDEX customer_company_trash ON customer (company_id) WHERE deleted_at IS NOT NULL AND company_id IS NOT NULL;
