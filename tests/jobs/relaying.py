"""A relay at work against the simulator, for the tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from klineboard.jobs.followed import Followed
from klineboard.jobs.relay import Relay
from klineboard.live.board import Board
from klineboard.market.interval import INTERVALS
from klineboard.market.series import Series
from klineboard.settings import Settings
from klineboard.simulator import Simulator
from klineboard.storage.database import Database
from tests.jobs.conftest import assert_csv_equals_table, rows, stored, truth

BTC = Series("BTCUSDT", INTERVALS["1m"])
ETH = Series("ETHUSDT", INTERVALS["1m"])


class Rig:
    """A relay at work, and the parts around it."""

    def __init__(
        self, simulator: Simulator, database: Database, board: Board, folder: Path
    ) -> None:
        self.simulator = simulator
        self.database = database
        self.board = board
        self.folder = folder

    async def until(self, condition: Callable[[], object]) -> None:
        """Look again and again until the condition holds."""
        async with asyncio.timeout(30):
            while not condition():
                await asyncio.sleep(0.01)

    async def until_live(self, *series: Series) -> None:
        """Wait until the seams of the series are filled."""
        for one in series or (BTC,):
            topic = self.board.candles[one]
            await self.until(lambda topic=topic: topic.condition.state == "live")

    async def until_stored(self, series: Series = BTC) -> None:
        """Wait until all that closed is stored, and the file equal to the table."""
        await self.until(lambda: self.newest(series) == self.due(series))

    def newest(self, series: Series) -> int | None:
        """Newest stored open time."""
        klines = stored(self.database, series)
        return klines[-1].open_time if klines else None

    def due(self, series: Series) -> int:
        """Newest open time that has closed by the exchange's clock."""
        now = self.simulator.clock.now()
        return series.interval.add(series.interval.floor(now), -1)

    def assert_true(self, series: Series = BTC) -> None:
        """Compare table and file with what the exchange has."""
        klines = stored(self.database, series)
        assert klines == truth(self.simulator, series, klines[0].open_time)
        assert_csv_equals_table(self.database, self.folder, series)
        assert rows(self.database, "SELECT * FROM gaps WHERE state = 'missing'") == []


@asynccontextmanager
async def relaying(
    settings: Settings, simulator: Simulator, database: Database
) -> AsyncIterator[Rig]:
    followed = Followed.of(settings)
    board = Board(followed.series, followed.coins)
    relay = Relay(settings, database, followed, board, first_backoff=0.02)
    running = asyncio.create_task(relay.run())
    rig = Rig(simulator, database, board, settings.data_dir / "csv")

    def connected() -> bool:
        if running.done():
            running.result()
        return simulator.streams.connections > 0

    try:
        await rig.until(connected)
        yield rig
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await rig.until(relay.is_done)
