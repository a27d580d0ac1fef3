"""Several programs at one database spend one budget."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from klineboard.jobs.contact import SharedLedger
from klineboard.sources.request_budget import RequestBudget
from klineboard.storage.database import Database

MINUTE = 29_000_000


class NextMinute(Exception):
    """The budget would have waited."""


def wait(seconds: float) -> None:
    raise NextMinute


def program(database: Database, limit: int) -> RequestBudget:
    """A program of its own; the exchange tells it nothing of the others."""
    return RequestBudget(
        limit,
        clock=lambda: MINUTE * 60 + 20.0,
        wait=wait,
        ledger=SharedLedger(database, "exchange"),
    )


def spend_all(budget: RequestBudget) -> int:
    spent = 0
    try:
        while True:
            minute = budget.acquire(2)
            spent += 2
            budget.release(2, spent, minute)
    except NextMinute:
        return spent


def test_programs_together_spend_what_one_may(database: Database) -> None:
    programs = [program(database, 1_200) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        spent = sum(threads.map(spend_all, programs))
    # Each sends its first request unasked: a limit must not silence it for ever.
    assert 1_200 * 0.9 <= spent <= 1_200 * 0.97 + 3 * 2


def test_what_strangers_spent_is_not_spent_again(database: Database) -> None:
    first, second = program(database, 1_200), program(database, 1_200)
    # The exchange tells one of them that 900 are gone; both keep to what is left.
    first.release(2, 900, first.acquire(2))
    for _ in range(3):
        first.acquire(2)
    assert spend_all(second) <= 1_200 * 0.97 - 900


def test_a_new_minute_has_its_whole_budget(database: Database) -> None:
    ledger = SharedLedger(database, "exchange")
    assert ledger.take(MINUTE, 90, seen=0, most=100)
    assert not ledger.take(MINUTE, 20, seen=0, most=100)
    assert ledger.take(MINUTE + 1, 90, seen=0, most=100)
    assert not ledger.take(MINUTE, 20, seen=0, most=100)


def test_without_the_database_the_exchanges_word_is_heeded(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute("DROP TABLE request_weight")
    assert 1_100 <= spend_all(program(database, 1_200)) <= 1_200 * 0.97
