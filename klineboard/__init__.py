"""klineboard: a self-hosted candlestick dashboard that owns its data.

The map of the package; an arrow reads "is imported by"::

    errors, settings -> market -> sources, storage -> jobs -> web, commands, the doors
                               -> live -> the relay's door

    settings    every setting, read once into a frozen object
    errors      the exception tree
    market      pure nouns: a candle and its rules, intervals, coverage, market caps
    sources     one outside provider a file: Binance's REST, streams, archive; CoinGecko
    storage     PostgreSQL and CSV
    jobs        what the program does, a verb a file
    commands    what the collector's door can be told, and what a person reads of it
    live        the relay's WebSocket server, and the newest state that it serves
    web         Flask: the page, its API and the figures
    simulator   an exchange and a CoinGecko on loopback, for the demo and the tests

The doors at the project's root are ``app.py`` (the page), ``get_kline_data.py`` (the
collector) and ``stream_kline_data.py`` (the live relay).
``docs/ARCHITECTURE.md`` tells the rest.
"""

__version__ = "0.1.0"
