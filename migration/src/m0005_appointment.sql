-- A trusted extension: the owner of the database may create it.
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE TABLE appointment_type (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    minutes integer NOT NULL CHECK (minutes BETWEEN 5 AND 1440),
    -- A place in the palette of the pages.
    colour integer NOT NULL CHECK (colour BETWEEN 0 AND 5),
    active boolean NOT NULL DEFAULT TRUE,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
INSERT INTO appointment_type (id, name, minutes, colour, created_at, updated_at) VALUES
    ('01900000-0000-7000-8000-000000000021', 'Meeting', 60, 1, now(), now()),
    ('01900000-0000-7000-8000-000000000022', 'Call', 30, 0, now(), now()),
    ('01900000-0000-7000-8000-000000000023', 'Visit', 90, 2, now(), now());

CREATE TABLE appointment (
    id uuid PRIMARY KEY,
    -- Fixed when it is booked: its timeline tells of it. Without one it has a title.
    customer_id uuid REFERENCES customer (id),
    type_id uuid NOT NULL REFERENCES appointment_type (id),
    title text,
    place text,
    notes text,
    status text NOT NULL CHECK (status IN ('booked', 'confirmed', 'done', 'no_show', 'cancelled')),
    -- Why it was cancelled.
    reason text,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    -- Where it was booked, and what the clock on the wall said there.
    zone text NOT NULL,
    local_start timestamp NOT NULL,
    -- Who keeps it: the truth, from which the rows of the constraint are derived.
    staff uuid[] NOT NULL CHECK (cardinality(staff) BETWEEN 1 AND 20),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    CHECK (starts_at < ends_at),
    CHECK (customer_id IS NOT NULL OR title IS NOT NULL),
    CHECK ((status = 'cancelled') OR reason IS NULL)
);
CREATE INDEX appointment_customer ON appointment (customer_id, starts_at) WHERE customer_id IS NOT NULL;

CREATE TABLE appointment_staff (
    appointment uuid NOT NULL REFERENCES appointment (id) ON DELETE CASCADE,
    staff uuid NOT NULL REFERENCES app_user (id),
    -- The team of the person at that time: it may see the appointment.
    team uuid REFERENCES team (id),
    during tstzrange NOT NULL,
    active boolean NOT NULL,
    PRIMARY KEY (appointment, staff),
    -- Nobody is in two places at once. Deferrable, so that two appointments can change places.
    CONSTRAINT appointment_staff_overlap
        EXCLUDE USING gist (staff WITH =, during WITH &&) WHERE (active) DEFERRABLE INITIALLY IMMEDIATE
);
-- The calendar also shows what was cancelled.
CREATE INDEX appointment_staff_during ON appointment_staff USING gist (staff, during) WHERE NOT active;

-- A statement at a time: the rows of all appointments that it touched change together.
CREATE FUNCTION appointment_derive() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM appointment_staff s USING touched t WHERE s.appointment = t.id;
    INSERT INTO appointment_staff (appointment, staff, team, during, active)
    SELECT t.id, u.id, u.team_id, tstzrange(t.starts_at, t.ends_at), t.deleted_at IS NULL AND t.status <> 'cancelled'
    FROM touched t CROSS JOIN LATERAL unnest(t.staff) AS m (id) JOIN app_user u ON u.id = m.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER appointment_derive_new AFTER INSERT ON appointment
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION appointment_derive();
CREATE TRIGGER appointment_derive_changed AFTER UPDATE ON appointment
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION appointment_derive();

INSERT INTO role_grant (role_id, kind, ability, reach)
SELECT role.id, 'appointment', line.ability, line.reach
FROM role
JOIN (VALUES
    ('admin', 'read', 'all'), ('admin', 'create', 'all'), ('admin', 'update', 'all'), ('admin', 'delete', 'all'),
    ('manager', 'read', 'all'), ('manager', 'create', 'all'), ('manager', 'update', 'team'),
    ('manager', 'delete', 'team'),
    ('member', 'read', 'team'), ('member', 'create', 'team'), ('member', 'update', 'team'),
    ('member', 'delete', 'own'),
    ('read_only', 'read', 'all')
) AS line (role, ability, reach) ON line.role = role.key;
