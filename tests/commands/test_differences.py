"""What a person, or a program, reads of a verification."""

from __future__ import annotations

import json
import logging

import pytest

from klineboard.commands.differences import (
    LINES_A_SERIES,
    JsonReport,
    TextReport,
    lines,
    summary,
)
from klineboard.jobs.verify import Findings, Unverified
from klineboard.market.difference import Difference
from klineboard.market.interval import INTERVALS
from klineboard.market.series import Series
from tests.candles import START, make_klines

HOURS = Series("BTCUSDT", INTERVALS["1h"])
TOLD = make_klines("1h", 1)[0]
STORED = TOLD._replace(volume="0.10", close_time=TOLD.close_time - 1)
DIFFERS = Difference(STORED, TOLD)


def test_each_column_that_differs_is_a_line_with_all_digits() -> None:
    assert lines(HOURS, DIFFERS, repaired=False) == [
        "BTCUSDT 1h  2024-01-01 00:00  volume: stored 0.10, exchange 0.12345678",
        "BTCUSDT 1h  2024-01-01 00:00  close_time: stored 2024-01-01 00:59:59.998, "
        "exchange 2024-01-01 00:59:59.999",
    ]


def test_whole_candles_are_a_line_and_a_repair_is_told() -> None:
    (missing,) = lines(HOURS, Difference(None, TOLD), repaired=True)
    assert missing == (
        "BTCUSDT 1h  2024-01-01 00:00  missing: exchange open 100.10000000, high "
        "100.90000000, low 100.00000000, close 100.50000000, volume 0.12345678, "
        "0 trades · stored now"
    )
    (surplus,) = lines(HOURS, Difference(STORED, None), repaired=False)
    assert "surplus: stored open 100.10000000" in surplus
    assert lines(HOURS, DIFFERS, repaired=True)[0].endswith(" · replaced")


def test_the_summary_says_how_many_of_how_many() -> None:
    findings = Findings(HOURS, stored=81_204, compared=81_204, requests=82)
    findings.found.update(differs=2, missing=1)
    assert summary(findings) == (
        "BTCUSDT 1h: 81,204 candles compared, 2 differ, 1 missing, 0 surplus "
        "· 82 requests"
    )
    sample = Findings(HOURS, is_sample=True, stored=81_204, compared=100, requests=1)
    assert summary(sample).startswith("BTCUSDT 1h: 100 of 81,204 candles compared")
    findings.files, findings.disagreements = 12, 1
    assert "12 files of the archive compared, otherwise than REST in 1 candle" in (
        summary(findings)
    )


def test_what_is_not_verified_is_never_called_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    part = Unverified(START, None, "the exchange is away")
    findings = Findings(HOURS, stored=9, compared=5, unverified=[part])
    TextReport().finished(findings)
    assert "5 of 9 candles compared" in caplog.text
    assert "NOT verified as a whole" in caplog.text
    assert "NOT verified from 2024-01-01 00:00: the exchange is away" in caplog.text
    caplog.clear()
    TextReport().finished(Findings(HOURS, unverified=[part]))
    assert "0 differ" not in caplog.text


def test_thousands_of_differences_do_not_flood_people_but_json_has_all(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    count = LINES_A_SERIES + 500
    for report in (TextReport(), JsonReport()):
        for _ in range(count):
            report.found(HOURS, Difference(None, TOLD), False)
        report.finished(Findings(HOURS))
        out = capsys.readouterr().out.splitlines()
        if isinstance(report, JsonReport):
            assert len(out) == count + 1
        else:
            assert len(out) == LINES_A_SERIES + 1
            assert out[-1] == "BTCUSDT 1h  ... and 500 lines more; --json lists all"


def test_json_has_whole_candles_with_their_digits_and_what_differs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    report = JsonReport()
    report.found(HOURS, DIFFERS, False)
    report.finished(Findings(HOURS, stored=1, compared=1))
    found, told = map(json.loads, capsys.readouterr().out.splitlines())
    assert found == {
        "kind": "differs",
        "symbol": "BTCUSDT",
        "interval": "1h",
        "open_time": START,
        "columns": ["volume", "close_time"],
        "stored": STORED._asdict(),
        "exchange": TOLD._asdict(),
        "repaired": False,
    }
    assert (told["kind"], told["compared"], told["unverified"]) == ("summary", 1, [])
