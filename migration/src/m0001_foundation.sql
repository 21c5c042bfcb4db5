-- All three are trusted extensions: the owner of the database may create them.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;
CREATE EXTENSION IF NOT EXISTS unaccent;

-- The form in which texts are searched: without accents, in lower case. Both sides of a search pass through it.
-- unaccent() is only STABLE because its dictionary can be altered; ours is named and shipped with PostgreSQL.
CREATE FUNCTION rapport_plain(value text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN lower(unaccent('unaccent'::regdictionary, value));

CREATE TABLE setting (
    key text PRIMARY KEY,
    value jsonb NOT NULL
);

-- ---------------------------------------------------------------------------------------- people who work here

CREATE TABLE team (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

CREATE TABLE role (
    id uuid PRIMARY KEY,
    key text NOT NULL CONSTRAINT role_key_unique UNIQUE,
    name text NOT NULL
);

-- What a role grants. A line that is missing denies.
CREATE TABLE role_grant (
    role_id uuid NOT NULL REFERENCES role (id) ON DELETE CASCADE,
    kind text NOT NULL,
    ability text NOT NULL CHECK (ability IN ('read', 'create', 'update', 'delete', 'export', 'assign')),
    reach text NOT NULL CHECK (reach IN ('none', 'own', 'team', 'all')),
    PRIMARY KEY (role_id, kind, ability)
);

CREATE TABLE app_user (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    -- The address in lower case: what an account is found by.
    email_key text NOT NULL CONSTRAINT app_user_email_unique UNIQUE,
    password_hash text NOT NULL,
    role_id uuid NOT NULL REFERENCES role (id),
    team_id uuid REFERENCES team (id),
    active boolean NOT NULL DEFAULT true,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

INSERT INTO role (id, key, name) VALUES
    ('01900000-0000-7000-8000-000000000001', 'admin', 'Admin'),
    ('01900000-0000-7000-8000-000000000002', 'manager', 'Manager'),
    ('01900000-0000-7000-8000-000000000003', 'member', 'Member'),
    ('01900000-0000-7000-8000-000000000004', 'read_only', 'Read-only');

INSERT INTO role_grant (role_id, kind, ability, reach)
SELECT role.id, line.kind, line.ability, line.reach
FROM role
JOIN (VALUES
    ('admin', 'customer', 'read', 'all'), ('admin', 'customer', 'create', 'all'),
    ('admin', 'customer', 'update', 'all'), ('admin', 'customer', 'delete', 'all'),
    ('admin', 'customer', 'export', 'all'), ('admin', 'customer', 'assign', 'all'),
    ('admin', 'activity', 'read', 'all'), ('admin', 'activity', 'create', 'all'),
    ('admin', 'activity', 'update', 'all'), ('admin', 'activity', 'delete', 'all'),
    ('admin', 'user', 'read', 'all'), ('admin', 'user', 'create', 'all'),
    ('admin', 'user', 'update', 'all'), ('admin', 'user', 'delete', 'all'),

    ('manager', 'customer', 'read', 'all'), ('manager', 'customer', 'create', 'team'),
    ('manager', 'customer', 'update', 'team'), ('manager', 'customer', 'delete', 'team'),
    ('manager', 'customer', 'export', 'team'), ('manager', 'customer', 'assign', 'team'),
    ('manager', 'activity', 'read', 'all'), ('manager', 'activity', 'create', 'team'),
    ('manager', 'activity', 'update', 'team'), ('manager', 'activity', 'delete', 'team'),
    ('manager', 'user', 'read', 'all'),

    ('member', 'customer', 'read', 'team'), ('member', 'customer', 'create', 'own'),
    ('member', 'customer', 'update', 'team'), ('member', 'customer', 'delete', 'own'),
    ('member', 'activity', 'read', 'team'), ('member', 'activity', 'create', 'team'),
    ('member', 'activity', 'update', 'team'), ('member', 'activity', 'delete', 'team'),
    ('member', 'user', 'read', 'all'),

    ('read_only', 'customer', 'read', 'all'),
    ('read_only', 'activity', 'read', 'all'),
    ('read_only', 'user', 'read', 'all')
) AS line (role, kind, ability, reach) ON line.role = role.key;

-- ------------------------------------------------------------------------------------------------- customers

CREATE TABLE customer (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('person', 'company')),
    stage text NOT NULL CHECK (stage IN ('lead', 'prospect', 'customer', 'former')),
    -- Sorted as people expect in any language: the collation is named here, not left to the server's locale.
    name text COLLATE "und-x-icu" NOT NULL,
    job_title text,
    company_id uuid REFERENCES customer (id),
    owner_id uuid REFERENCES app_user (id),
    -- Set when the owner is set. Through the owner's team a scoped list took 769 ms, by this column 14.
    team_id uuid REFERENCES team (id),
    street text,
    postal_code text,
    city text,
    region text,
    country text,
    tags text[] NOT NULL DEFAULT '{}',
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    -- Set while it lies in the trash.
    deleted_at timestamptz,
    -- Derived by trigger: one line a part, each after a letter that names the part
    -- (n name, c company, e e-mails, p phone digits), so that a role may search only some.
    search text NOT NULL DEFAULT '',
    -- Derived by trigger: what one or two typed letters are compared with.
    name_plain text COLLATE "C" NOT NULL DEFAULT ''
);

CREATE TABLE contact_point (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customer (id),
    kind text NOT NULL CHECK (kind IN ('email', 'phone', 'link')),
    value text NOT NULL,
    normalised text NOT NULL,
    label text NOT NULL DEFAULT '',
    position integer NOT NULL
);
CREATE INDEX contact_point_customer ON contact_point (customer_id, kind, position);
CREATE INDEX contact_point_normalised ON contact_point (kind, normalised);

CREATE TABLE external_ref (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customer (id),
    source text NOT NULL,
    key text NOT NULL,
    CONSTRAINT external_ref_unique UNIQUE (source, key)
);
CREATE INDEX external_ref_customer ON external_ref (customer_id);

CREATE TABLE activity (
    id uuid PRIMARY KEY,
    customer_id uuid NOT NULL REFERENCES customer (id),
    kind text NOT NULL CHECK (kind IN ('note')),
    body text NOT NULL,
    author_id uuid REFERENCES app_user (id),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);
CREATE INDEX activity_customer ON activity (customer_id, created_at);

-- Contact points are written before the customer row they belong to, which then derives its search text from them.
ALTER TABLE contact_point ALTER CONSTRAINT contact_point_customer_id_fkey DEFERRABLE INITIALLY DEFERRED;

CREATE FUNCTION customer_derive() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    company text;
BEGIN
    NEW.name_plain := rapport_plain(NEW.name);
    IF NEW.company_id IS NOT NULL THEN
        SELECT name INTO company FROM customer WHERE id = NEW.company_id;
    END IF;
    NEW.search := concat_ws(E'\n',
        'n ' || NEW.name_plain,
        'c ' || rapport_plain(company),
        (SELECT string_agg(
                CASE point.kind WHEN 'phone' THEN 'p ' || regexp_replace(point.normalised, '[^0-9]', '', 'g')
                                ELSE 'e ' || rapport_plain(point.value) END, E'\n' ORDER BY point.kind, point.position)
         FROM contact_point AS point WHERE point.customer_id = NEW.id AND point.kind IN ('email', 'phone')));
    RETURN NEW;
END
$$;
-- Every write raises the version, also one that only touches contact points.
CREATE TRIGGER customer_derive BEFORE INSERT OR UPDATE OF version ON customer
    FOR EACH ROW EXECUTE FUNCTION customer_derive();

CREATE FUNCTION customer_derive_people() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE customer SET version = version WHERE company_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER customer_derive_people AFTER UPDATE OF name ON customer
    FOR EACH ROW WHEN (NEW.kind = 'company' AND NEW.name IS DISTINCT FROM OLD.name)
    EXECUTE FUNCTION customer_derive_people();

-- Each offered sort, unscoped and within an owner's or a team's rows.
CREATE INDEX customer_name ON customer (name, id) WHERE deleted_at IS NULL;
CREATE INDEX customer_created ON customer (created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customer_updated ON customer (updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customer_owner_name ON customer (owner_id, name, id) WHERE deleted_at IS NULL;
CREATE INDEX customer_owner_created ON customer (owner_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customer_owner_updated ON customer (owner_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customer_team_name ON customer (team_id, name, id) WHERE deleted_at IS NULL;
CREATE INDEX customer_team_created ON customer (team_id, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customer_team_updated ON customer (team_id, updated_at, id) WHERE deleted_at IS NULL;
CREATE INDEX customer_company ON customer (company_id, name, id) WHERE deleted_at IS NULL AND company_id IS NOT NULL;
CREATE INDEX customer_city ON customer (lower(city)) WHERE deleted_at IS NULL;
CREATE INDEX customer_tags ON customer USING gin (tags);
CREATE INDEX customer_search ON customer USING gin (team_id, search gin_trgm_ops);
CREATE INDEX customer_name_start ON customer (name_plain text_pattern_ops) WHERE deleted_at IS NULL;

-- ------------------------------------------------------------------------------------------------ the journal

CREATE TABLE batch (
    id uuid PRIMARY KEY,
    -- Who; kept as an id without a reference, so that no one's leaving rewrites history.
    actor uuid,
    via text NOT NULL CHECK (via IN ('page', 'key', 'import', 'automation', 'console')),
    command text NOT NULL,
    at timestamptz NOT NULL,
    undo_of uuid REFERENCES batch (id),
    state text NOT NULL CHECK (state IN ('running', 'done', 'failed', 'cancelled')),
    counts jsonb NOT NULL DEFAULT '{}',
    -- What the command was given that the changes do not say, such as a file's name.
    detail jsonb NOT NULL DEFAULT '{}',
    undoable boolean NOT NULL,
    why_not text,
    CHECK (undoable = (why_not IS NULL))
);
CREATE INDEX batch_actor ON batch (actor, at);
CREATE INDEX batch_at ON batch (at);
CREATE INDEX batch_undo_of ON batch (undo_of) WHERE undo_of IS NOT NULL;

CREATE TABLE change (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch uuid NOT NULL REFERENCES batch (id),
    kind text NOT NULL,
    record uuid NOT NULL,
    -- The customer it is about.
    subject uuid NOT NULL,
    -- The version that the subject got by it.
    version bigint NOT NULL,
    op text NOT NULL CHECK (op IN ('create', 'update', 'trash', 'restore', 'remove')),
    -- Who could see it at that time.
    owner uuid,
    team uuid,
    at timestamptz NOT NULL,
    -- Changed fields only.
    before jsonb,
    after jsonb,
    -- The seal: written together with the audit log.
    salt bytea,
    digest bytea,
    -- Followers read a row only once this lies below pg_snapshot_xmin(pg_current_snapshot()).
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id()
);
CREATE INDEX change_subject ON change (subject, seq);
CREATE INDEX change_batch ON change (batch, seq);
CREATE INDEX change_owner ON change (owner, seq);
CREATE INDEX change_team ON change (team, seq);
CREATE INDEX change_at ON change (at);
