-- The line of an imported file that a change comes from.
ALTER TABLE change ADD COLUMN line bigint;

-- ------------------------------------------------------------------------------------ work in the background

-- Work that outlasts a request. Any server takes what waits (FOR UPDATE SKIP LOCKED); what a server that died was at
-- is taken again once its lease is over, and goes on from what `progress` says.
CREATE TABLE job (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('check import', 'run import', 'undo')),
    -- The import or the batch that it is about.
    subject uuid NOT NULL,
    -- On whose behalf, with the rights that they have when it runs.
    actor uuid NOT NULL REFERENCES app_user (id),
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
    -- Somebody asked to stop it.
    stop boolean NOT NULL DEFAULT false,
    progress jsonb NOT NULL DEFAULT '{}',
    -- How often it was begun again after a failure that may pass.
    attempts integer NOT NULL DEFAULT 0,
    error text,
    -- Which server is at it, and until when the others leave it alone.
    worker uuid,
    lease_until timestamptz,
    created_at timestamptz NOT NULL,
    -- When it was first taken.
    began_at timestamptz,
    updated_at timestamptz NOT NULL
);
CREATE INDEX job_open ON job (created_at) WHERE state IN ('waiting', 'running');
CREATE UNIQUE INDEX job_one_at_a_time ON job (subject) WHERE state IN ('waiting', 'running');
CREATE INDEX job_subject ON job (subject, created_at);

-- ---------------------------------------------------------------------------------------------------- imports

CREATE TABLE import (
    id uuid PRIMARY KEY,
    actor uuid NOT NULL REFERENCES app_user (id),
    -- The file: its name, how long it is, how much of it is here, when it was last changed as its owner's machine says
    -- (milliseconds since 1970), so that an upload goes on with the same file only.
    file text NOT NULL,
    size bigint NOT NULL CHECK (size >= 0),
    received bigint NOT NULL DEFAULT 0,
    stamp bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('uploading', 'ready', 'running', 'done', 'failed', 'cancelled')),
    -- How it is read, mapped and matched; set once the file is here.
    settings jsonb,
    -- What it would do, from the last check under these settings.
    forecast jsonb,
    -- What it did.
    report jsonb,
    batch uuid REFERENCES batch (id),
    -- Once it is stopped, what it wrote is taken back.
    take_back boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX import_created ON import (created_at, id);
CREATE INDEX import_actor ON import (actor, created_at);
CREATE INDEX import_batch ON import (batch) WHERE batch IS NOT NULL;

-- The file as it came, piece by piece; gone when it is in.
CREATE TABLE import_piece (
    import uuid NOT NULL REFERENCES import (id) ON DELETE CASCADE,
    at bigint NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (import, at)
);
ALTER TABLE import_piece ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- Rows that need a person: unreadable, ambiguous, refused.
CREATE TABLE import_problem (
    import uuid NOT NULL REFERENCES import (id) ON DELETE CASCADE,
    line bigint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('unreadable', 'ambiguous', 'refused')),
    reason text NOT NULL,
    fields text[] NOT NULL,
    PRIMARY KEY (import, line)
);

-- What earlier rows of a file name, while it is checked without being written. It is worth nothing after a crash.
CREATE UNLOGGED TABLE import_seen (
    import uuid NOT NULL,
    key bigint NOT NULL,
    PRIMARY KEY (import, key)
);

-- Mappings that people keep for the next file of the same kind.
CREATE TABLE import_mapping (
    id uuid PRIMARY KEY,
    name text NOT NULL CONSTRAINT import_mapping_name_unique UNIQUE,
    settings jsonb NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- What waits to be sorted into the search index is read anew by every search: after a large import that took 120 ms.
ALTER INDEX customer_search SET (gin_pending_list_limit = 256);

-- A company's contact person is known by the company's reference and their own name: several people may stand beside it.
UPDATE external_ref AS r
SET key = r.key || '/' || lower(regexp_replace(trim(coalesce(
    -- The name that the file had: it may have been changed since.
    (SELECT made.after ->> 'name' FROM change AS made
     WHERE made.subject = c.id AND made.record = c.id AND made.op = 'create' ORDER BY made.seq LIMIT 1),
    c.name)), '\s+', ' ', 'g'))
FROM customer AS c
WHERE c.id = r.customer_id AND c.kind = 'person' AND r.key LIKE '%/contact';
