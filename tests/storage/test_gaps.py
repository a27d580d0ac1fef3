"""Holes are found where something changed, and nowhere is looked twice."""

from __future__ import annotations

import pytest

from klineboard.market.coverage import Hole
from klineboard.market.interval import HOUR, INTERVALS
from klineboard.market.series import Series
from klineboard.storage.database import Database
from klineboard.storage.klines import store_klines
from klineboard.storage.series import refresh_gaps, scan_holes
from tests.candles import START, make_klines

SERIES = Series("BTCUSDT", INTERVALS["1h"])


def store(database: Database, *places: int) -> None:
    klines = make_klines("1h", max(places) + 1)
    with database.transaction() as cursor:
        store_klines(cursor, SERIES, [klines[place] for place in places])


def delete(database: Database, *places: int) -> None:
    with database.transaction() as cursor:
        for place in places:
            cursor.execute(
                "DELETE FROM klines WHERE open_time = timestamptz 'epoch' + "
                "%s * interval '1 ms'",
                (START + place * HOUR,),
            )


def holes(database: Database) -> list[Hole]:
    with database.transaction() as cursor:
        found = [gap.hole for gap in refresh_gaps(cursor, SERIES)]
        assert found == scan_holes(cursor, SERIES)
    return found


def hole(start: int, end: int) -> Hole:
    return Hole(START + start * HOUR, START + end * HOUR)


def test_each_change_moves_the_holes(database: Database) -> None:
    store(database, 0, 1, 5, 6)
    assert holes(database) == [hole(2, 5)]
    store(database, 9)
    assert holes(database) == [hole(2, 5), hole(7, 9)]
    store(database, 3)
    assert holes(database) == [hole(2, 3), hole(4, 5), hole(7, 9)]
    delete(database, 3, 5)
    assert holes(database) == [hole(2, 6), hole(7, 9)]
    delete(database, 0, 1)
    assert holes(database) == [hole(7, 9)]
    delete(database, 9)
    assert holes(database) == []


@pytest.mark.parametrize("change", [True, False])
def test_only_what_changed_is_looked_at(database: Database, change: bool) -> None:
    store(database, 0, 1, 5, 6)
    holes(database)
    with database.transaction() as cursor:
        cursor.execute("DELETE FROM gaps")
        # As it is when the CSV file has been written.
        cursor.execute("UPDATE series SET changed_from = NULL")
    if change:
        store(database, 8)
    with database.transaction() as cursor:
        found = [gap.hole for gap in refresh_gaps(cursor, SERIES)]
    assert found == ([hole(7, 8)] if change else [])
