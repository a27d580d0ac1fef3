"""Hours of trouble with two programs at the same table and files."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from tests.fault_run import QUICK, FaultRun


def test_no_candle_is_lost_doubled_or_bent(tmp_path: Path) -> None:
    plan = dataclasses.replace(QUICK, with_collector=True)
    outcome = FaultRun(plan, tmp_path).run()
    outcome.assert_good(plan)
