"""What the bench says of its own figures is right."""

from __future__ import annotations

from tests.bench.collect import new_candles
from tests.bench.market import shares
from tests.bench.report import Section, as_text, document

_ROWS = [("a run: seconds", "3.0", "< 2", False), ("  requests", "12", "", True)]


def test_counts_only_minutes_that_were_worked_through() -> None:
    weights = [(60_000, 300), (120_000, 1140), (240_000, 1200), (300_000, 7)]
    statistics = {"weights": weights, "limit": 1200}
    assert shares(statistics) == [0.95, 0.0, 1.0]


def test_reads_how_much_was_stored() -> None:
    output = "BTCUSDT 1m: ok · 50,000 new candles\nBTCUSDT 1h: ok · 1 new candle\n"
    assert new_candles(output) == 50_001


def test_names_what_misses_its_mark() -> None:
    lines = as_text(Section("Runs", "", _ROWS)).splitlines()
    assert lines[-2].split() == ["a", "run:", "seconds", "3.0", "<", "2", "MISSED"]
    assert lines[-1].split() == ["requests", "12"]


def test_the_document_tells_place_command_and_method() -> None:
    section = Section("Runs", "By hand.", _ROWS, ("who", "rows"), [("we", "5")])
    text = document({"date": "2026-11-25"}, {"runs": section})
    for line in (
        "| date | 2026-11-25 |",
        "## Runs",
        "`python -m tests.bench --only runs`",
        "By hand.",
        "| we | 5 |",
        "| &emsp;requests | 12 |  |  |",
    ):
        assert line in text.splitlines()
