-- Who was asked to join, until they do.
CREATE TABLE invitation (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    email_key text NOT NULL,
    role_id uuid NOT NULL REFERENCES role (id),
    team_id uuid REFERENCES team (id),
    -- Who joined by it.
    user_id uuid REFERENCES app_user (id),
    -- The link: a secret, known by its SHA-256 alone and never journalled. Without one it has to be made anew.
    token_hash text CONSTRAINT invitation_token_unique UNIQUE,
    expires_at timestamptz,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE UNIQUE INDEX invitation_email_open ON invitation (email_key) WHERE user_id IS NULL;

-- Links by which somebody sets a new password: one at a time for each, known by its SHA-256 alone.
CREATE TABLE password_reset (
    user_id uuid PRIMARY KEY REFERENCES app_user (id),
    token_hash text NOT NULL CONSTRAINT password_reset_token_unique UNIQUE,
    expires_at timestamptz NOT NULL
);

-- Mail on its way out, and that which went.
CREATE TABLE mail (
    id uuid PRIMARY KEY,
    recipient text NOT NULL,
    subject text NOT NULL,
    -- Gone once it was sent: links in it let people in.
    body text,
    created_at timestamptz NOT NULL,
    -- When it is tried next; nothing when it waits for nobody: sent, given up, or no server to send it by.
    next_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    sent_at timestamptz,
    -- Why the last attempt failed.
    error text
);
CREATE INDEX mail_next ON mail (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX mail_created ON mail (created_at, id);

ALTER TABLE organisation
    -- Who may join: nobody, who was asked to, or also who has an address of these domains.
    ADD COLUMN sign_up text NOT NULL DEFAULT 'invitation' CHECK (sign_up IN ('closed', 'invitation', 'domains')),
    ADD COLUMN sign_up_domains text[] NOT NULL DEFAULT '{}';

ALTER TABLE job DROP CONSTRAINT job_kind_check;
ALTER TABLE job ADD CONSTRAINT job_kind_check
    CHECK (kind IN ('check import', 'run import', 'undo', 'reassign'));

-- The last admin cannot be lost, by whatever road. Those who would take two away at once come here one after the
-- other, and each looks at what the one before has left.
CREATE FUNCTION app_user_keep_admin() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    admin uuid := (SELECT id FROM role WHERE key = 'admin');
BEGIN
    IF OLD.role_id = admin AND OLD.active THEN
        -- Its number stands beside the others in the service's `Lock`.
        PERFORM pg_advisory_xact_lock(x'72617004'::int);
        IF NOT EXISTS (SELECT 1 FROM app_user WHERE role_id = admin AND active) THEN
            RAISE EXCEPTION 'the last admin' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'app_user_last_admin', TABLE = 'app_user';
        END IF;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER app_user_keep_admin AFTER UPDATE OF role_id, active OR DELETE ON app_user
    FOR EACH ROW EXECUTE FUNCTION app_user_keep_admin();
