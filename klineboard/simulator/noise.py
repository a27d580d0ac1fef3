"""Deterministic noise: what looks random but is a pure function of its place.

Python's own ``hash()`` is salted by the process, and ``random`` by what was drawn
before; both would make the market depend on the order of the questions.
"""

from __future__ import annotations

import hashlib
import struct
from random import Random

_PLACE = struct.Struct("<bq")
_DRAWS = struct.Struct("<32H")

DRAW_RANGE = 65_536
"""Each draw lies in ``range(DRAW_RANGE)``."""


def draws(symbol: str, level: int, index: int) -> tuple[int, ...]:
    """Return 32 evenly distributed draws for one place of one symbol's market."""
    return _DRAWS.unpack(_digest(symbol, level, index))


def dice(symbol: str, level: int, index: int) -> Random:
    """Return a source of any number of draws for one place of one symbol's market.

    Only its ``random()`` is the same in all versions of Python.
    """
    return Random(int.from_bytes(_digest(symbol, level, index), "big"))


def _digest(symbol: str, level: int, index: int) -> bytes:
    key = symbol.encode()[:64]
    return hashlib.blake2b(_PLACE.pack(level, index), key=key).digest()
