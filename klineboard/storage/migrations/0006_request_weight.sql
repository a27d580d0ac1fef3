-- Request weight that the programs at this database have taken of the exchange's
-- minutes, so that all together keep to what the exchange allows one address.
CREATE TABLE request_weight (
    host text NOT NULL,
    -- Minutes since 1970 of the exchange's clock.
    minute bigint NOT NULL,
    taken integer NOT NULL,
    PRIMARY KEY (host, minute)
);
