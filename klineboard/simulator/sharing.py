"""How volumes, turnovers and trades are shared out between the parts of a candle.

Everything adds up exactly (see ``splitting`` for the units): floating point only
weighs, and whole numbers are what is shared out.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import mul
from typing import NamedTuple

LEAST_STEPS = 2
"""Steps of volume that each part gets on either side: one for each extreme."""

# No part loses more than this by tilting.
_MOST_TILT = 0.875

Share = tuple[list[int], list[int]]
"""Volumes and turnovers of the parts."""


class Prices(NamedTuple):
    """Prices of the parts; ``fours`` are the sums of a part's four, so that narrow
    ranges have a middle too."""

    opens: list[int]
    highs: list[int]
    lows: list[int]
    closes: list[int]
    fours: list[int]


def share_side(
    prices: Prices,
    weights: Sequence[int],
    total: int,
    quote: int,
    strict: bool,
    least: int,
) -> Share | None:
    """Share out what takers bought, or sold.

    Args:
        prices: Of the parts.
        weights: Of the parts, for their volumes.
        total: Volume of the whole, in steps.
        quote: Turnover of the whole, in ticks times steps.
        strict: Give up where mean prices would come near a part's high or low.
        least: Volume that each part gets at least, in steps.

    Returns:
        Volumes and turnovers, the mean price of each part lying within its range;
        None if there is no such share, or none that pleases ``strict``.
    """
    volumes = _volumes(prices.fours, weights, total, 4.0 * quote / total, least)
    quotes = _at_middle(prices.fours, volumes)
    gap = quote - sum(quotes)
    sign, bounds = (1, prices.highs) if gap >= 0 else (-1, prices.lows)
    rooms = _rooms(bounds, volumes, quotes, sign)
    room = sum(rooms)
    if strict and 2 * gap * sign > room:
        return None
    if gap * sign > room:
        ladder = [sign * bound for bound in bounds]
        volumes = _moved(ladder, volumes, gap * sign - room, least)
        quotes = _at_middle(prices.fours, volumes)
        gap = quote - sum(quotes)
        rooms = _rooms(bounds, volumes, quotes, sign)
        room = sum(rooms)
        if not 0 <= gap * sign <= room:
            return None
    if gap:
        _fill(quotes, rooms, room, gap * sign, sign)
    return volumes, quotes


def _volumes(
    fours: list[int], weights: Sequence[int], total: int, aim: float, least: int
) -> list[int]:
    """Share steps out by weight, tilted so that four times the mean price is ``aim``.

    Mean prices thus stay near the middle of each part. If they were moved instead,
    they would come to lie twice as far off with each further split.
    """
    whole = sum(weights)
    mean = sum(map(mul, weights, fours)) / whole
    apart = [four - mean for four in fours]
    spread = sum(map(mul, map(mul, apart, apart), weights))
    scale = (total - least * len(fours)) / whole
    tilt = 0.0
    if spread > 0.0:
        worst = _MOST_TILT / (max(apart) if aim < mean else -min(apart))
        tilt = scale * max(-worst, min((aim - mean) * whole / spread, worst))
    volumes = [
        least + int(weight * (scale + tilt * far))
        for weight, far in zip(weights, apart, strict=True)
    ]
    volumes[volumes.index(max(volumes))] += total - sum(volumes)
    return volumes


def _at_middle(fours: list[int], volumes: list[int]) -> list[int]:
    """Return the turnovers at the middle price of each part."""
    return [product >> 2 for product in map(mul, fours, volumes)]


def _rooms(
    bounds: list[int], volumes: list[int], quotes: list[int], sign: int
) -> list[int]:
    """Return by how much each part's turnover could move towards its bound."""
    return [
        sign * (bound * volume - quote)
        for bound, volume, quote in zip(bounds, volumes, quotes, strict=True)
    ]


def _moved(ladder: list[int], volumes: list[int], gap: int, least: int) -> list[int]:
    """Return the volumes with some moved to the best part, to close a gap.

    Args:
        ladder: What a step is worth in each part.
        volumes: The steps of each part.
        gap: By how much the whole is to be worth more.
        least: What each part keeps.
    """
    moved = list(volumes)
    best = ladder.index(max(ladder))
    for part in sorted(range(len(ladder)), key=ladder.__getitem__):
        distance = ladder[best] - ladder[part]
        if distance <= 0 or gap <= 0:
            break
        steps = min(-(-gap // distance), moved[part] - least)
        moved[part] -= steps
        moved[best] += steps
        gap -= steps * distance
    return moved


def _fill(quotes: list[int], rooms: list[int], room: int, gap: int, sign: int) -> None:
    """Move turnovers towards their bounds, each by the same part of its room."""
    mores = [gap * part // room for part in rooms]
    left = gap - sum(mores)
    for i, part in enumerate(rooms):
        more = min(left, part - mores[i])
        quotes[i] += sign * (mores[i] + more)
        left -= more


def share_trades(total: int, volumes: list[int], least: int) -> list[int]:
    """Share trades out by volume, each part getting its least.

    A trade moves at least one step, so a part has no more trades than steps.
    """
    spare = total - least * len(volumes)
    volume = sum(volumes) - least * len(volumes)
    if not volume:
        return [least] * len(volumes)
    trades = [least + spare * (part - least) // volume for part in volumes]
    left = total - sum(trades)
    for i, part in enumerate(volumes):
        if not left:
            break
        more = min(left, part - trades[i])
        trades[i] += more
        left -= more
    return trades
