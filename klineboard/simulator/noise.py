"""Deterministic noise: what looks random but is a pure function of its place.

Python's own ``hash()`` is salted by the process, and ``random`` by what was drawn
before; both would make the market depend on the order of the questions.
"""

from __future__ import annotations

import hashlib
import struct

_PLACE = struct.Struct("<bq")
_DRAWS = struct.Struct("<32H")

DRAW_RANGE = 65_536
"""Each draw lies in ``range(DRAW_RANGE)``."""


def draws(symbol: str, level: int, index: int) -> tuple[int, ...]:
    """Return 32 evenly distributed draws for one place of one symbol's market."""
    key = symbol.encode()[:64]
    digest = hashlib.blake2b(_PLACE.pack(level, index), key=key).digest()
    return _DRAWS.unpack(digest)
