-- The relay's connection to the exchange, for the page and for /health.
CREATE TABLE stream_contact (
    host text PRIMARY KEY,
    -- 'live', 'late' or 'reconnecting', as the relay tells its clients.
    state text NOT NULL,
    -- The newest event, by our clock.
    last_event_at timestamptz,
    written_at timestamptz NOT NULL DEFAULT now()
);
