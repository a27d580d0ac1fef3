"""Where log lines go, and what becomes of them when their disk is full."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from klineboard.settings import PROJECT_ROOT

# A process of its own: the handlers of this one are the tests'.
_THREE_LINES = """
import logging
from klineboard import logs
from klineboard.settings import Settings
logs.start(Settings.load(), "collect")
for number in range(3):
    logging.getLogger("klineboard").info("line %s", number)
"""


def test_a_full_disk_costs_a_line_of_complaint_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "collect.log").symlink_to("/dev/full")
    done = subprocess.run(
        [sys.executable, "-c", _THREE_LINES],
        cwd=PROJECT_ROOT,
        env={"PATH": os.environ["PATH"], "LOG_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert [line[-1] for line in done.stdout.splitlines()] == ["0", "1", "2"]
    (line,) = done.stderr.splitlines()
    assert "log lines do not reach" in line
    assert "No space left on device" in line
