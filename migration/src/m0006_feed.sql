-- The trash, newest first.
CREATE INDEX customer_trash ON customer (deleted_at, id) WHERE deleted_at IS NOT NULL;

-- What was done, by all or by one, newest first, page by page: commands of the same moment are told apart by their id.
CREATE INDEX batch_at_id ON batch (at, id);
CREATE INDEX batch_actor_at_id ON batch (actor, at, id);
DROP INDEX batch_at;
DROP INDEX batch_actor;
