"""Recorded frames of the streams, told again at their own pace."""

from __future__ import annotations

import gzip
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ..market.interval import INTERVALS
from .stream_events import Event
from .stream_names import TRADES, Stream


def read_frames(path: Path) -> list[Event]:
    """Read a file of raw frames, one a line, perhaps gzipped.

    Frames may be raw or in the combined form; words that are no events of klines or
    trades (answers to commands, ``serverShutdown``) are left out.

    Raises:
        ValueError: A line is no JSON.
        OSError: The file cannot be read.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        return list(_events(path, file))


def _events(path: Path, lines: Iterable[str]) -> Iterator[Event]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            event = _event(json.loads(line))
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from None
        if event is not None:
            yield event


def _event(frame: Any) -> Event | None:
    data = frame.get("data", frame) if isinstance(frame, dict) else None
    if not isinstance(data, dict) or type(data.get("E")) is not int:
        return None
    stream = _stream(data)
    if stream is None:
        return None
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    closing = stream.event == "kline" and data["k"].get("x") is True
    return Event(data["E"], stream, text, closing)


def _stream(data: dict[str, Any]) -> Stream | None:
    """Return the stream that an event belongs to, as it says itself."""
    event, symbol, kline = data.get("e"), data.get("s"), data.get("k")
    if not isinstance(symbol, str):
        return None
    if event in TRADES:
        return Stream(f"{symbol.lower()}@{event}", symbol, str(event))
    if event != "kline" or not isinstance(kline, dict):
        return None
    interval = INTERVALS.get(str(kline.get("i")))
    if interval is None:
        return None
    return Stream(f"{symbol.lower()}@kline_{interval}", symbol, "kline", interval)


class StreamRecording:
    """Recorded events by the names of their streams."""

    def __init__(self, events: Iterable[Event]) -> None:
        """Sort the events of each stream by their time."""
        self._events: dict[str, list[Event]] = {}
        for event in sorted(events, key=_time):
            self._events.setdefault(event.stream.name, []).append(event)

    @property
    def begin(self) -> int | None:
        """The ms before the first event, or None if there is none."""
        firsts = [events[0].time for events in self._events.values()]
        return min(firsts) - 1 if firsts else None

    def feed(self, name: str) -> RecordedFeed | None:
        """Return the source of a stream, or None if none of its events is here."""
        events = self._events.get(name)
        return RecordedFeed(events) if events else None


class RecordedFeed:
    """A stream of recorded events; each is told at the time that it says itself."""

    def __init__(self, events: list[Event]) -> None:
        """Tell these events, whose times rise."""
        self._events = events
        self._times = [event.time for event in events]
        self.pace = len(events) / (1 + self._times[-1] - self._times[0])

    def due(self, since: int, until: int, target: int) -> list[Event]:
        """Return events as ``Feed.due`` says."""
        first = bisect_right(self._times, since)
        return self._events[first : bisect_right(self._times, until)]


def _time(event: Event) -> int:
    return event.time
