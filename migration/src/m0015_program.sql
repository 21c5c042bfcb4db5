-- Accounts of programs: they act by keys, and nobody signs in by them.
ALTER TABLE app_user ADD COLUMN program boolean NOT NULL DEFAULT false;

-- As before, but a program is no admin that can be left alone with an installation.
CREATE OR REPLACE FUNCTION app_user_keep_admin() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    admin uuid := (SELECT id FROM role WHERE key = 'admin');
BEGIN
    IF OLD.role_id = admin AND OLD.active AND NOT OLD.program THEN
        -- Its number stands beside the others in the service's `Lock`.
        PERFORM pg_advisory_xact_lock(x'72617004'::int);
        IF NOT EXISTS (SELECT 1 FROM app_user WHERE role_id = admin AND active AND NOT program) THEN
            RAISE EXCEPTION 'the last admin' USING ERRCODE = 'check_violation',
                CONSTRAINT = 'app_user_last_admin', TABLE = 'app_user';
        END IF;
    END IF;
    RETURN NULL;
END
$$;
