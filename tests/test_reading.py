"""Each example of docs/READING.md, run against real exports in a folder of its own."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from get_kline_data import arguments
from klineboard.jobs.export import FORMATS, ExportOrder, export_files
from klineboard.market.kline import Kline
from klineboard.settings import PROJECT_ROOT
from klineboard.storage.database import Database

from .candles import START, make_klines, store_into

PAGE = (PROJECT_ROOT / "docs" / "READING.md").read_text(encoding="utf-8")
HOURS = 72
# Digits that a float cannot hold.
KLINES = [
    kline._replace(quote_asset_volume=f"98765432109{n:02}.12345678")
    for n, kline in enumerate(make_klines("1h", HOURS))
]
TURNOVER = sum((Decimal(kline.quote_asset_volume) for kline in KLINES), Decimal(0))
UTC = dt.UTC
COLUMNS = ["date", "open", "high", "low", "close", "volume"]

Names = dict[str, Any]


def examples() -> dict[str, str]:
    """Return the Python of the page by its section and its place there."""
    found = {}
    for section in PAGE.split("\n## ")[1:]:
        title = section.split("\n")[0].split()[0]
        blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
        found |= {f"{title} {n}": block for n, block in enumerate(blocks, 1)}
    return found


EXAMPLES = examples()


def numbers(kline: Kline) -> list[float]:
    """Return open, high, low, close and volume as the nearest floats."""
    return [float(value) for value in kline[1:6]]


def read_floats(names: Names) -> None:
    candles = names["candles"]
    assert candles["close_price"].tolist() == [float(k.close_price) for k in KLINES]
    assert candles.index[1] == pd.Timestamp("2024-01-01T01:00Z")
    assert names["daily"].tolist() == [
        float(KLINES[n].close_price) for n in (23, 47, 71)
    ]


def has_turnover(names: Names) -> None:
    assert type(names["turnover"]) is Decimal
    assert names["turnover"] == TURNOVER


def has_turnover_of_later_days(names: Names) -> None:
    later = KLINES[24:]
    assert names["turnover"] == sum(Decimal(k.quote_asset_volume) for k in later)


def polars_floats(names: Names) -> None:
    assert names["candles"]["volume"].to_list() == [float(k.volume) for k in KLINES]
    assert names["average"][19] == pytest.approx(sum(100.5 + n for n in range(20)) / 20)


def has_days(names: Names) -> None:
    assert len(names["days"]) == 3
    assert names["days"][1] == (
        dt.datetime(2024, 1, 2),
        Decimal(KLINES[24].open_price),
        Decimal(KLINES[47].high_price),
        Decimal(KLINES[24].low_price),
        Decimal(KLINES[47].close_price),
        sum(Decimal(kline.volume) for kline in KLINES[24:48]),
    )


def has_two_files(names: Names) -> None:
    closed = dt.datetime(2024, 1, 3, 23, 59, 59, 999_000)
    assert names["newest"] == [
        ("BTCUSDT_1h.parquet", closed, HOURS),
        ("ETHUSDT_1h.parquet", dt.datetime(2024, 1, 1, 4, 59, 59, 999_000), 5),
    ]


def freqtrade_reads_feather(_: Names) -> None:
    candles = pd.read_feather("user_data/data/binance/BTC_USDT-1h.feather")
    freqtrade_has(candles)


def freqtrade_reads_json(_: Names) -> None:
    candles = pd.read_json("user_data/data/binance/BTC_USDT-1h.json", orient="values")
    candles.columns = pd.Index(COLUMNS)
    freqtrade_has(candles)


def freqtrade_has(candles: pd.DataFrame) -> None:
    """Compare what freqtrade makes of a file: its loader gives dates and floats."""
    assert list(candles.columns) == COLUMNS
    dates = pd.to_datetime(candles["date"], unit="ms", utc=True)
    assert dates[1] == pd.Timestamp("2024-01-01T01:00Z")
    assert dates.is_monotonic_increasing
    values = candles[COLUMNS[1:]].astype(float).to_numpy().tolist()
    assert values == [pytest.approx(numbers(kline), rel=1e-15) for kline in KLINES]


CHECKS: dict[str, Callable[[Names], None]] = {
    "pandas 1": read_floats,
    "pandas 2": has_turnover,
    "polars 1": has_turnover_of_later_days,
    "polars 2": polars_floats,
    "DuckDB 1": has_days,
    "DuckDB 2": has_two_files,
    "DuckDB 3": has_turnover,
    "Python 1": has_turnover,
    "freqtrade 1": freqtrade_reads_feather,
    "freqtrade 2": freqtrade_reads_json,
}


@pytest.fixture
def folder(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Exports in each format, in the folder in which the examples run."""
    store = store_into(database)
    store(klines=KLINES)
    store("ETHUSDT", "1h", 5)
    for form in FORMATS:
        order = ExportOrder(str(tmp_path), form)
        exported = export_files(database, order, lambda *_: None)
        assert not [one for one in exported if one.error]
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_example_is_checked() -> None:
    assert list(EXAMPLES) == list(CHECKS)
    assert START == int(dt.datetime(2024, 1, 1, tzinfo=UTC).timestamp() * 1000)


def test_the_examples_read_what_was_exported(
    folder: Path, subtests: pytest.Subtests
) -> None:
    for title, check in CHECKS.items():
        with subtests.test(title):
            names: Names = {}
            exec(compile(EXAMPLES[title], f"READING.md, {title}", "exec"), names)
            check(names)


def test_the_options_of_the_page_are_those_of_the_program() -> None:
    usage = arguments().format_help()
    shell = PAGE.split("```sh\n")[1].split("```")[0]
    assert set(re.findall(r"--[a-z]+", shell)) <= set(re.findall(r"--[a-z]+", usage))
