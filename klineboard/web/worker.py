"""The gunicorn worker: so many threads for pages, and more beside them for exports."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import ParamSpec, TypeVar

from gunicorn.workers.gthread import ThreadWorker

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_Task = Callable[[], object]


class Worker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker with a :class:`Pool` of threads."""

    def get_thread_pool(self) -> Pool:
        """Return what answers the requests."""
        return Pool(self.cfg.threads)


class Pool(Executor):
    """So many places for threads; a task that takes long can give up its place."""

    def __init__(self, places: int) -> None:
        """Start a thread for each place."""
        self._places = places
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        for _ in range(places):
            self._start()

    def submit(
        self,
        function: Callable[_Arguments, _Result],
        /,
        *args: _Arguments.args,
        **keys: _Arguments.kwargs,
    ) -> Future[_Result]:
        """Let the next free thread call a function."""
        future: Future[_Result] = Future()

        def task() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = function(*args, **keys)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        self._tasks.put(task)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the threads end after their tasks; nobody waits for stalled readers."""
        for _ in range(self._places):
            self._tasks.put(None)

    def hand_over(self) -> None:
        """Put a new thread into the place of the calling one, which ends later."""
        self._start()
        _mine.has_place = False

    def _start(self) -> None:
        # Daemons, or a stalled reader would keep the process from ending.
        threading.Thread(target=self._work, name="request", daemon=True).start()

    def _work(self) -> None:
        _mine.pool, _mine.has_place = self, True
        while _mine.has_place:
            task = self._tasks.get()
            if task is None:
                return
            task()


class _Mine(threading.local):
    """Of the running thread: its pool, and whether it has a place there."""

    pool: Pool | None = None
    has_place = False


_mine = _Mine()


def hand_over_place() -> None:
    """Give up the running thread's place among those that answer pages.

    Nothing happens under another server, such as that of the tests.
    """
    if _mine.pool is not None and _mine.has_place:
        _mine.pool.hand_over()
