-- By what somebody proves who they are besides their password: codes of an authenticator app (RFC 6238). A secret, so
-- nothing of it is journalled, only that it was turned on and off.
CREATE TABLE second_factor (
    user_id uuid PRIMARY KEY REFERENCES app_user (id),
    -- Base 32 (RFC 4648), as the app has it.
    secret text NOT NULL,
    since timestamptz NOT NULL,
    -- The step of time whose code was taken last: no code is taken twice.
    step bigint NOT NULL
);

-- Codes for when the app is lost, each good once.
CREATE TABLE recovery_code (
    user_id uuid NOT NULL REFERENCES second_factor (user_id) ON DELETE CASCADE,
    code_hash text NOT NULL,
    PRIMARY KEY (user_id, code_hash)
);

-- Whether everybody has to have one.
ALTER TABLE organisation ADD second_factor text NOT NULL DEFAULT 'offered'
    CHECK (second_factor IN ('offered', 'demanded'));
