-- Commands of one kind, newest first.
CREATE INDEX batch_command_at_id ON batch (command, at, id);
