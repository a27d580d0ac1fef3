"""The table ``klines``: whole rows in, whole rows replaced, newest rows out.

New candles, by far the most, are copied straight into their interval's partition. Where
some of them are stored already, all go through a staging table and are compared.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from psycopg2 import sql
from psycopg2.errors import UniqueViolation

from ..market.interval import DAY
from ..market.kline import COLUMNS, Kline
from ..market.series import Series
from .database import Cursor
from .series import to_moment, to_time

# Any number that nothing else locks.
_VIEW_LOCK = 5_555_000_002
_LINES_AT_ONCE = 2_000
# Of COPY's text format.
_ESCAPED = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})
# See migration 0003.
_PARTITIONS = {"1s": "klines_1s", "1m": "klines_1m"} | dict.fromkeys(
    ("3m", "5m", "15m", "30m"), "klines_minutes"
)

_STAGING = """
CREATE TEMPORARY TABLE IF NOT EXISTS incoming (
    open_time bigint, open_price numeric, high_price numeric, low_price numeric,
    close_price numeric, volume numeric, close_time bigint,
    quote_asset_volume numeric, number_of_trades integer,
    taker_buy_base_asset_volume numeric, taker_buy_quote_asset_volume numeric
) ON COMMIT DELETE ROWS
"""

# Multiplying an interval keeps milliseconds exact; to_timestamp() goes through a
# floating-point number.
_INCOMING = """
SELECT %(symbol)s AS symbol, %(interval)s AS interval,
    timestamptz 'epoch' + open_time * interval '1 millisecond' AS open_time,
    open_price, high_price, low_price, close_price, volume,
    timestamptz 'epoch' + close_time * interval '1 millisecond' AS close_time,
    quote_asset_volume, number_of_trades,
    taker_buy_base_asset_volume, taker_buy_quote_asset_volume
FROM incoming
"""

_DIFFERS = """
(k.open_price, k.high_price, k.low_price, k.close_price, k.volume, k.close_time,
 k.quote_asset_volume, k.number_of_trades, k.taker_buy_base_asset_volume,
 k.taker_buy_quote_asset_volume)
IS DISTINCT FROM
(n.open_price, n.high_price, n.low_price, n.close_price, n.volume, n.close_time,
 n.quote_asset_volume, n.number_of_trades, n.taker_buy_base_asset_volume,
 n.taker_buy_quote_asset_volume)
"""

# Right after its close a candle may come without its last trades; it then does not
# replace one that has them.
_IS_SETTLED = """
(%(settled)s IS NULL OR n.number_of_trades >= k.number_of_trades
 OR n.close_time < timestamptz 'epoch' + %(settled)s * interval '1 millisecond')
"""

_RECORD_CORRECTIONS = sql.SQL(
    "WITH n AS ({incoming}) "
    "INSERT INTO corrections (symbol, interval, open_time, stored, replacement) "
    "SELECT k.symbol, k.interval, k.open_time, to_jsonb(k), to_jsonb(n) "
    "FROM klines k JOIN n ON k.symbol = n.symbol AND k.interval = n.interval "
    "AND k.open_time = n.open_time WHERE {differs} AND {settled}"
).format(
    incoming=sql.SQL(_INCOMING),
    differs=sql.SQL(_DIFFERS),
    settled=sql.SQL(_IS_SETTLED),
)

_INSERT = sql.SQL(
    "INSERT INTO klines AS k SELECT * FROM ({incoming}) AS incoming "
    "ON CONFLICT (symbol, interval, open_time) DO NOTHING"
).format(incoming=sql.SQL(_INCOMING))

_UPSERT = sql.SQL(
    "INSERT INTO klines AS k SELECT * FROM ({incoming}) AS incoming "
    "ON CONFLICT (symbol, interval, open_time) DO UPDATE SET "
    "open_price = excluded.open_price, high_price = excluded.high_price, "
    "low_price = excluded.low_price, close_price = excluded.close_price, "
    "volume = excluded.volume, close_time = excluded.close_time, "
    "quote_asset_volume = excluded.quote_asset_volume, "
    "number_of_trades = excluded.number_of_trades, "
    "taker_buy_base_asset_volume = excluded.taker_buy_base_asset_volume, "
    "taker_buy_quote_asset_volume = excluded.taker_buy_quote_asset_volume "
    "WHERE {differs} AND {settled}"
).format(
    incoming=sql.SQL(_INCOMING),
    differs=sql.SQL(_DIFFERS.replace("(n.", "(excluded.").replace(" n.", " excluded.")),
    settled=sql.SQL(_IS_SETTLED.replace("n.", "excluded.")),
)


class Stored(NamedTuple):
    """How many candles a call added, and how many it replaced as whole rows."""

    added: int
    corrected: int


def store_klines(
    cursor: Cursor,
    series: Series,
    klines: Sequence[Kline],
    *,
    replace: bool = True,
    settled: int | None = None,
) -> Stored:
    """Add candles; replace those that differ, and record what was there before.

    Storing the same candles again changes nothing. The caller has checked that they
    are closed (their close time lies before the exchange's clock).

    Args:
        cursor: Of a transaction.
        series: Whose candles they are.
        klines: Whole rows, open times rising.
        replace: False leaves what is stored as it is: the stream's word does not
            stand against an answer by REST.
        settled: What closed later (ms) does not replace a candle with more trades;
            None for no such doubt.
    """
    if not klines:
        return Stored(0, 0)
    if not _any_stored(cursor, series, klines) and _copy(cursor, series, klines):
        return Stored(len(klines), 0)
    return _merge(cursor, series, klines, replace, settled)


def commit_without_waiting(cursor: Cursor) -> None:
    """Let this transaction's commit return before the disk has it.

    For what can be fetched again: after a power cut the newest moments may be missing,
    as a whole and in order, and the next run sees that they are.
    """
    cursor.execute("SET LOCAL synchronous_commit = off")


def _any_stored(cursor: Cursor, series: Series, klines: Sequence[Kline]) -> bool:
    """Whether any candle is stored between the first and the last of these."""
    cursor.execute(
        "SELECT EXISTS (SELECT FROM klines WHERE symbol = %s AND interval = %s "
        "AND open_time BETWEEN %s AND %s)",
        (*series.key, to_moment(klines[0].open_time), to_moment(klines[-1].open_time)),
    )
    row = cursor.fetchone()
    return bool(row and row[0])


def _copy(cursor: Cursor, series: Series, klines: Sequence[Kline]) -> bool:
    """Copy candles into their partition; False where another was quicker with one."""
    statement = sql.SQL("COPY {} FROM STDIN").format(
        sql.Identifier(_PARTITIONS.get(series.interval.name, "klines_longer"))
    )
    cursor.execute("SAVEPOINT copying")
    # The stubs also want readline(), which psycopg2 does not call here.
    try:
        cursor.copy_expert(statement, _Lines(series, klines))  # type: ignore[arg-type]
    except UniqueViolation:
        cursor.execute("ROLLBACK TO SAVEPOINT copying")
        return False
    cursor.execute("RELEASE SAVEPOINT copying")
    return True


class _Lines:
    """Rows of ``klines`` in COPY's text format, made while the server takes them."""

    def __init__(self, series: Series, klines: Sequence[Kline]) -> None:
        self._key = f"{series.symbol.translate(_ESCAPED)}\t{series.interval}"
        self._klines = klines
        self._written = 0

    def read(self, size: int = -1) -> bytes:
        """Return the next lines, however many bytes they are; none at the end."""
        begin, self._written = self._written, self._written + _LINES_AT_ONCE
        key = self._key
        lines = [
            f"{key}\t{_moment(opened)}\t{first}\t{high}\t{low}\t{last}\t{volume}\t"
            f"{_moment(closed)}\t{quote}\t{trades}\t{taker_base}\t{taker_quote}\n"
            for (
                opened,
                first,
                high,
                low,
                last,
                volume,
                closed,
                quote,
                trades,
                taker_base,
                taker_quote,
            ) in self._klines[begin : self._written]
        ]
        return "".join(lines).encode()


def _moment(time: int) -> str:
    """Return ms since 1970 UTC as text: three times as fast as datetime's own."""
    day, rest = divmod(time, DAY)
    return _day(day) + _clock(rest)


@lru_cache(maxsize=256)
def _day(day: int) -> str:
    return f"{dt.date(1970, 1, 1) + dt.timedelta(days=day)} "


@lru_cache(maxsize=8192)
def _clock(time: int) -> str:
    minutes, milliseconds = divmod(time, 60_000)
    hour, minute = divmod(minutes, 60)
    return f"{hour:02}:{minute:02}:{milliseconds / 1000:06.3f}Z"


def _merge(
    cursor: Cursor,
    series: Series,
    klines: Sequence[Kline],
    replace: bool,
    settled: int | None,
) -> Stored:
    """Add what is not stored, and compare the rest."""
    cursor.execute(_STAGING)
    lines = "".join("\t".join(map(str, kline)) + "\n" for kline in klines)
    cursor.copy_expert("COPY incoming FROM STDIN", io.StringIO(lines))
    names = {
        "symbol": series.symbol,
        "interval": series.interval.name,
        "settled": settled,
    }
    corrected = 0
    if replace:
        cursor.execute(_RECORD_CORRECTIONS, names)
        corrected = cursor.rowcount
    cursor.execute(_UPSERT if replace else _INSERT, names)
    added = cursor.rowcount - corrected
    # Two calls in one transaction would meet in the staging table otherwise.
    cursor.execute("TRUNCATE incoming")
    return Stored(added, corrected)


def newest_klines(cursor: Cursor, series: Series, count: int) -> list[Kline]:
    """Return the newest ``count`` candles, oldest first, with the stored digits."""
    cursor.execute(
        sql.SQL(
            "SELECT {columns} FROM klines WHERE symbol = %s AND interval = %s "
            "ORDER BY open_time DESC LIMIT %s"
        ).format(columns=sql.SQL(", ").join(map(_as_text, COLUMNS))),
        (*series.key, count),
    )
    return [
        Kline._make((to_time(row[0]), *row[1:6], to_time(row[6]), *row[7:]))
        for row in reversed(cursor.fetchall())
    ]


def open_before(cursor: Cursor, series: Series, open_time: int) -> int | None:
    """Return the open time (ms) of the newest candle before ``open_time``."""
    cursor.execute(
        "SELECT max(open_time) FROM klines "
        "WHERE symbol = %s AND interval = %s AND open_time < %s",
        (*series.key, to_moment(open_time)),
    )
    row = cursor.fetchone()
    return to_time(row[0]) if row and row[0] else None


def ensure_view(cursor: Cursor, series: Series) -> None:
    """Make the view of a series, newest first, for people who look with Adminer."""
    if _has_view(cursor, series):
        return
    # OR REPLACE does not help two programs that make the same view at once.
    cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_VIEW_LOCK,))
    if _has_view(cursor, series):
        return
    cursor.execute(
        sql.SQL(
            "CREATE OR REPLACE VIEW {view} AS SELECT {columns} FROM klines "
            "WHERE symbol = {symbol} AND interval = {interval} ORDER BY open_time DESC"
        ).format(
            view=sql.Identifier(series.view_name),
            columns=sql.SQL(", ").join(map(sql.Identifier, COLUMNS)),
            symbol=sql.Literal(series.symbol),
            interval=sql.Literal(series.interval.name),
        )
    )


def _has_view(cursor: Cursor, series: Series) -> bool:
    cursor.execute("SELECT to_regclass(%s)", (_quoted(series.view_name),))
    row = cursor.fetchone()
    return bool(row and row[0] is not None)


def _as_text(column: str) -> sql.Composable:
    if column in ("open_time", "close_time", "number_of_trades"):
        return sql.Identifier(column)
    return sql.SQL("{}::text").format(sql.Identifier(column))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
