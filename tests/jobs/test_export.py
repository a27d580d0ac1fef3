"""Writing stored series to files: which, where, how, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from klineboard.errors import SettingsError, Stopped
from klineboard.jobs.export import FORMATS, Exported, ExportOrder, export_files
from klineboard.market.series import Series
from klineboard.storage.database import Database

from ..candles import csv_of_table, store_into

Export = Callable[..., list[Exported]]


@pytest.fixture
def export(database: Database) -> Export:
    """Write files of two symbols' candles; a place and parts of an order are given."""
    store = store_into(database)
    store("BTCUSDT", "1h", 48)
    store("BTCUSDT", "1M", 3)
    store("ETHUSDT", "1h", 5)

    def export(
        place: Path | str,
        progress: Callable[[Series, int, int], None] = lambda *_: None,
        **parts: str | tuple[str, ...],
    ) -> list[Exported]:
        order = ExportOrder(str(place), **parts)  # type: ignore[arg-type]
        return list(export_files(database, order, progress))

    return export


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_folder_gets_a_file_for_each_series_that_is_stored(
    export: Export, database: Database, tmp_path: Path
) -> None:
    folder = tmp_path / "new" / "folder"
    steps: list[tuple[str, int, int]] = []
    results = export(
        folder, lambda series, *counts: steps.append((str(series), *counts))
    )
    assert names(folder) == ["BTCUSDT_1h.csv", "BTCUSDT_1mo.csv", "ETHUSDT_1h.csv"]
    with database.transaction() as cursor:
        for result in results:
            assert result.path.read_bytes() == csv_of_table(cursor, result.series)
    assert [(str(one.series), one.rows, one.rows) for one in results] == steps
    assert str(results[0]) == f"BTCUSDT 1h: 48 candles in {folder / 'BTCUSDT_1h.csv'}"
    # And again: a whole file takes the place of the old one.
    assert export(folder) == results
    assert len(names(folder)) == 3


def test_less_is_written_where_less_is_asked_for(
    export: Export, tmp_path: Path
) -> None:
    for parts, expected in [
        ({"symbols": ("btcusdt",)}, ["BTCUSDT_1h", "BTCUSDT_1mo"]),
        ({"intervals": ("1h",)}, ["BTCUSDT_1h", "ETHUSDT_1h"]),
        ({"symbols": ("ETHUSDT",), "intervals": ("1h",)}, ["ETHUSDT_1h"]),
    ]:
        results = export(tmp_path, **parts)
        assert [result.path.stem for result in results] == expected
    (result,) = export(tmp_path, symbols=("ETHUSDT",), start="2024-01-01T01:00")
    assert result.rows == 4
    hours = {"symbols": ("BTCUSDT",), "intervals": ("1h",)}
    (result,) = export(tmp_path, start="2024-01-02", end="2024-01-02", **hours)
    assert result.rows == 24
    assert result.path.read_text().splitlines()[-1].startswith("2024-01-02T23:00:00")


def test_the_name_of_a_file_says_its_format(export: Export, tmp_path: Path) -> None:
    for form in FORMATS:
        path = tmp_path / f"mine.{form}"
        (result,) = export(path, symbols=("ETHUSDT",))
        assert (result.path, result.rows) == (path, 5)
    assert len((tmp_path / "mine.csv").read_text().splitlines()) == 1 + 5
    lines = (tmp_path / "mine.jsonl").read_text().splitlines()
    assert [json.loads(line)["number_of_trades"] for line in lines] == [0, 1, 2, 3, 4]
    assert len(pq.read_table(tmp_path / "mine.parquet")) == 5


def test_a_folder_may_be_named_like_a_file(export: Export, tmp_path: Path) -> None:
    (tmp_path / "all.csv").mkdir()
    export(tmp_path / "all.csv", form="jsonl", symbols=("ETHUSDT",))
    assert names(tmp_path / "all.csv") == ["ETHUSDT_1h.jsonl"]


def test_what_cannot_be_followed_is_named_and_nothing_is_written(
    export: Export, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    eth = ("ETHUSDT",)
    cases: list[tuple[str, dict[str, str | tuple[str, ...]], str]] = [
        ("", {"symbols": ("DOGEUSDT",)}, "--symbol='DOGEUSDT': .* is stored: BTCUSDT"),
        ("", {"symbols": eth, "intervals": ("1M",)}, "--symbol='ETHUSDT 1M'"),
        ("", {"intervals": ("4h",)}, "--interval='4h': expected a series that is"),
        ("", {"intervals": ("7m",)}, "--interval='7m': expected one of"),
        ("", {"start": "soon"}, "--start='soon'"),
        ("", {"start": "2024-01-02", "end": "2024-01-01"}, "before --end 2024-01-01"),
        ("all.csv", {}, "a folder, since 3 series are asked for"),
        ("eth.csv", {"symbols": eth, "form": "jsonl"}, "ends in .jsonl"),
        ("taken", {}, "a file or folder that can be written"),
        ("taken/further", {}, "a file or folder that can be written"),
    ]
    for place, parts, words in cases:
        with pytest.raises(SettingsError, match=words):
            export(tmp_path / place, **parts)
    assert names(tmp_path) == ["taken"]


def test_no_stored_candles_are_said_to_be_none(
    database: Database, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="none is, yet"):
        list(export_files(database, ExportOrder(str(tmp_path)), lambda *_: None))


def test_a_value_that_does_not_fit_costs_its_own_file_only(
    export: Export, database: Database, tmp_path: Path
) -> None:
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE klines SET volume = 'NaN' WHERE symbol = 'BTCUSDT' "
            "AND interval = '1h' AND number_of_trades = 7"
        )
    results = export(tmp_path, form="parquet")
    assert [result.error for result in results[1:]] == [None, None]
    assert "volume holds NaN" in str(results[0])
    assert names(tmp_path) == ["BTCUSDT_1mo.parquet", "ETHUSDT_1h.parquet"]


def test_a_place_that_refuses_a_file_is_named(export: Export, tmp_path: Path) -> None:
    (tmp_path / "ETHUSDT_1h.csv").mkdir()
    failed = [one for one in export(tmp_path) if one.error]
    assert [str(one.series) for one in failed] == ["ETHUSDT 1h"]
    assert f"{tmp_path / 'ETHUSDT_1h.csv'} could not be written" in str(failed[0])


def test_whoever_stops_it_finds_no_half_file(export: Export, tmp_path: Path) -> None:
    def stop(series: Series, *_: int) -> None:
        if series.symbol == "ETHUSDT":
            raise Stopped

    with pytest.raises(Stopped):
        export(tmp_path, stop)
    assert names(tmp_path) == ["BTCUSDT_1h.csv", "BTCUSDT_1mo.csv"]
