"""Faults by request: what real exchanges and networks do to a client."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..market.interval import Interval
from ..market.kline import Kline
from .archive import CHECKSUM, PREFIX
from .archive import KINDS as ARCHIVE_KINDS
from .fault_list import checked, parsed
from .messages import Reply, Request

_HTML = (
    b"<!DOCTYPE html>\n<html><head><title>ERROR</title></head><body></body></html>\n"
)

# Kinds that replace or damage any answer, kinds that damage rows of klines, and (of
# the archive) kinds that damage files.
ANSWER_KINDS = ("status", "html", "reset", "hang", "truncate")
ROW_KINDS = (
    "wrong_columns",
    "duplicate_rows",
    "nan",
    "high_below_low",
    "stale",
    "short_page",
)
KINDS = ANSWER_KINDS + ROW_KINDS + ARCHIVE_KINDS


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, and which requests it befalls.

    Attributes:
        kind: One of ``ANSWER_KINDS``, ``ROW_KINDS`` or ``ARCHIVE_KINDS``; the last
            befall a zip and its checksum, a request each.
        status: HTTP status of kinds 'status' (default 500) and 'html' (200).
        code: Binance's error code in the body of a 'status'.
        message: Its message.
        retry_after: ``Retry-After`` of a 'status', in seconds, or None.
        seconds: How long a 'hang' stays silent.
        rows: How many closed candles a 'stale' answer lacks at its end.
        count: How many requests it befalls.
        skip: How many matching requests pass before it begins.
        path: Only requests of this path, or None; the path of a zip in the archive
            stands for its checksum's, too, if the kind is one of ``ARCHIVE_KINDS``.
        symbol: Only requests with this symbol, or None.
        interval: Only requests with this interval, or None.
    """

    kind: str
    status: int | None = None
    code: int = -1000
    message: str = "An unknown error occurred while processing the request."
    retry_after: int | None = None
    seconds: float = 30.0
    rows: int = 1
    count: int = 1
    skip: int = 0
    path: str | None = None
    symbol: str | None = None
    interval: str | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Fault:
        """Build a fault from JSON.

        Raises:
            ValueError: The kind or a key is unknown, or a value of the wrong kind.
        """
        return cls(**checked(values, KINDS, _CONVERSIONS))

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Build a fault from the command line: ``status=429,count=3`` or ``hang``.

        The first word is a kind; ``status=429`` stands for ``kind=status``.

        Raises:
            ValueError: As ``of``.
        """
        return cls.of(parsed(text))

    def matches(self, request: Request) -> bool:
        """Return whether the fault befalls a request."""
        path = request.path
        if self.kind in ARCHIVE_KINDS:
            if not path.startswith(PREFIX):
                return False
            path = path.removesuffix(CHECKSUM)
        return (
            self.path in (None, path)
            and self.symbol in (None, request.parameter("symbol"))
            and self.interval in (None, request.parameter("interval"))
            and (self.kind not in ROW_KINDS or request.path == "/api/v3/klines")
        )

    def replace(self) -> Reply | None:
        """Return the answer that stands in for the right one, or None."""
        match self.kind:
            case "status":
                reply = Reply.of(
                    {"code": self.code, "msg": self.message}, self.status or 500
                )
            case "html":
                reply = Reply(self.status or 200, _HTML, "text/html")
            case "reset":
                return Reply(0, b"", reset=True)
            case "hang":
                return Reply(0, b"", hang=self.seconds)
            case _:
                return None
        if self.retry_after is not None:
            reply.headers["Retry-After"] = str(self.retry_after)
        return reply

    def damage(
        self, rows: list[list[Any]], klines: list[Kline], interval: Interval, now: int
    ) -> list[list[Any]]:
        """Return the rows of an answer, damaged.

        Args:
            rows: What would be answered.
            klines: The candles behind it.
            interval: Their interval.
            now: The exchange's time (ms).
        """
        if self.kind == "short_page":
            return rows[: len(rows) // 2]
        if self.kind == "stale":
            until = interval.add(interval.floor(now), -self.rows)
            return [
                row
                for row, kline in zip(rows, klines, strict=False)
                if kline.open_time < until
            ]
        if not rows:
            return rows
        middle = len(rows) // 2
        row = rows[middle]
        if self.kind == "wrong_columns":
            rows[middle] = row[:7]
        elif self.kind == "duplicate_rows":
            rows.insert(middle, list(row))
        elif self.kind == "nan":
            row[4] = "NaN"
        elif self.kind == "high_below_low":
            row[2], row[3] = "1.00000000", "2.00000000"
        return rows


_CONVERSIONS: dict[str, Any] = {
    "kind": str,
    "status": int,
    "code": int,
    "message": str,
    "retry_after": int,
    "seconds": float,
    "rows": int,
    "count": int,
    "skip": int,
    "path": str,
    "symbol": str,
    "interval": str,
}
