"""Faults that wait for their turn, whatever they befall."""

from __future__ import annotations

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Protocol, TypeVar


class Waiting(Protocol):
    """What faults of all sorts have: how often they come, and when they begin."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def kind(self) -> str:
        """What it does."""

    @property
    def count(self) -> int:
        """How often it comes."""

    @property
    def skip(self) -> int:
        """How many occasions pass before it begins."""


F = TypeVar("F", bound=Waiting)


class FaultList(Generic[F]):
    """Faults that wait; each occasion takes the first that fits."""

    def __init__(self, of: Callable[[Mapping[str, Any]], F]) -> None:
        """Start without faults.

        Args:
            of: Builds a fault from its fields.
        """
        self._of = of
        self._lock = threading.Lock()
        self._faults: list[F] = []
        self._applied: Counter[str] = Counter()

    def add(self, fault: F | None = None, /, **values: Any) -> None:
        """Add a fault, given whole or by its fields: ``add(kind="reset", count=2)``.

        Raises:
            ValueError: The fields make no fault.
        """
        added = self._of(values) if fault is None else fault
        with self._lock:
            self._faults.append(added)

    def clear(self) -> None:
        """Forget all faults that wait."""
        with self._lock:
            self._faults.clear()

    def waiting(self) -> list[dict[str, Any]]:
        """Return the faults that are left, for JSON."""
        with self._lock:
            return [dataclasses.asdict(fault) for fault in self._faults]

    def applied(self) -> dict[str, int]:
        """Return how many faults of each kind there were."""
        with self._lock:
            return dict(self._applied)

    def take(self, fits: Callable[[F], bool]) -> F | None:
        """Return the fault that befalls an occasion, and count it."""
        if not self._faults:
            return None
        with self._lock:
            for place, fault in enumerate(self._faults):
                if not fits(fault):
                    continue
                if fault.skip > 0:
                    self._faults[place] = dataclasses.replace(
                        fault, skip=fault.skip - 1
                    )
                    continue
                if fault.count > 1:
                    self._faults[place] = dataclasses.replace(
                        fault, count=fault.count - 1
                    )
                else:
                    del self._faults[place]
                self._applied[fault.kind] += 1
                return fault
        return None


def checked(
    values: Mapping[str, Any],
    kinds: Sequence[str],
    conversions: Mapping[str, Callable[[Any], Any]],
) -> dict[str, Any]:
    """Return the fields of a fault that came as JSON, converted; null is none.

    Raises:
        ValueError: The kind or a key is unknown, or a value of the wrong kind.
    """
    if values.get("kind") not in kinds:
        expected = ", ".join(kinds)
        raise ValueError(f"kind={values.get('kind')!r}: expected one of {expected}")
    unknown = set(values) - set(conversions)
    if unknown:
        expected = ", ".join(conversions)
        raise ValueError(f"unknown {sorted(unknown)[0]!r}: expected {expected}")
    try:
        return {
            key: conversions[key](value)
            for key, value in values.items()
            if value is not None
        }
    except TypeError as error:
        raise ValueError(f"fault {dict(values)!r}: {error}") from None


def parsed(text: str) -> dict[str, str]:
    """Return the fields of a fault from the command line: ``status=429,count=3``.

    The first word is a kind; ``status=429`` stands for ``kind=status``.
    """
    pairs = [part.partition("=") for part in text.split(",")]
    values = {key.strip(): value.strip() for key, _, value in pairs}
    first = pairs[0][0].strip()
    if "kind" not in values:
        values["kind"] = first
        if not values.get(first):
            values.pop(first, None)
    return values
