"""The shared budget of request weight, with a clock of the test's own."""

from __future__ import annotations

from klineboard.sources.request_budget import RequestBudget


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self, now: float = 30.0) -> None:
        self.now = now
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def budget(limit: int | None, clock: Clock) -> RequestBudget:
    return RequestBudget(limit, clock=clock, wait=clock.wait)


def test_nothing_waits_while_the_minute_lasts() -> None:
    clock = Clock()
    spender = budget(100, clock)
    for used in range(2, 92, 2):
        spender.release(2, used, spender.acquire(2))
    assert clock.waits == []


def test_waits_for_the_next_minute_before_the_limit() -> None:
    clock = Clock(now=30.0)
    spender = budget(100, clock)
    spender.release(2, 97, spender.acquire(2))
    spender.acquire(2)
    assert clock.waits == [30.3]
    assert clock.now > 60


def test_what_other_programs_spent_is_counted() -> None:
    clock = Clock()
    spender = budget(6000, clock)
    spender.release(2, 5990, spender.acquire(2))
    spender.acquire(2)
    assert len(clock.waits) == 1


def test_requests_under_way_count_before_their_answers_come() -> None:
    clock = Clock()
    minutes: list[int] = []

    def answers_come(seconds: float) -> None:
        clock.wait(seconds)
        for minute in minutes:
            spender.release(2, 8, minute)

    spender = RequestBudget(10, clock=clock, wait=answers_come)
    minutes += [spender.acquire(2) for _ in range(4)]
    spender.acquire(2)
    assert len(clock.waits) == 1


def test_an_answer_of_the_last_minute_does_not_silence_the_new_one() -> None:
    clock = Clock()
    spender = budget(100, clock)
    minute = spender.acquire(2)
    clock.wait(31)
    spender.release(2, 99, minute)
    spender.acquire(2)
    assert clock.waits == [31]


def test_without_a_header_the_reservation_counts_as_spent() -> None:
    spender = budget(10, Clock())
    spender.release(4, None, spender.acquire(4))
    assert spender.used == 4


def test_before_the_limit_is_known_nothing_waits() -> None:
    clock = Clock()
    spender = budget(None, clock)
    spender.release(20, 1195, spender.acquire(20))
    minute = spender.acquire(20)
    assert clock.waits == []
    spender.learn_limit(1200)
    spender.release(20, 1199, minute)
    spender.acquire(2)
    assert len(clock.waits) == 1


def test_a_limit_below_one_request_does_not_stop_for_ever() -> None:
    clock = Clock()
    spender = budget(1, clock)
    spender.acquire(2)
    assert clock.waits == []
