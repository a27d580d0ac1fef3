-- The newest corrections of one series, for the page that shows them.
CREATE INDEX IF NOT EXISTS corrections_of_series
    ON corrections (symbol, interval, id DESC);
