-- What the installation is set to: one row, written through the journal like any record.
CREATE TABLE organisation (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    -- The zone of who has set none of their own: a name of the IANA database.
    zone text NOT NULL DEFAULT 'UTC',
    -- ISO 4217.
    currency text NOT NULL DEFAULT 'EUR' CHECK (currency ~ '^[A-Z]{3}$'),
    -- ISO 8601: 1 is Monday, 7 is Sunday.
    week_start integer NOT NULL DEFAULT 1 CHECK (week_start BETWEEN 1 AND 7),
    -- From Monday on, for each day the minutes from which and up to which it is open, or null.
    hours jsonb NOT NULL DEFAULT '[[540,1020],[540,1020],[540,1020],[540,1020],[540,1020],null,null]',
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX organisation_one ON organisation ((TRUE));

INSERT INTO organisation (id, name, created_at, updated_at)
VALUES ('01900000-0000-7000-8000-000000000010',
        coalesce((SELECT value #>> '{}' FROM setting WHERE key = 'organisation'), 'Rapport'), now(), now());
DELETE FROM setting WHERE key = 'organisation';

-- Where somebody's clock stands; nothing follows the organisation.
ALTER TABLE app_user ADD COLUMN zone text;

INSERT INTO role_grant (role_id, kind, ability, reach)
SELECT role.id, 'setting', line.ability, 'all'
FROM role JOIN (VALUES ('read'), ('update')) AS line (ability) ON role.key = 'admin';
