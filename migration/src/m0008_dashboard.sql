-- Customers by stage, of all or of a team.
CREATE INDEX customer_stage ON customer (team_id, stage) WHERE deleted_at IS NULL;

-- How appointments of a period went.
CREATE INDEX appointment_starts ON appointment (starts_at, status) WHERE deleted_at IS NULL;
