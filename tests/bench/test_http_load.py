"""The load on the page: what is asked, what is read from the answers, what is told."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.bench.http_load import (
    Load,
    ask_with_threads,
    ask_with_wrk,
    parse_wrk,
    rows_of,
)

FOUND = (
    '{"requests": 30, "seconds": 2.0, "bytes": 9, "p50": 1.5, "p95": 2.5, "p99": 3.5, '
    '"refused": 0, "lost": 0, "late": 0}'
)


class Handler(BaseHTTPRequestHandler):
    """Answers, but for ``/broken``."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_process_of_our_own_asks_where_there_is_no_wrk(address: str) -> None:
    per_second, p50, p95, p99 = ask_with_threads(f"{address}/", 2, 20)
    assert per_second > 0
    assert 0 < p50 <= p95 <= p99


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(
            lambda url: ask_with_wrk(url, 2, 1),
            id="wrk",
            marks=pytest.mark.skipif(not shutil.which("wrk"), reason="needs wrk"),
        ),
        pytest.param(lambda url: ask_with_threads(url, 2, 20), id="threads"),
    ],
)
def test_a_failure_stops_the_measurement(
    address: str, ask: Callable[[str], object]
) -> None:
    with pytest.raises(RuntimeError, match="/broken"):
        ask(f"{address}/broken")


def test_the_report_of_wrk_becomes_numbers() -> None:
    assert parse_wrk(f"Running 2s test\n  30 requests\n\n{FOUND}\n", "/") == (
        (15.0, 1.5, 2.5, 3.5)
    )


@pytest.mark.parametrize("failure", ["refused", "lost", "late"])
def test_a_report_of_failures_is_an_error(failure: str) -> None:
    report = FOUND.replace(f'"{failure}": 0', f'"{failure}": 7')
    with pytest.raises(RuntimeError, match=f"'{failure}': 7"):
        parse_wrk(report, "/")


@pytest.mark.parametrize("report", ["", "unable to connect", FOUND.replace("30", "0")])
def test_a_report_without_answers_is_an_error(report: str) -> None:
    with pytest.raises(RuntimeError):
        parse_wrk(report, "/")


@pytest.mark.parametrize(
    ("per_second", "p99", "met"),
    [(1000, 49.9, [True, True]), (999, 50.0, [False, False])],
)
def test_what_is_wanted_is_marked(
    per_second: float, p99: float, met: list[bool]
) -> None:
    load = Load(per_second, 1.0, 2.0, p99)
    rows = rows_of("/api/klines, 1,000", 16, load, 0.5)
    assert [row[2:] for row in rows[:2]] == list(
        zip((">= 1,000", "p99 < 50"), met, strict=True)
    )
    assert not any(row[2] for row in rows_of("/api/klines, 1,000", 32, load, 0.5))
