-- Candles. Numerics keep the digits that the exchange sent; nothing is rounded.
CREATE TABLE klines (
    symbol text NOT NULL,
    interval text NOT NULL,
    open_time timestamptz NOT NULL,
    open_price numeric NOT NULL,
    high_price numeric NOT NULL,
    low_price numeric NOT NULL,
    close_price numeric NOT NULL,
    volume numeric NOT NULL,
    close_time timestamptz NOT NULL,
    quote_asset_volume numeric NOT NULL,
    number_of_trades integer NOT NULL,
    taker_buy_base_asset_volume numeric NOT NULL,
    taker_buy_quote_asset_volume numeric NOT NULL,
    PRIMARY KEY (symbol, interval, open_time)
);

-- Stretches without candles inside a series. start_time is the first missing open
-- time, end_time the next present one.
CREATE TABLE gaps (
    symbol text NOT NULL,
    interval text NOT NULL,
    start_time timestamptz NOT NULL,
    end_time timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('missing', 'exchange')),
    attempts integer NOT NULL DEFAULT 0,
    checked_at timestamptz,
    PRIMARY KEY (symbol, interval, start_time),
    CHECK (start_time < end_time)
);

CREATE TABLE collection_runs (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL DEFAULT now(),
    symbol text NOT NULL,
    interval text NOT NULL,
    rows_stored bigint NOT NULL DEFAULT 0,
    rows_corrected bigint NOT NULL DEFAULT 0,
    requests integer NOT NULL DEFAULT 0,
    status text NOT NULL CHECK (status IN ('ok', 'failed', 'skipped')),
    error text
);
CREATE INDEX collection_runs_of_series ON collection_runs (symbol, interval, id DESC);

-- Every replaced candle: what was stored before, and what replaced it.
CREATE TABLE corrections (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    corrected_at timestamptz NOT NULL DEFAULT now(),
    symbol text NOT NULL,
    interval text NOT NULL,
    open_time timestamptz NOT NULL,
    stored jsonb NOT NULL,
    replacement jsonb NOT NULL
);

-- The exchange that the candles came from; one row for the whole database.
CREATE TABLE origin (
    name text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);

CREATE TABLE market_caps (
    fetched_at timestamptz NOT NULL,
    rank integer NOT NULL,
    coin_id text NOT NULL,
    symbol text NOT NULL,
    name text NOT NULL,
    price_usd numeric,
    market_cap_usd numeric,
    change_24h_percent numeric,
    PRIMARY KEY (fetched_at, rank)
);

-- Who asked CoinGecko last, so that all processes together keep the pace.
CREATE TABLE market_cap_refresh (
    attempted_at timestamptz NOT NULL,
    error text,
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row)
);

-- What exchangeInfo said of each collected symbol.
CREATE TABLE symbols (
    symbol text PRIMARY KEY,
    status text NOT NULL,
    base_asset text NOT NULL,
    quote_asset text NOT NULL,
    tick_size numeric,
    checked_at timestamptz NOT NULL DEFAULT now()
);

-- How the exchange was last reached, and until when it told this address to keep
-- silent (429 and 418), so that the next run obeys what an earlier one was told.
CREATE TABLE exchange_contact (
    host text PRIMARY KEY,
    reached_at timestamptz,
    failed_at timestamptz,
    error text,
    silent_until timestamptz,
    -- The exchange's clock minus ours, ms, when it was reached: candles close by it.
    clock_ahead_ms bigint NOT NULL DEFAULT 0
);

-- One row a series, kept true by the triggers below whoever changes klines.
-- version is another one after every change; a CSV file or a cached answer made at a version
-- is current as long as the version stands.
CREATE SEQUENCE series_version;
-- Two databases never share a version: a browser's cached answer of one (the demo)
-- must not pass for the other's.
SELECT setval('series_version', (extract(epoch FROM now()) * 1000)::bigint);
CREATE TABLE series (
    symbol text NOT NULL,
    interval text NOT NULL,
    row_count bigint NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT nextval('series_version'),
    -- The span for which the exchange has been asked: inside it every candle is
    -- stored or stands in gaps.
    searched_from timestamptz,
    searched_until timestamptz,
    -- The state of the CSV file when it last equalled the table.
    csv_version bigint,
    csv_until timestamptz,
    -- The oldest open time that changed since then.
    changed_from timestamptz,
    csv_bytes bigint,
    csv_modified_ns bigint,
    PRIMARY KEY (symbol, interval)
);

CREATE FUNCTION count_inserted_klines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO series AS s (symbol, interval, row_count, changed_from)
    SELECT n.symbol, n.interval, count(*), min(n.open_time)
    FROM new_rows n GROUP BY n.symbol, n.interval
    ON CONFLICT (symbol, interval) DO UPDATE
    SET row_count = s.row_count + excluded.row_count, version = excluded.version,
        changed_from = least(s.changed_from, excluded.changed_from);
    RETURN NULL;
END $$;

CREATE FUNCTION count_deleted_klines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE series s
    SET row_count = s.row_count - d.row_count, version = nextval('series_version'),
        changed_from = least(s.changed_from, d.oldest),
        -- What was deleted has not been asked for, as far as anybody knows now.
        searched_from = NULL
    FROM (SELECT o.symbol, o.interval, count(*) AS row_count, min(o.open_time) AS oldest
          FROM old_rows o GROUP BY o.symbol, o.interval) d
    WHERE s.symbol = d.symbol AND s.interval = d.interval;
    RETURN NULL;
END $$;

CREATE FUNCTION count_updated_klines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO series AS s (symbol, interval, row_count, changed_from)
    SELECT b.symbol, b.interval, sum(b.row_count), min(b.open_time)
    FROM (SELECT o.symbol, o.interval, o.open_time, -1 AS row_count FROM old_rows o
          UNION ALL SELECT n.symbol, n.interval, n.open_time, 1 FROM new_rows n) b
    GROUP BY b.symbol, b.interval
    ON CONFLICT (symbol, interval) DO UPDATE
    SET row_count = s.row_count + excluded.row_count, version = excluded.version,
        changed_from = least(s.changed_from, excluded.changed_from);
    RETURN NULL;
END $$;

CREATE FUNCTION count_truncated_klines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE series SET row_count = 0, version = nextval('series_version'),
        changed_from = '-infinity', searched_from = NULL;
    RETURN NULL;
END $$;

CREATE TRIGGER count_inserted AFTER INSERT ON klines
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_klines();
CREATE TRIGGER count_deleted AFTER DELETE ON klines
    REFERENCING OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_klines();
CREATE TRIGGER count_updated AFTER UPDATE ON klines
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION count_updated_klines();
CREATE TRIGGER count_truncated AFTER TRUNCATE ON klines
    FOR EACH STATEMENT EXECUTE FUNCTION count_truncated_klines();
