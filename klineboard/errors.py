"""The exceptions of klineboard, named by what the caller does next.

::

    KlineboardError
    ├── SettingsError               mend the settings or the command line (exit 2)
    │   └── OriginMismatch          this database holds candles of another exchange
    ├── ExchangeError
    │   ├── ExchangeUnavailable     network, time-out, 5xx: try again with backoff
    │   ├── InvalidAnswer           HTML, torn JSON, wrong columns: never store it
    │   ├── RateLimited             429 or 418: say nothing for ``seconds``
    │   ├── SeriesRejected          -1121, -1120, -1100 ...: give up on this series only
    │   ├── ArchiveUnusable         no answer, or not for us: ask REST in its stead
    │   ├── ArchiveFileRefused      corrupt, of another symbol ...: its candles by REST
    │   └── AccessBlocked           451 or 403: another host is needed; do not try again
    ├── Stopped                     the process was told to end; the next run goes on
    └── StorageError
        ├── DatabaseUnavailable     wait for host and port
        ├── DiskFull                end the run: the next one goes on when there is room
        ├── NotExportable           ask for another format: this one cannot hold a value
        └── CsvNotWritable          the table is right; the file follows at the next run

Foreign exceptions (requests, psycopg2, OSError) are translated where they arise, in
``sources/`` and ``storage/``, with the cause kept by ``raise ... from``.
"""

from __future__ import annotations


class KlineboardError(Exception):
    """Base of all errors that klineboard raises on purpose."""


class SettingsError(KlineboardError):
    """A setting or an argument is wrong; nothing was fetched or stored."""

    def __init__(self, key: str, value: str, expected: str) -> None:
        """Name the offending key and value, and what was expected instead."""
        super().__init__(f"{key}={value!r}: expected {expected}")
        self.key = key
        self.value = value
        self.expected = expected


class OriginMismatch(SettingsError):
    """The database holds candles of another exchange than the one that answers."""

    def __init__(self, stored: str, offered: str) -> None:
        """Keep both origins, as the table ``origin`` names them."""
        super().__init__(
            "BINANCE_API_URL",
            offered,
            f"the exchange that this database's candles came from, {stored!r}; "
            "use another database (POSTGRES_DB) or another DATA_DIR",
        )
        self.stored = stored
        self.offered = offered


class ExchangeError(KlineboardError):
    """The exchange, or the way to it, did not give what was asked."""


class ExchangeUnavailable(ExchangeError):
    """No answer or a server error; the same request may succeed later."""


class InvalidAnswer(ExchangeError):
    """An answer arrived that is not what the exchange documents."""


class RateLimited(ExchangeError):
    """The exchange asks for silence.

    Attributes:
        seconds: How long to be silent from now on.
        banned: True for 418 (the address is banned), False for 429.
    """

    def __init__(self, seconds: float, *, banned: bool) -> None:
        """Keep for how long to be silent, and how serious it is."""
        word = "banned this address" if banned else "asked for silence"
        super().__init__(f"the exchange {word} for {seconds:.0f} s")
        self.seconds = seconds
        self.banned = banned


class SeriesRejected(ExchangeError):
    """The exchange refuses this symbol or interval for good.

    Attributes:
        code: Binance's error code, for example -1121.
    """

    def __init__(self, code: int, message: str) -> None:
        """Keep Binance's code and its own words."""
        super().__init__(f"{message} (code {code})")
        self.code = code


class AccessBlocked(ExchangeError):
    """The host refuses this place or this client (HTTP 451 or 403)."""


class ArchiveUnusable(ExchangeError):
    """The archive does not answer, refuses this client, or is another exchange's."""


class ArchiveFileRefused(ExchangeError):
    """A file of the archive is not what it should be; nothing of it is stored."""

    def __init__(self, name: str, reason: str) -> None:
        """Keep the file's name, and why it is refused."""
        super().__init__(f"{name} refused: {reason}")
        self.name = name
        self.reason = reason


class Stopped(KlineboardError):
    """The process was told to end; what is stored is whole."""

    def __init__(self) -> None:
        """Say what the next run does."""
        super().__init__("stopped before the end; the next run goes on from here")


class StorageError(KlineboardError):
    """What was fetched could not be kept, or what is kept could not be read."""


class DatabaseUnavailable(StorageError):
    """PostgreSQL cannot be reached."""


class DiskFull(StorageError):
    """PostgreSQL has no room for more; what was stored before is whole."""


class NotExportable(StorageError):
    """What is stored does not fit the format asked for, and nothing is rounded."""


class CsvNotWritable(StorageError):
    """A CSV file could not be written; the table is not affected."""
