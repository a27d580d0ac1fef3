"""Which candles a view shows between two times that the reader chose."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from ..market.interval import Interval
from ..market.moment import show_moment
from ..market.series import Extent
from .choice import Choice, overlap, pick, showable, source, too_many


class Span(NamedTuple):
    """From ``start`` to before ``end`` (ms, UTC)."""

    start: int
    end: int

    def __str__(self) -> str:
        return f"{show_moment(self.start)} to {show_moment(self.end)} UTC"


def choose_within(
    stored: Sequence[Extent],
    span: Span,
    asked: Interval | None,
    crowded: Collection[Interval] = (),
) -> Choice:
    """Choose what a view of a span shows: whole candles, also where its ends cut them.

    It is the interval asked for, or else the shortest one, that has at most 1,000
    candles in the part of the span where any are stored, and of which a series covers
    that part: minutes since yesterday do not show the year before last.

    Args:
        stored: The stored series of the symbol, at least one.
        span: What the reader wants to see; it may lie outside of what is stored.
        asked: The interval that the reader wants; one of :func:`showable`.
        crowded: Intervals whose stored candles stand closer than their grid.
    """
    start = max(span.start, min(held.start for held in stored))
    end = min(span.end, max(held.end for held in stored))
    if start >= end:
        shown = asked or showable([held.interval for held in stored])[0]
        return Choice(shown, source(shown, stored, *span), *span)
    shown, note = _pick(stored, Span(start, end), asked, crowded)
    first, last = shown.floor(start), shown.floor(end - 1)
    origin = source(shown, stored, first, end)
    return Choice(shown, origin, first, shown.add(last), note)


def _pick(
    stored: Sequence[Extent],
    span: Span,
    asked: Interval | None,
    crowded: Collection[Interval],
) -> tuple[Interval, str | None]:
    if asked is None:
        return pick(stored, *span, None, crowded), None
    if overlap(asked, stored, asked.floor(span.start), span.end):
        shown = pick(stored, *span, asked, crowded)
        note = too_many(f"The span {span}", asked, shown) if shown != asked else None
        return shown, note
    shown = pick(stored, *span, asked, {*crowded, asked})
    if not overlap(shown, stored, shown.floor(span.start), span.end):
        return pick(stored, *span, asked, crowded), None
    return shown, f"No candles of {asked} are stored from {span}; showing {shown}."
