"""Store what the stream says has closed; bring its CSV file in line."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from ..errors import CsvNotWritable
from ..market.kline import Kline
from ..market.series import Series
from ..storage.csv_files import bring_in_line
from ..storage.database import Database
from ..storage.klines import open_before, store_klines
from ..storage.series import hold_gaps, is_collecting, scan_holes, sync_gaps

log = logging.getLogger(__name__)


def store_closed(database: Database, series: Series, klines: Sequence[Kline]) -> bool:
    """Add candles by the stream's word; what REST said before stands.

    A hole before them, which a collector may be filling just now, is noted in the same
    transaction.

    Returns:
        Whether a hole lies right before them, or among them.

    Raises:
        DatabaseUnavailable: Nothing or all is stored; repeat it when it is back.
        StorageError: The database refuses them.
    """
    with database.transaction() as cursor:
        before = open_before(cursor, series, klines[0].open_time)
        store_klines(cursor, series, klines, replace=False)
        # After the candles, as everybody does: nobody waits for each other in a ring.
        hold_gaps(cursor, series)
        since = klines[0].open_time if before is None else before
        gaps = sync_gaps(cursor, series, scan_holes(cursor, series, since), since)
    return any(gap.state == "missing" for gap in gaps)


def write_file(database: Database, csv_folder: Path, series: Series) -> None:
    """Bring the CSV file in line, but leave it to a collector that is at work.

    A file that cannot be written is logged: the next candle tries again.
    """
    try:
        with database.transaction() as cursor:
            if not is_collecting(cursor, series):
                bring_in_line(cursor, csv_folder, series)
    except CsvNotWritable as error:
        log.error("%s: %s", series, error)
