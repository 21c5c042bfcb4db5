-- Keys by which a program acts for somebody, with their rights and no more. A key is a secret of 256 bits, known by its
-- SHA-256 alone and never journalled.
CREATE TABLE api_key (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES app_user (id),
    -- What its owner calls it.
    name text NOT NULL,
    -- Its last characters, by which its owner knows it again.
    hint text NOT NULL,
    token_hash text NOT NULL CONSTRAINT api_key_token_unique UNIQUE,
    access text NOT NULL CHECK (access IN ('read', 'write')),
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    -- Noted once a minute at most.
    last_used_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_key_user ON api_key (user_id, created_at);

-- What programs asked for under an Idempotency-Key, so that asking again does nothing twice. Taken away after a day.
CREATE TABLE idempotency (
    api_key uuid NOT NULL REFERENCES api_key (id),
    key text NOT NULL,
    -- The SHA-256 of what was asked.
    fingerprint text NOT NULL,
    -- The id of the record that it makes, however often it is asked.
    record uuid NOT NULL,
    -- Whether something was done that is not found by that id.
    settled boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (api_key, key)
);
CREATE INDEX idempotency_created ON idempotency (created_at);
