-- Whoever keeps an appointment brings it into the sight of their team, also when they change it later on. Who books for
-- them meanwhile waits: it is the same lock as that of the service's `lock_staff`.
CREATE FUNCTION appointment_staff_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(NEW.id::text, 0));
    UPDATE appointment_staff SET team = NEW.team_id WHERE staff = NEW.id AND team IS DISTINCT FROM NEW.team_id;
    RETURN NULL;
END
$$;
CREATE TRIGGER app_user_staff_follow AFTER UPDATE OF team_id ON app_user
    FOR EACH ROW WHEN (NEW.team_id IS DISTINCT FROM OLD.team_id) EXECUTE FUNCTION appointment_staff_follow();

UPDATE appointment_staff s SET team = u.team_id FROM app_user u
WHERE u.id = s.staff AND s.team IS DISTINCT FROM u.team_id;

-- What a team keeps, by when it begins.
CREATE INDEX appointment_staff_team ON appointment_staff (team, lower(during)) WHERE active;
