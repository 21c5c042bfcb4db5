-- The tags that customers have, or had: to choose from, without reading all customers. Derived, like the search text.
-- A name may stand here more than once: who writes one never waits for somebody else who does.
CREATE TABLE tag (name text NOT NULL);
CREATE INDEX tag_name ON tag (name);

CREATE FUNCTION customer_note_tags() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tag (name) SELECT t.name FROM unnest(NEW.tags) AS t (name)
    WHERE NOT EXISTS (SELECT 1 FROM tag k WHERE k.name = t.name);
    RETURN NULL;
END
$$;
CREATE TRIGGER customer_note_tags AFTER INSERT OR UPDATE OF tags ON customer
    FOR EACH ROW WHEN (NEW.tags <> '{}') EXECUTE FUNCTION customer_note_tags();

INSERT INTO tag (name) SELECT DISTINCT t.name FROM customer, unnest(tags) AS t (name);

ALTER TABLE job DROP CONSTRAINT job_kind_check;
ALTER TABLE job ADD CONSTRAINT job_kind_check
    CHECK (kind IN ('check import', 'run import', 'undo', 'reassign', 'retag'));
