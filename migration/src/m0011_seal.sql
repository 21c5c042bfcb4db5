-- The seal of the journal. The program signs each command and each change with a key that PostgreSQL never sees; a
-- follower chains them into blocks, in the order of their places.

-- The place of a command. Its transaction gets its id before it draws the place, so that the follower can wait for
-- whoever has drawn one that is not to be seen yet; a change is written behind its record, which gives it that id.
CREATE SEQUENCE batch_place;
ALTER TABLE batch ADD COLUMN place bigint, ADD COLUMN salt bytea, ADD COLUMN digest bytea;
ALTER TABLE batch ALTER COLUMN place
    SET DEFAULT CASE WHEN pg_current_xact_id() IS NOT NULL THEN nextval('batch_place') END;
ALTER SEQUENCE batch_place OWNED BY batch.place;
-- Commands from before have none until a follower gives them theirs.
CREATE UNIQUE INDEX batch_place_key ON batch (place);

-- A block covers what follows the block before it, up to the last places that it names. Blocks of another key stay for
-- who still has that key.
CREATE TABLE seal (
    -- Which key signed it: its fingerprint.
    key text NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    at timestamptz NOT NULL,
    -- From before the key: signed by the follower as it was found.
    adopted boolean NOT NULL,
    -- Up to which `batch.place` and `change.seq`, and how many that makes since the first block.
    batch_last bigint NOT NULL,
    batches bigint NOT NULL,
    change_last bigint NOT NULL,
    changes bigint NOT NULL,
    -- The digests in it, in their order, put together; and what signs the block and the one before it.
    content bytea NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (key, number)
);
CREATE INDEX seal_newest ON seal (batch_last, at);
