"""The simulator's own endpoints, under ``/simulator/``: faults, clock, tampering."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from .clock import BentClock
from .fault_list import FaultList, Waiting
from .faults import Fault
from .limits import WeightLimits
from .listings import utc
from .messages import Reply, Request
from .statistics import Statistics
from .stream_faults import StreamFault
from .tampering import Tampering

PREFIX = "/simulator/"

F = TypeVar("F", bound=Waiting)


class StreamControl(Protocol):
    """What of the streams can be steered."""

    @property
    def faults(self) -> FaultList[StreamFault]:
        """Faults that wait for their events."""

    def statistics(self) -> dict[str, Any]:
        """Return all counts, for JSON."""

    def shutdown(self, lead: float) -> None:
        """Say ``serverShutdown`` to all, and end them ``lead`` seconds later."""

    def drop_all(self) -> None:
        """Cut all connections."""


class Control:
    """Lets tests in other processes do what the Python API does."""

    def __init__(
        self,
        clock: BentClock,
        faults: FaultList[Fault],
        tampering: Tampering,
        limits: WeightLimits,
        statistics: Statistics,
    ) -> None:
        """Steer these parts of one exchange."""
        self._clock = clock
        self._faults = faults
        self._tampering = tampering
        self._limits = limits
        self._statistics = statistics
        self._streams: StreamControl | None = None
        self._things: dict[str, Callable[[str, Any], Any]] = {
            "faults": self._on_faults,
            "clock": self._on_clock,
            "outages": self._on_outages,
            "corrections": self._on_corrections,
            "weights": self._on_weights,
            "statistics": self._on_statistics,
            "streams": self._on_streams,
            "stream-faults": self._on_stream_faults,
        }

    def steer(self, streams: StreamControl) -> None:
        """Steer the streams too, which begin after the exchange."""
        self._streams = streams

    def answer(self, request: Request) -> Reply:
        """Answer a request under ``/simulator/``."""
        thing = self._things.get(request.path.removeprefix(PREFIX))
        if thing is None or request.method not in ("GET", "POST", "DELETE"):
            expected = ", ".join(PREFIX + name for name in self._things)
            return Reply.of({"error": f"expected one of {expected}"}, 404)
        try:
            return Reply.of(thing(request.method, request.json()))
        except (ValueError, TypeError, KeyError) as error:
            return Reply.of({"error": f"{type(error).__name__}: {error}"}, 400)

    def _on_faults(self, method: str, value: Any) -> Any:
        return _steered(self._faults, method, value)

    def _on_clock(self, method: str, value: Any) -> Any:
        if method == "POST":
            now, speed = value.get("now"), value.get("speed")
            self._clock.set(
                None if now is None else time_of(now),
                None if speed is None else float(speed),
            )
            self._clock.advance(int(value.get("advance_ms", 0)))
        return {"now": self._clock.now(), "speed": self._clock.speed}

    def _on_outages(self, method: str, value: Any) -> Any:
        if method == "POST":
            for stretch in _list(value):
                times = {key: time_of(stretch[key]) for key in ("start", "end")}
                self._tampering.hide(**{**stretch, **times})
        elif method == "DELETE":
            self._tampering.show_all()
        return self._tampering.hidden()

    def _on_corrections(self, method: str, value: Any) -> Any:
        if method == "POST":
            for correction in _list(value):
                self._tampering.correct(**correction)
        elif method == "DELETE":
            self._tampering.take_back()
        return self._tampering.corrections()

    def _on_weights(self, method: str, value: Any) -> Any:
        if method == "POST":
            self._limits.set(**value)
        return {"limit": self._limits.limit, "used": self._limits.used}

    def _on_statistics(self, method: str, value: Any) -> Any:
        if method == "DELETE":
            self._statistics.clear()
        return {
            **self._statistics.as_dict(),
            "weight_used": self._limits.used,
            "faults": self._faults.applied(),
            "streams": self._streams.statistics() if self._streams else {},
        }

    def _on_streams(self, method: str, value: Any) -> Any:
        streams = self._needed()
        if method == "POST":
            match value["action"]:
                case "shutdown":
                    streams.shutdown(float(value.get("lead", 1.0)))
                case "drop_all":
                    streams.drop_all()
                case other:
                    expected = "shutdown or drop_all"
                    raise ValueError(f"action={other!r}: expected {expected}")
        return streams.statistics()

    def _on_stream_faults(self, method: str, value: Any) -> Any:
        return _steered(self._needed().faults, method, value)

    def _needed(self) -> StreamControl:
        if self._streams is None:
            raise ValueError("this exchange has no streams")
        return self._streams


def time_of(value: str | int) -> int:
    """Return ms since 1970 of ms, of their digits, or of ISO 8601 text.

    Raises:
        ValueError: The value is none of them.
    """
    text = str(value)
    return int(text) if text.isdecimal() else utc(text)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _steered(faults: FaultList[F], method: str, value: Any) -> list[dict[str, Any]]:
    """Add faults (POST) or forget them (DELETE); return those that wait."""
    if method == "POST":
        for fault in _list(value):
            faults.add(**fault)
    elif method == "DELETE":
        faults.clear()
    return faults.waiting()
