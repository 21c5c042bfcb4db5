-- A calendar of one's own for other programs, by a link that can be revoked: a secret, known by its SHA-256 alone.
CREATE TABLE calendar_feed (
    user_id uuid PRIMARY KEY REFERENCES app_user (id),
    token_hash text NOT NULL CONSTRAINT calendar_feed_token_unique UNIQUE,
    created_at timestamptz NOT NULL
);
