-- Partitions by interval: the years of seconds and minutes of many symbols do not share
-- files, indexes and vacuums with a few thousand days, and the collector can COPY
-- straight into a partition (PostgreSQL inserts row by row where a partitioned table has
-- triggers that see all new rows). docs/STORAGE.md has what was measured.
-- Copying what is stored takes as long as it takes.
SET LOCAL statement_timeout = 0;

-- Views keep their names, owners and grants: each is pointed to the new table below.
-- They are read while their table still has its name.
CREATE TEMPORARY TABLE views_of_klines ON COMMIT DROP AS
SELECT DISTINCT v.oid::regclass AS name, pg_get_viewdef(v.oid) AS definition
FROM pg_depend d
JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = 'klines'::regclass;

ALTER TABLE klines RENAME TO klines_before;
ALTER TABLE klines_before RENAME CONSTRAINT klines_pkey TO klines_before_pkey;

CREATE TABLE klines (LIKE klines_before) PARTITION BY LIST (interval);
CREATE TABLE klines_1s PARTITION OF klines FOR VALUES IN ('1s');
CREATE TABLE klines_1m PARTITION OF klines FOR VALUES IN ('1m');
CREATE TABLE klines_minutes PARTITION OF klines
    FOR VALUES IN ('3m', '5m', '15m', '30m');
-- All from an hour on; what a hand inserts of an unknown interval, too.
CREATE TABLE klines_longer PARTITION OF klines DEFAULT;

-- In the order in which charts read them.
INSERT INTO klines SELECT * FROM klines_before ORDER BY symbol, interval, open_time;
ALTER TABLE klines ADD PRIMARY KEY (symbol, interval, open_time);

-- Of all series, or of those in one partition.
CREATE OR REPLACE FUNCTION count_truncated_klines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE series s SET row_count = 0, version = nextval('series_version'),
        changed_from = '-infinity', searched_from = NULL
    WHERE NOT EXISTS (SELECT FROM klines k
        WHERE k.symbol = s.symbol AND k.interval = s.interval);
    RETURN NULL;
END $$;

DO $$
DECLARE
    part regclass;
    view record;
BEGIN
    -- A statement sets off the triggers of the table that it names, and only those.
    FOR part IN SELECT relid FROM pg_partition_tree('klines') LOOP
        EXECUTE format(
            'CREATE TRIGGER count_inserted AFTER INSERT ON %1$s
                REFERENCING NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_klines();
            CREATE TRIGGER count_deleted AFTER DELETE ON %1$s
                REFERENCING OLD TABLE AS old_rows
                FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_klines();
            CREATE TRIGGER count_updated AFTER UPDATE ON %1$s
                REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
                FOR EACH STATEMENT EXECUTE FUNCTION count_updated_klines();
            CREATE TRIGGER count_truncated AFTER TRUNCATE ON %1$s
                FOR EACH STATEMENT EXECUTE FUNCTION count_truncated_klines();', part);
    END LOOP;

    FOR view IN SELECT * FROM views_of_klines LOOP
        EXECUTE format('CREATE OR REPLACE VIEW %s AS %s', view.name, view.definition);
    END LOOP;
END $$;

DROP TABLE klines_before;

-- Until the server has looked at the new tables of its own accord, within a minute, it
-- reads whole series to find their ends.
ANALYZE klines;
