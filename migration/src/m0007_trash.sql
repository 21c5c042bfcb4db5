-- The trash, newest first.
CREATE INDEX customer_trash ON customer (deleted_at, id) WHERE deleted_at IS NOT NULL;
