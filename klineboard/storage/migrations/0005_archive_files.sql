-- Files of the exchange's archive whose candles are stored; a file that is re-issued
-- has another checksum, and is taken again.
CREATE TABLE archive_files (
    symbol text NOT NULL,
    interval text NOT NULL,
    -- '2024-12' or '2024-12-31'.
    period text NOT NULL,
    sha256 text NOT NULL,
    rows integer NOT NULL,
    -- Candles of which REST says otherwise; its word is what is stored.
    differing integer NOT NULL DEFAULT 0,
    taken_at timestamptz NOT NULL DEFAULT now(),
    -- When the archive was last asked for the checksum.
    checked_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (symbol, interval, period)
);
