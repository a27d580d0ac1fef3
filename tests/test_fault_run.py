"""Hours of trouble, fewer than ``python -m tests.fault_run`` but of all kinds.

The same beside a collector is in a file of its own, for another core.
"""

from __future__ import annotations

from pathlib import Path

from tests.fault_run import QUICK, FaultRun


def test_no_candle_is_lost_doubled_or_bent(tmp_path: Path) -> None:
    outcome = FaultRun(QUICK, tmp_path).run()
    outcome.assert_good(QUICK)
