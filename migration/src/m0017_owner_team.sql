-- In which teams the customers of a person are: most have all in their own, which two looks at this index tell.
CREATE INDEX customer_owner_team ON customer (owner_id, team_id) WHERE deleted_at IS NULL;
