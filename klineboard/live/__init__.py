"""The relay's WebSocket server: the newest state of the market, and who listens.

An arrow reads "is imported by"::

    messages, topic -> candles, trades -> coins -> board -> addresses
    topic -> fan_out; addresses -> connection -> upkeep
    all of them, descriptors -> server

    topic        numbered news that listeners follow: no hole, no repeat, no growth
    candles      the newest candles of a series, as a topic; trades and coins likewise
    board        all topics, and what the relay tells them; pure
    messages     the JSON of everything
    addresses    paths, symbols, intervals, limits, origins
    fan_out      telling many in small steps of the loop
    connection   one client: room for more, farewells, chatter
    upkeep       pings, and cutting those that are gone
    descriptors  how many clients open files allow
"""
