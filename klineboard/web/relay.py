"""Where the pages find the relay, and what it follows."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from ..market.interval import INTERVALS
from ..settings import Settings

# What a policy can name as a host; an IPv6 address is not among it.
_HOST = re.compile(r"([A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?)\.?(?::\d{1,5})?")


def stream_sources(settings: Settings, host: str) -> tuple[str, ...]:
    """Return the origins that a page may open WebSockets to.

    Args:
        settings: ``stream_url``, else ``stream_port`` on the page's own host.
        host: The request's Host header. Where it is no plain name or IPv4 address,
            nothing is allowed: who asks must not be able to widen the policy.
    """
    if settings.stream_url:
        parts = urlsplit(settings.stream_url)
        return (f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}",)
    found = _HOST.fullmatch(host)
    if found is None:
        return ()
    place = f"{found[1]}:{settings.stream_port}"
    # Behind a proxy that speaks TLS the page opens wss, which is not known here.
    return f"ws://{place}", f"wss://{place}"


def followed(settings: Settings) -> dict[str, list[str]]:
    """Return the intervals that the relay follows, by symbol, shortest first.

    They are all series of the settings, and minutes of the coins of STREAM_COINS.
    """
    found = {symbol: set(settings.intervals) for symbol in settings.symbols}
    for coin in settings.stream_coins:
        found.setdefault(f"{coin}USDT", set()).add("1m")
    order = list(INTERVALS)
    return {symbol: sorted(names, key=order.index) for symbol, names in found.items()}
