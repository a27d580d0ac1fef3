-- Since which open time the candles of a series changed after they were last looked at
-- for holes: a run looks there only, not at eight years of minutes. Null for nowhere.
ALTER TABLE series ADD COLUMN unscanned_from timestamptz DEFAULT '-infinity';

-- Each change of candles gives a new version and widens changed_from; who writes the
-- CSV file clears changed_from again, so that it cannot tell this.
CREATE FUNCTION note_unscanned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.unscanned_from := least(OLD.unscanned_from, NEW.changed_from);
    RETURN NEW;
END $$;
CREATE TRIGGER note_unscanned BEFORE UPDATE ON series
    FOR EACH ROW WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION note_unscanned();
