"""What readers get when something is wrong, and what they never get."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from klineboard.errors import KlineboardError
from klineboard.settings import Settings
from klineboard.storage.database import Database
from klineboard.web.errors import near_names
from klineboard.web.headers import content_security_policy

from ..candles import Store
from ..conftest import MakeSettings

API = ["/api/view", "/api/series", "/api/klines?symbol=A&interval=1h"]
MakeClient = Callable[[Settings], FlaskClient]


@pytest.fixture
def away(make_settings: MakeSettings, tmp_path: Path) -> Settings:
    """Settings of a database whose folder of sockets is not there yet."""
    link = str(tmp_path / "sockets")
    return make_settings(POSTGRES_HOST=link, POSTGRES_PASSWORD="hunter2")


@pytest.mark.parametrize("path", [*API, "/api/market-caps", "/export/BTCUSDT_1h.csv"])
def test_without_a_database_programs_get_503_and_no_secrets(
    away: Settings, make_client: MakeClient, path: str
) -> None:
    answer = make_client(away).get(path)
    error = answer.get_json()["error"]
    assert (answer.status_code, error["code"]) == (503, "database_unavailable")
    assert away.postgres_host not in answer.text
    assert "hunter2" not in answer.text
    assert answer.headers["Retry-After"] == "5"


def test_without_a_database_the_frame_is_there(
    away: Settings, make_client: MakeClient
) -> None:
    assert make_client(away).get("/").status_code == 200


def test_without_a_database_health_is_503(
    away: Settings, make_client: MakeClient
) -> None:
    answer = make_client(away).get("/health")
    assert answer.status_code == 503
    assert answer.get_json()["database"] == {
        "ok": False,
        "error": "DatabaseUnavailable",
    }
    assert away.postgres_host not in answer.text


def test_a_database_that_comes_back_is_found(
    away: Settings,
    make_client: MakeClient,
    postgres: dict[str, str],
    store: Store,
) -> None:
    store(count=1)
    client = make_client(away)
    assert client.get("/api/view").status_code == 503
    Path(away.postgres_host).symlink_to(postgres["POSTGRES_HOST"])
    assert client.get("/api/view").status_code == 200


def test_a_connection_that_the_server_closed_is_replaced(
    client: FlaskClient, store: Store, database: Database
) -> None:
    store(count=1)
    assert client.get("/api/view").status_code == 200
    with database.transaction() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert client.get("/api/view?interval=1d").status_code == 200


def test_an_empty_database_gets_its_schema_from_the_first_reader(
    make_client: MakeClient, make_settings: MakeSettings, database: Database
) -> None:
    with database.transaction() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    assert make_client(make_settings()).get("/api/series").status_code == 200


def test_what_the_database_refuses_is_500_without_its_words(
    client: FlaskClient, database: Database
) -> None:
    client.get("/api/series")
    with database.transaction() as cursor:
        cursor.execute("DROP TABLE origin")
    answer = client.get("/api/series")
    assert answer.status_code == 500
    assert answer.get_json()["error"]["code"] == "storage_error"
    assert "origin" not in answer.text


def test_what_nobody_foresaw_is_logged_and_told_without_details(
    settings: Settings, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client(settings)

    def fail() -> str:
        raise KlineboardError("a secret")

    client.application.add_url_rule("/api/failing", "failing", fail)
    answer = client.get("/api/failing")
    assert answer.status_code == 500
    assert answer.get_json()["error"]["code"] == "internal_error"
    assert "a secret" not in answer.text
    assert "a secret" in caplog.text


def test_a_missing_page_is_a_page(client: FlaskClient) -> None:
    answer = client.get("/nothing/here")
    assert (answer.status_code, answer.mimetype) == (404, "text/html")
    assert "There is nothing at /nothing/here." in answer.text


def test_what_a_reader_wrote_is_escaped(client: FlaskClient) -> None:
    answer = client.get("/%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in answer.text


def test_a_missing_address_of_the_api_is_json(client: FlaskClient) -> None:
    answer = client.get("/api/nothing")
    assert answer.status_code == 404
    assert answer.get_json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("path", ["/", "/api/series", "/health", "/nothing", "/api/no"])
def test_every_answer_has_the_security_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_policy_allows_nothing_inline(settings: Settings) -> None:
    assert "unsafe" not in content_security_policy(settings, "localhost:5555")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("btcusd", "; did you mean BTCUSDT?"),
        ("ETHUSTD", "; did you mean ETHUSDT?"),
        ("xyz", ""),
    ],
)
def test_near_names_are_named(name: str, words: str) -> None:
    assert near_names(name, ["BTCUSDT", "ETHUSDT"][name[0] in "Ee" :][:1]) == words
