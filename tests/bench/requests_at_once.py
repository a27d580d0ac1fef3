"""Ask one address from several connections at once, and tell how long answers took.

Runs as a process of its own, so that it does not share an interpreter with anything
that is measured: ``python -m tests.bench.requests_at_once URL CONNECTIONS REQUESTS``.
"""

from __future__ import annotations

import http.client
import json
import statistics
import sys
import threading
import time
from urllib.parse import urlsplit


def measure(url: str, connections: int, requests: int) -> dict[str, float]:
    """Return milliseconds p50, p95, p99, requests a second, and bytes of an answer."""
    parts = urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    times: list[float] = []
    sizes: set[int] = set()

    def ask() -> None:
        connection = http.client.HTTPConnection(parts.netloc)
        for _ in range(requests // connections):
            began = time.perf_counter()
            connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
            answer = connection.getresponse()
            body = answer.read()
            times.append((time.perf_counter() - began) * 1000)
            sizes.add(len(body))
            if answer.status != 200:
                raise RuntimeError(f"{url} answered {answer.status}")

    threads = [threading.Thread(target=ask) for _ in range(connections)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if len(times) != requests // connections * connections:
        raise RuntimeError(f"{url}: only {len(times)} of {requests} answered")
    cuts = statistics.quantiles(times, n=100)
    return {
        "p50": cuts[49],
        "p95": cuts[94],
        "p99": cuts[98],
        "per_second": len(times) / seconds,
        "bytes": max(sizes),
    }


if __name__ == "__main__":
    found = measure(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    sys.stdout.write(json.dumps(found))
