-- Candles of minutes, hours and days made of stored ones, so that years of minutes are
-- shown in the time of a few thousand rows. The columns are those of klines: open of the
-- first, close of the last, extremes, and exact sums. open_time is the opening on the
-- grid, close_time the last one among the candles that it is made of.
CREATE TABLE rollups (
    symbol text NOT NULL,
    -- Of the candles that it is made of.
    interval text NOT NULL,
    -- Its own: '1m', '1h' or '1d', whichever are longer than that.
    length text NOT NULL,
    open_time timestamptz NOT NULL,
    open_price numeric NOT NULL,
    high_price numeric NOT NULL,
    low_price numeric NOT NULL,
    close_price numeric NOT NULL,
    volume numeric NOT NULL,
    close_time timestamptz NOT NULL,
    quote_asset_volume numeric NOT NULL,
    number_of_trades bigint NOT NULL,
    taker_buy_base_asset_volume numeric NOT NULL,
    taker_buy_quote_asset_volume numeric NOT NULL,
    PRIMARY KEY (symbol, interval, length, open_time)
);

-- Days (00:00 UTC) whose rollups are not what klines has, or are not made yet. Who
-- reads takes those days from klines. The triggers below mark a day in the transaction
-- that changes it, whoever that is; only who holds the row of the series may delete a
-- mark, and whoever changes candles waits for that row before marking: so no change
-- is lost between reading the candles and deleting the mark.
CREATE TABLE stale_days (
    symbol text NOT NULL,
    interval text NOT NULL,
    day timestamptz NOT NULL,
    PRIMARY KEY (symbol, interval, day)
);

-- A day or longer is quick as it is.
CREATE FUNCTION has_rollups(name text) RETURNS boolean
    LANGUAGE sql IMMUTABLE RETURN name NOT IN ('1d', '3d', '1w', '1M');

CREATE FUNCTION day_of(open_time timestamptz) RETURNS timestamptz
    LANGUAGE sql IMMUTABLE
    RETURN date_bin('1 day', open_time, timestamptz '1970-01-01 00:00+00');

-- One pass over what was inserted: a collector does nothing else all day. A mark comes
-- of a row that the upsert returned, and so after the row of the series is held.
CREATE OR REPLACE FUNCTION count_inserted_klines() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    WITH days AS MATERIALIZED (
        SELECT n.symbol, n.interval, day_of(n.open_time) AS day,
            count(*) AS row_count, min(n.open_time) AS oldest
        FROM new_rows n GROUP BY n.symbol, n.interval, day_of(n.open_time)
    ), counted AS (
        INSERT INTO series AS s (symbol, interval, row_count, changed_from)
        SELECT d.symbol, d.interval, sum(d.row_count), min(d.oldest)
        FROM days d GROUP BY d.symbol, d.interval
        ON CONFLICT (symbol, interval) DO UPDATE
        SET row_count = s.row_count + excluded.row_count, version = excluded.version,
            changed_from = least(s.changed_from, excluded.changed_from)
        RETURNING s.symbol, s.interval
    )
    INSERT INTO stale_days
    SELECT d.symbol, d.interval, d.day
    FROM counted c JOIN days d ON d.symbol = c.symbol AND d.interval = c.interval
    WHERE has_rollups(d.interval)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION count_deleted_klines() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE series s
    SET row_count = s.row_count - d.row_count, version = nextval('series_version'),
        changed_from = least(s.changed_from, d.oldest),
        -- What was deleted has not been asked for, as far as anybody knows now.
        searched_from = NULL
    FROM (SELECT o.symbol, o.interval, count(*) AS row_count, min(o.open_time) AS oldest
          FROM old_rows o GROUP BY o.symbol, o.interval) d
    WHERE s.symbol = d.symbol AND s.interval = d.interval;
    INSERT INTO stale_days
    SELECT DISTINCT o.symbol, o.interval, day_of(o.open_time)
    FROM old_rows o WHERE has_rollups(o.interval)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION count_updated_klines() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO series AS s (symbol, interval, row_count, changed_from)
    SELECT b.symbol, b.interval, sum(b.row_count), min(b.open_time)
    FROM (SELECT o.symbol, o.interval, o.open_time, -1 AS row_count FROM old_rows o
          UNION ALL SELECT n.symbol, n.interval, n.open_time, 1 FROM new_rows n) b
    GROUP BY b.symbol, b.interval
    ON CONFLICT (symbol, interval) DO UPDATE
    SET row_count = s.row_count + excluded.row_count, version = excluded.version,
        changed_from = least(s.changed_from, excluded.changed_from);
    INSERT INTO stale_days
    SELECT o.symbol, o.interval, day_of(o.open_time)
    FROM old_rows o WHERE has_rollups(o.interval)
    UNION SELECT n.symbol, n.interval, day_of(n.open_time)
    FROM new_rows n WHERE has_rollups(n.interval)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$;

-- Truncating one partition empties some series only.
CREATE OR REPLACE FUNCTION count_truncated_klines() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    UPDATE series s SET row_count = 0, version = nextval('series_version'),
        changed_from = '-infinity', searched_from = NULL
    WHERE NOT EXISTS (SELECT FROM klines k
                      WHERE k.symbol = s.symbol AND k.interval = s.interval);
    DELETE FROM rollups r USING series s
    WHERE r.symbol = s.symbol AND r.interval = s.interval AND s.row_count = 0;
    DELETE FROM stale_days d USING series s
    WHERE d.symbol = s.symbol AND d.interval = s.interval AND s.row_count = 0;
    RETURN NULL;
END $$;

-- All that is stored is stale so far: one look into the index a day, and with many
-- symbols that takes as long as it takes.
SET LOCAL statement_timeout = 0;
INSERT INTO stale_days
WITH RECURSIVE days AS (
    SELECT s.symbol, s.interval, day_of(oldest.open_time) AS day
    FROM series s, LATERAL (
        SELECT min(k.open_time) AS open_time FROM klines k
        WHERE k.symbol = s.symbol AND k.interval = s.interval) oldest
    WHERE has_rollups(s.interval) AND oldest.open_time IS NOT NULL
    -- Not UNION ALL: a day after infinity there is infinity.
    UNION
    SELECT d.symbol, d.interval, day_of(following.open_time)
    FROM days d, LATERAL (
        SELECT min(k.open_time) AS open_time FROM klines k
        WHERE k.symbol = d.symbol AND k.interval = d.interval
        AND k.open_time >= d.day + interval '1 day') following
    WHERE following.open_time IS NOT NULL
)
SELECT * FROM days;
