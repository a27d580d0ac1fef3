"""The thread beside the requests."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from klineboard.errors import DatabaseUnavailable
from klineboard.settings import Settings
from klineboard.storage.database import Database
from klineboard.web import create_app
from klineboard.web.background import Background

WAIT = 10.0


def _rounds(
    count: int, *errors: Exception
) -> tuple[Callable[[], None], threading.Event]:
    """Return a task that raises these errors first, and the end of its last round."""
    pending = list(errors)
    done = threading.Event()
    left = [count]

    def task() -> None:
        left[0] -= 1
        if left[0] == 0:
            done.set()
        if pending:
            raise pending.pop(0)

    return task, done


def test_a_task_is_repeated() -> None:
    task, done = _rounds(3)
    background = Background(task, 0.0)
    background.ensure_running()
    assert done.wait(WAIT)
    background.stop()


def test_no_error_ends_it(caplog: pytest.LogCaptureFixture) -> None:
    task, done = _rounds(3, DatabaseUnavailable("away"), ValueError("a surprise"))
    background = Background(task, 0.0)
    background.ensure_running()
    assert done.wait(WAIT)
    background.stop()
    assert "a surprise" in caplog.text


def test_it_runs_once_however_often_it_is_started() -> None:
    started = threading.Semaphore(0)
    background = Background(started.release, 3600.0)
    for _ in range(5):
        background.ensure_running()
    assert started.acquire(timeout=WAIT)
    assert not started.acquire(blocking=False)
    background.stop()


def test_the_first_request_starts_it_and_does_not_wait(settings: Settings) -> None:
    begun, finish = threading.Event(), threading.Event()

    def refresh(database: Database, _settings: Settings) -> None:
        begun.set()
        finish.wait(WAIT)
        database.close()

    app = create_app(settings, refresh=refresh)
    assert not begun.is_set()
    assert app.test_client().get("/").status_code == 200
    assert begun.wait(WAIT)
    finish.set()
