"""Settings: where values come from, and what is said of wrong ones."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from klineboard.errors import SettingsError
from klineboard.market.interval import INTERVALS
from klineboard.settings import KEYS, PROJECT_ROOT, Settings, unknown_keys
from tests.conftest import NO_ENV_FILE, settings_of


def test_defaults_need_no_environment() -> None:
    settings = settings_of({})
    assert settings.symbols == ("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT", "XRPUSDT")
    assert settings.intervals == ("1h", "4h", "1d")
    assert settings.history_start == dt.date(2017, 1, 1)
    assert settings.web_host == "127.0.0.1"
    assert settings.data_dir == PROJECT_ROOT / "data"


def test_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("WEB_PORT=6000\nSTREAM_PORT=6001\n")
    settings = Settings.load({"WEB_PORT": "7000"}, file)
    assert (settings.web_port, settings.stream_port) == (7000, 6001)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("POSTGRES_PORT", "abc", "port number"),
        ("POSTGRES_PORT", "0", "port number"),
        ("WEB_PORT", "65536", "port number"),
        ("WEB_WORKERS", "0", "from 1 to 64"),
        ("WEB_THREADS", "eight", "from 1 to 64"),
        ("WEB_THREADS", "9" * 5000, "from 1 to 64"),
        ("SYMBOLS", "", "at least one"),
        ("SYMBOLS", " , ", "at least one"),
        ("SYMBOLS", "BTC/USDT", "such as BTCUSDT"),
        ("INTERVALS", "1H", "did you mean 1h"),
        ("INTERVALS", "7m", "1s, 1m, 3m"),
        ("HISTORY_START", "2017-02-30", "2017-01-01"),
        ("BINANCE_API_URL", "data-api.binance.vision", "http"),
        ("BINANCE_STREAM_URL", "https://host", "wss"),
        ("LOG_LEVEL", "LOUD", "DEBUG"),
        ("DATABASE_WAIT_SECONDS", "-1", "seconds"),
        ("DATA_DIR", "", "folder"),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(
    key: str, value: str, expected: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        settings_of({key: value})
    message = str(caught.value)
    assert key in message
    assert expected in message
    assert repr(value) in message or value.strip(" ,") == ""


def test_a_secret_can_come_from_a_file_and_is_never_shown(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("correct horse\n")
    settings = settings_of({"POSTGRES_PASSWORD_FILE": str(secret)})
    assert settings.postgres_password == "correct horse"
    assert "correct horse" not in repr(settings)


def test_a_secret_file_that_is_not_there_is_an_error() -> None:
    with pytest.raises(SettingsError, match="POSTGRES_PASSWORD_FILE"):
        settings_of({"POSTGRES_PASSWORD_FILE": "/nonexistent/secret"})


def test_a_near_miss_of_a_key_is_reported() -> None:
    sentences = unknown_keys({"SYMBOL": "BTCUSDT", "EDITOR": "vi"}, NO_ENV_FILE)
    assert len(sentences) == 1
    assert "SYMBOL='BTCUSDT'" in sentences[0]
    assert "did you mean SYMBOLS?" in sentences[0]


def test_a_misspelt_secret_is_reported_without_its_value() -> None:
    (sentence,) = unknown_keys({"POSTGRES_PASWORD": "hunter2"}, NO_ENV_FILE)
    assert "POSTGRES_PASSWORD" in sentence
    assert "hunter2" not in sentence


def test_any_unknown_key_of_the_file_is_reported(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("COLOUR=blue\nCOMPOSE_PROJECT_NAME=mine\n")
    (sentence,) = unknown_keys({}, file)
    assert "COLOUR" in sentence


def test_the_file_in_the_repository_names_every_key_and_works() -> None:
    text = (PROJECT_ROOT / ".env").read_text()
    named = {line.split("=")[0] for line in text.splitlines() if "=" in line[:40]}
    assert {key for key in KEYS if key not in named} == set()
    assert unknown_keys({}, PROJECT_ROOT / ".env") == []
    assert Settings.load({}, PROJECT_ROOT / ".env").postgres_host == ""


def test_settings_know_the_same_intervals_as_the_market() -> None:
    settings = settings_of({"INTERVALS": ",".join(INTERVALS)})
    assert list(settings.intervals) == list(INTERVALS)


def test_a_file_in_another_encoding_is_a_wrong_setting(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_bytes("SYMBOLS=BTCUSDT\n".encode("utf-16"))
    with pytest.raises(SettingsError, match="UTF-8"):
        Settings.load({}, file)
