"""Market caps: at most every five minutes, and the last good answer stays."""

from __future__ import annotations

from klineboard.jobs.refresh_market_caps import refresh_market_caps
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from tests.conftest import MakeSettings
from tests.jobs.conftest import rows

COUNT = "SELECT count(*) FROM market_caps"


def test_asks_once_within_five_minutes(
    make_settings: MakeSettings, simulator: Simulator, database: Database
) -> None:
    settings = make_settings(COINGECKO_API_URL=simulator.url)
    assert refresh_market_caps(database, settings)
    assert not refresh_market_caps(database, settings)
    assert simulator.statistics.requests == 1
    assert rows(database, COUNT) == [(10,)]


def test_a_failure_keeps_the_last_good_answer_and_its_reason(
    make_settings: MakeSettings, simulator: Simulator, database: Database
) -> None:
    settings = make_settings(COINGECKO_API_URL=simulator.url)
    refresh_market_caps(database, settings)
    with database.transaction() as cursor:
        cursor.execute(
            "UPDATE market_cap_refresh SET attempted_at = now() - interval '1 hour'"
        )
    simulator.faults.add(kind="status", status=429)
    assert not refresh_market_caps(database, settings)
    assert rows(database, COUNT) == [(10,)]
    ((error,),) = rows(database, "SELECT error FROM market_cap_refresh")
    assert "429" in str(error)
    # The failed attempt counts: nobody asks again at once.
    assert not refresh_market_caps(database, settings)
    assert simulator.statistics.requests == 2
