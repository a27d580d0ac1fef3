"""The threads of a worker: places for pages, and more for what takes long."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from klineboard.web.worker import Pool, hand_over_place

WAIT = 20.0


@pytest.fixture
def pool() -> Iterator[Pool]:
    """A pool of one place."""
    pool = Pool(1)
    yield pool
    pool.shutdown()


def test_a_function_is_called_with_its_arguments(pool: Pool) -> None:
    assert pool.submit(int, "11", base=2).result(WAIT) == 3


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_an_error_is_told_and_the_thread_goes_on(
    pool: Pool, error: type[BaseException]
) -> None:
    def fail() -> None:
        raise error

    assert isinstance(pool.submit(fail).exception(WAIT), error)
    assert pool.submit(int).result(WAIT) == 0


def test_what_was_cancelled_is_not_called(pool: Pool) -> None:
    release = threading.Event()
    called = threading.Event()
    first = pool.submit(release.wait, WAIT)
    assert pool.submit(called.set).cancel()
    release.set()
    first.result(WAIT)
    pool.submit(int).result(WAIT)
    assert not called.is_set()


def test_others_go_on_while_a_task_takes_long(pool: Pool) -> None:
    release = threading.Event()

    def take_long() -> bool:
        hand_over_place()
        hand_over_place()  # Once is enough.
        return release.wait(WAIT)

    long = [pool.submit(take_long) for _ in range(5)]
    assert pool.submit(int).result(WAIT) == 0
    assert not any(future.done() for future in long)
    release.set()
    assert all(future.result(WAIT) for future in long)


def test_one_place_stays_one_place(pool: Pool) -> None:
    pool.submit(hand_over_place).result(WAIT)
    alone = threading.Lock()

    def is_alone() -> bool:
        if not alone.acquire(blocking=False):
            return False
        alone.release()
        return True

    assert all(f.result(WAIT) for f in [pool.submit(is_alone) for _ in range(50)])


def test_all_threads_end_after_a_shutdown() -> None:
    pool = Pool(3)
    threads = [pool.submit(threading.current_thread).result(WAIT) for _ in range(9)]
    pool.shutdown()
    for thread in threads:
        thread.join(WAIT)
        assert not thread.is_alive()


def test_elsewhere_there_is_no_place_to_hand_over() -> None:
    before = threading.active_count()
    hand_over_place()
    assert threading.active_count() == before
