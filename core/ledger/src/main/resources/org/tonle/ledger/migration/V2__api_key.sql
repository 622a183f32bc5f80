-- API keys. Of a key itself only its SHA-256 is kept: it is 256 random bits, so nobody finds it by
-- trying, and a slow hash with a salt, as passwords need, would protect nothing more. A key that
-- was revoked stays, so that its id means the same for ever.

CREATE TABLE tonle.api_key (
    id         text PRIMARY KEY,
    hash       text NOT NULL UNIQUE,
    roles      text[] NOT NULL,
    on_behalf  text,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz,
    revoked_at timestamptz
);

UPDATE tonle.meta SET value = '2' WHERE key = 'format';
