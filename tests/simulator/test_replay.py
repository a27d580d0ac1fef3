"""Recorded candles, served as they were recorded."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from klineboard.market.interval import INTERVALS
from klineboard.simulator import RecordedMarket, Simulator, read_recording

from .conftest import Client

ROWS = """\
1735686000000,93548.80,93690.11,93500.00,93576.00,467.66,1735689599999,43.5,1000,1.5,2.5,0
1735689600000000,93576.00,94509.42,93489.03,94401.14,755.99,1735693199999999,71.1,2000,3.5,4.5,0
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "binance-spot-BTCUSDT-1h-2024-2025.csv"
    file.write_text(ROWS)
    return file


def test_symbol_and_interval_come_from_the_name_and_times_are_ms(path: Path) -> None:
    recording = read_recording(path)
    assert recording[:2] == ("BTCUSDT", "1h")
    assert [row.open_time for row in recording.klines] == [1735686000000, 1735689600000]
    assert recording.klines[1].close_time == 1735693199999
    assert recording.klines[0].open_price == "93548.80"


def test_a_file_without_a_telling_name_needs_both(tmp_path: Path) -> None:
    path = tmp_path / "klines.csv"
    path.write_text(ROWS)
    with pytest.raises(ValueError, match="--replay-symbol"):
        read_recording(path)
    assert read_recording(path, "ETHUSDT", "1m").symbol == "ETHUSDT"


def test_a_torn_row_is_named_by_its_line(path: Path) -> None:
    path.write_text(ROWS + "1,2,3\n")
    with pytest.raises(ValueError, match="line 3"):
        read_recording(path)


def test_the_open_candle_grows_into_the_recorded_one(path: Path) -> None:
    market = RecordedMarket([read_recording(path)])
    hour, opened = INTERVALS["1h"], 1735689600000
    volumes = []
    for now in range(opened, opened + 3_600_000, 599_999):
        row = market.klines("BTCUSDT", hour, None, None, 1, now)[0]
        volumes.append(Decimal(row.volume))
        assert Decimal(row.low_price) <= Decimal(row.close_price)
        assert Decimal(row.close_price) <= Decimal(row.high_price)
    assert volumes == sorted(volumes)
    closed = market.klines("BTCUSDT", hour, None, None, 1, market.end)[0]
    assert closed.volume == "755.99"


def test_every_recorded_row_is_served_verbatim(recorded: Path) -> None:
    path = recorded / "binance-spot-BTCUSDT-1h-2018-2025.csv.gz"
    market = RecordedMarket([read_recording(path)])
    with gzip.open(path, "rt", newline="") as file:
        rows = list(csv.reader(file))
    served: list[list[str]] = []
    start = 0
    with Simulator(market=market, now=market.end, speed=0) as simulator:
        client = Client(simulator.url)
        while page := client.klines(
            symbol="BTCUSDT", interval="1h", startTime=start, limit=1_000
        ):
            served += page
            start = page[-1][0] + 1
        client.close()
    assert len(served) == len(rows) == 70_008
    for row, kept in zip(rows, served, strict=True):
        assert row[1:6] + row[7:8] + row[9:] == kept[1:6] + kept[7:8] + kept[9:]
        assert int(row[0]) in (kept[0], kept[0] * 1_000)
