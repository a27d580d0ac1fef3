"""Answers that are repeated: the same bytes, and never when they hold no more."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from flask.testing import FlaskClient
from werkzeug.test import Client

from klineboard.settings import Settings
from klineboard.storage.database import Database
from klineboard.web.repeats import HOLDS, Repeats, for_seconds

from ..candles import Store
from ..conftest import MakeSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KLINES = "/api/klines?symbol=BTCUSDT&interval=1h"
MakeClient = Callable[[Settings], FlaskClient]


class Counting:
    """An application that answers how often it was asked, and says what holds."""

    def __init__(self, status: str = "200 OK", size: int = 0) -> None:
        self.asked = 0
        self.holds = True
        self.closed = 0
        self._status = status
        self._padding = b"x" * size

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        self.asked += 1
        start_response(self._status, [("X-Asked", str(self.asked))])
        environ[HOLDS] = lambda: self.holds
        return Parts(self, [str(self.asked).encode(), self._padding])


class Parts(list[bytes]):
    """A body that tells its application when it was closed."""

    def __init__(self, application: Counting, parts: list[bytes]) -> None:
        super().__init__(parts)
        self._application = application

    def close(self) -> None:
        self._application.closed += 1


def _ask(repeats: Repeats, path: str = "/", **headers: str) -> tuple[str, str]:
    answer = Client(repeats).get(path, headers=headers)
    return answer.get_data(as_text=True).rstrip("x"), answer.headers["X-Asked"]


def test_what_holds_is_answered_again_without_asking() -> None:
    counting = Counting()
    repeats = Repeats(counting)
    assert [_ask(repeats) for _ in range(3)] == [("1", "1")] * 3
    assert (counting.asked, counting.closed) == (1, 1)


def test_what_holds_no_more_is_asked_for_anew() -> None:
    counting = Counting()
    repeats = Repeats(counting)
    _ask(repeats)
    counting.holds = False
    assert [_ask(repeats), _ask(repeats)] == [("2", "2"), ("3", "3")]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/other", {}),
        ("/?limit=1", {}),
        ("/", {"Accept-Encoding": "gzip"}),
        ("/", {"If-None-Match": 'W/"1"'}),
        ("/", {"Host": "example.org"}),
    ],
)
def test_whatever_a_view_looks_at_makes_another_answer(
    path: str, headers: dict[str, str]
) -> None:
    repeats = Repeats(Counting())
    _ask(repeats)
    assert _ask(repeats, path, **headers) == ("2", "2")


@pytest.mark.parametrize("method", ["HEAD", "POST", "OPTIONS"])
def test_only_get_is_repeated(method: str) -> None:
    counting = Counting()
    repeats = Repeats(counting)
    _ask(repeats)
    Client(repeats).open("/", method=method)
    assert counting.asked == 2


@pytest.mark.parametrize("status", ["404 NOT FOUND", "500 INTERNAL SERVER ERROR"])
def test_errors_are_not_repeated(status: str) -> None:
    repeats = Repeats(Counting(status))
    assert [_ask(repeats), _ask(repeats)] == [("1", "1"), ("2", "2")]


def test_large_answers_make_room() -> None:
    counting = Counting(size=6_000_000)
    repeats = Repeats(counting)
    for path in "/a", "/b", "/c", "/a":
        _ask(repeats, path)
    assert counting.asked == 4
    _ask(repeats, "/a")
    assert counting.asked == 4


def test_many_answers_make_room() -> None:
    counting = Counting()
    repeats = Repeats(counting)
    for number in range(257):
        _ask(repeats, f"/{number}")
    _ask(repeats, "/256")
    assert counting.asked == 257
    _ask(repeats, "/0")
    assert counting.asked == 258


def test_some_seconds_pass() -> None:
    now = 5.0
    holds = for_seconds(1, lambda: now)
    assert holds()
    now = 5.9
    assert holds()
    now = 6.0
    assert not holds()


def test_every_committed_change_is_in_the_next_answer(
    client: FlaskClient, store: Store, database: Database
) -> None:
    store(count=1)
    client.get(KLINES)
    committed = 0
    errors: list[str] = []
    done = threading.Event()

    def read() -> None:
        reader = client.application.test_client()
        while not done.is_set():
            least = committed
            (close,) = reader.get(KLINES).get_json()["close"]
            if close < least:
                errors.append(f"{close} after {least} was committed")

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for number in range(1, 40):
        with database.transaction() as cursor:
            cursor.execute("UPDATE klines SET close_price = %s", (number,))
        committed = number
        assert client.get(KLINES).get_json()["close"] == [number]
        assert client.get(KLINES).get_json()["close"] == [number]
    done.set()
    for reader in readers:
        reader.join()
    assert errors == []


def test_a_304_is_given_until_something_changes(
    client: FlaskClient, store: Store, database: Database
) -> None:
    store(count=1)
    has = {"If-None-Match": client.get(KLINES).headers["ETag"]}
    assert [client.get(KLINES, headers=has).status_code for _ in range(3)] == [304] * 3
    with database.transaction() as cursor:
        cursor.execute("DELETE FROM klines")
    assert client.get(KLINES, headers=has).status_code == 404


def test_a_series_that_is_new_is_seen(client: FlaskClient, store: Store) -> None:
    store(count=24)
    daily = KLINES.replace("1h", "1d")
    before = [client.get(daily).data for _ in range(2)]
    store(interval="1d", count=1)
    assert client.get(daily).data not in before


def test_without_its_database_a_known_answer_is_not_given(
    make_settings: MakeSettings,
    make_client: MakeClient,
    postgres: dict[str, str],
    store: Store,
    database: Database,
    tmp_path: Path,
) -> None:
    store(count=1)
    sockets = tmp_path / "sockets"
    sockets.symlink_to(postgres["POSTGRES_HOST"])
    client = make_client(make_settings(POSTGRES_HOST=str(sockets)))
    assert [client.get(KLINES).status_code for _ in range(2)] == [200, 200]
    sockets.unlink()
    _end_connections(database)
    assert client.get(KLINES).status_code == 503
    sockets.symlink_to(postgres["POSTGRES_HOST"])
    assert client.get(KLINES).status_code == 200


def test_a_closed_connection_is_no_reason_for_an_error(
    client: FlaskClient, store: Store, database: Database
) -> None:
    store(count=1)
    first = client.get(KLINES)
    _end_connections(database)
    assert client.get(KLINES).data == first.data


def _end_connections(database: Database) -> None:
    with database.transaction() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
