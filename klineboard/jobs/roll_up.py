"""Make rollups of the days whose candles have changed, so that charts are quick."""

from __future__ import annotations

import logging
from collections.abc import Callable

from ..market.series import Series
from ..storage.database import Database
from ..storage.rollups import pending, refresh

log = logging.getLogger(__name__)


def roll_up(database: Database, is_stopped: Callable[[], bool] = lambda: False) -> int:
    """Bring the rollups of all series up to date; return how many days it were.

    Any number of processes may do so at once, beside others who store candles.

    Args:
        database: Where they are.
        is_stopped: Asked now and then whether to leave the rest for later.

    Raises:
        DatabaseUnavailable: Call again when it is back; nothing is lost.
    """
    with database.transaction() as cursor:
        waiting = pending(cursor)
    return sum(roll_up_series(database, series, is_stopped) for series in waiting)


def roll_up_series(
    database: Database, series: Series, is_stopped: Callable[[], bool] = lambda: False
) -> int:
    """Bring the rollups of one series up to date; return how many days it were.

    Each transaction is short, so that whoever stores candles meanwhile hardly waits.
    Where others are at the series, the rest is left to them, or to the next call.

    Raises:
        DatabaseUnavailable: Call again when it is back; nothing is lost.
    """
    done = 0
    while not is_stopped():
        with database.transaction() as cursor:
            days = refresh(cursor, series)
        if not days:
            break
        done += days
    if done > 1:
        log.debug("%s: rollups of %d days made", series, done)
    return done
