"""How volumes, turnovers and trades are shared out between the parts of a candle.

Everything is whole numbers and adds up exactly (see ``splitting`` for the units).
"""

from __future__ import annotations

from collections.abc import Sequence

LEAST_STEPS = 2
"""Steps of volume that each part gets on either side: one for each extreme."""

Prices = tuple[list[int], list[int], list[int], list[int]]
"""Opens, highs, lows and closes of the parts."""

Share = tuple[list[int], list[int]]
"""Volumes and turnovers of the parts."""


def share_volume(total: int, weights: Sequence[int]) -> list[int]:
    """Share steps out by weight, each part getting its least."""
    whole = sum(weights)
    spare = total - LEAST_STEPS * len(weights)
    volumes = [LEAST_STEPS + spare * weight // whole for weight in weights]
    volumes[-1] += total - sum(volumes)
    return volumes


def share_turnover(
    prices: Prices, volumes: list[int], quote: int, strict: bool
) -> Share | None:
    """Share a turnover out so that each part's mean price is within its range.

    Args:
        prices: Of the parts.
        volumes: Of the parts, in steps, to begin with.
        quote: The turnover of the whole.
        strict: Give up where mean prices would come near a part's high or low.

    Returns:
        The volumes, moved between parts where needed, and the turnovers; None if the
        volumes are too small to do so.
    """
    opens, highs, lows, closes = prices
    # Four times the middle price of each part, so that narrow ranges have one too.
    fours = [a + b + c + d for a, b, c, d in zip(*prices, strict=True)]
    volumes = _tilted(fours, volumes, 4 * quote)
    quotes = [four * volume >> 2 for four, volume in zip(fours, volumes, strict=True)]
    if quote >= sum(quotes):
        return _raised(highs, fours, volumes, quotes, quote, strict)
    # The mirror image: prices count downwards.
    lows, fours = [-price for price in lows], [-four for four in fours]
    quotes = [four * volume >> 2 for four, volume in zip(fours, volumes, strict=True)]
    share = _raised(lows, fours, volumes, quotes, -quote, strict)
    return share and (share[0], [-part for part in share[1]])


def _tilted(values: list[int], volumes: list[int], aim: int) -> list[int]:
    """Return the volumes, tilted towards the parts that bring their value to ``aim``.

    Mean prices thus stay near the middle of each part. If they were moved instead,
    they would come to lie twice as far off with each further split.
    """
    spare = [volume - LEAST_STEPS for volume in volumes]
    total = sum(spare)
    if not total:
        return volumes
    # Floating point only weighs here; the sums below stay whole.
    mean = sum(map(int.__mul__, values, spare)) / total
    apart = [value - mean for value in values]
    spread = sum(far * far * part for far, part in zip(apart, spare, strict=True))
    gap = aim - sum(map(int.__mul__, values, volumes))
    # No part loses more than seven eighths of its volume.
    worst = max(-far if gap > 0 else far for far in apart)
    if spread <= 0.0 or worst <= 0.0:
        return volumes
    tilt = max(-0.875 / worst, min(gap / spread, 0.875 / worst))
    tilted = [
        LEAST_STEPS + int(part * (1.0 + tilt * far))
        for part, far in zip(spare, apart, strict=True)
    ]
    tilted[tilted.index(max(tilted))] += sum(volumes) - sum(tilted)
    return tilted


def _raised(
    highs: list[int],
    fours: list[int],
    volumes: list[int],
    quotes: list[int],
    quote: int,
    strict: bool,
) -> Share | None:
    """Raise the turnovers from those of the middle prices to their sum, ``quote``."""
    gap = quote - sum(quotes)
    rooms = _rooms(highs, volumes, quotes)
    room = sum(rooms)
    if strict and gap * 2 > room:
        return None
    if gap > room:
        volumes = _moved_up(highs, volumes, gap - room)
        quotes = [
            four * volume >> 2 for four, volume in zip(fours, volumes, strict=True)
        ]
        gap = quote - sum(quotes)
        rooms = _rooms(highs, volumes, quotes)
        room = sum(rooms)
    if not 0 <= gap <= room:
        return None
    if gap:
        mores = [gap * part // room for part in rooms]
        left = gap - sum(mores)
        for i, part in enumerate(rooms):
            more = min(left, part - mores[i])
            quotes[i] += mores[i] + more
            left -= more
    return volumes, quotes


def _rooms(highs: list[int], volumes: list[int], quotes: list[int]) -> list[int]:
    """Return by how much each part's turnover could grow."""
    return [
        high * volume - part
        for high, volume, part in zip(highs, volumes, quotes, strict=True)
    ]


def _moved_up(ladder: list[int], volumes: list[int], gap: int) -> list[int]:
    """Return the volumes with some moved to the dearest part, to close a gap.

    Args:
        ladder: What a step is worth in each part.
        volumes: The steps of each part.
        gap: By how much the whole is to be worth more.
    """
    moved = list(volumes)
    dearest = ladder.index(max(ladder))
    for cheap in sorted(range(len(ladder)), key=ladder.__getitem__):
        distance = ladder[dearest] - ladder[cheap]
        if distance <= 0 or gap <= 0:
            break
        steps = min(-(-gap // distance), moved[cheap] - LEAST_STEPS)
        moved[cheap] -= steps
        moved[dearest] += steps
        gap -= steps * distance
    return moved


def share_trades(total: int, volumes: list[int], least: int) -> list[int]:
    """Share trades out by volume, each part getting its least.

    A trade moves at least one step, so a part has no more trades than steps.
    """
    spare = total - least * len(volumes)
    volume = sum(volumes) - least * len(volumes)
    trades = [
        least + (spare * (part - least) // volume if volume else 0) for part in volumes
    ]
    left = total - sum(trades)
    for i, part in enumerate(volumes):
        more = min(left, part - trades[i])
        trades[i] += more
        left -= more
    return trades
