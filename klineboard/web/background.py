"""A thread beside the requests, so that no page ever waits for the outside."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable

from ..errors import DatabaseUnavailable

log = logging.getLogger(__name__)


class Background:
    """Repeats a task in a daemon thread of this process.

    The thread starts at the first request, and so in each worker after the fork. How
    often the outside is asked is for the task to say, which knows all processes.
    """

    def __init__(
        self, task: Callable[[], object], pause_seconds: float, name: str = "background"
    ) -> None:
        """Keep the task and its name for the log; nothing runs yet."""
        self._task = task
        self._name = name
        self._pause_seconds = pause_seconds
        self._process: int | None = None
        self._mutex = threading.Lock()
        self._stopped = threading.Event()

    def ensure_running(self) -> None:
        """Start the thread, unless this process has it already."""
        if self._process == os.getpid():
            return
        with self._mutex:
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(
                    target=self._repeat, name=self._name, daemon=True
                ).start()

    def stop(self) -> None:
        """End the thread after its present round."""
        self._stopped.set()

    def _repeat(self) -> None:
        while not self._stopped.is_set():
            try:
                self._task()
            except DatabaseUnavailable as error:
                log.warning("%s: waiting for the database: %s", self._name, error)
            except Exception:
                # The outermost loop of this thread: it must outlive any surprise.
                log.exception("%s: failed, and is tried again", self._name)
            self._stopped.wait(self._pause_seconds)
