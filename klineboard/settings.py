"""Every setting of klineboard, read once from the environment and ``.env``.

Order: the environment, then the file ``.env`` at the project's root, then the
default. ``<KEY>_FILE`` names a file that holds a secret (Docker secrets). A value
that cannot be understood raises :class:`~klineboard.errors.SettingsError`; a key that
looks like one of ours and is none is reported by :func:`unknown_keys`.
"""

from __future__ import annotations

import datetime as dt
import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dotenv import dotenv_values

from .errors import SettingsError

PROJECT_ROOT = Path(__file__).resolve().parent.parent

_INTERVAL_NAMES = "1s 1m 3m 5m 15m 30m 1h 2h 4h 6h 8h 12h 1d 3d 1w 1M".split()
# Keys that other programs of the stack read from the same .env file.
_FOREIGN_PREFIXES = (
    "ADMINER_",
    "COMPOSE_",
    "DOCKER_",
    "PG",
    "POSTGRES_INITDB",
    "POSTGRES_HOST_AUTH",
)


def _names(key: str, value: str) -> tuple[str, ...]:
    names = [part.strip() for part in value.split(",") if part.strip()]
    if not names:
        raise SettingsError(key, value, "at least one name, comma separated")
    return tuple(dict.fromkeys(names))


def _symbols(key: str, value: str) -> tuple[str, ...]:
    # Since December 2025 symbols may be Unicode: the exchange decides what exists.
    symbols = tuple(name.upper() for name in _names(key, value))
    for symbol in symbols:
        if any(character in "/\\?&#\"' \0" for character in symbol):
            raise SettingsError(key, symbol, "symbols such as BTCUSDT, comma separated")
    return symbols


def _intervals(key: str, value: str) -> tuple[str, ...]:
    names = _names(key, value)
    for name in names:
        if name not in _INTERVAL_NAMES:
            near = difflib.get_close_matches(name.lower(), _INTERVAL_NAMES, n=2)
            hint = f" (did you mean {' or '.join(near)}?)" if near else ""
            raise SettingsError(key, name, f"one of {', '.join(_INTERVAL_NAMES)}{hint}")
    return names


def _day(key: str, value: str) -> dt.date:
    try:
        return dt.date.fromisoformat(value)
    except ValueError:
        raise SettingsError(key, value, "a day such as 2017-01-01") from None


def _port(key: str, value: str) -> int:
    if value.isascii() and value.isdigit() and 1 <= int(value) <= 65535:
        return int(value)
    raise SettingsError(key, value, "a port number from 1 to 65535")


def _seconds(key: str, value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise SettingsError(key, value, "a number of seconds from 0 to 86400")
    return seconds


def _url(*schemes: str) -> Callable[[str, str], str]:
    def parse(key: str, value: str) -> str:
        try:
            parts = urlsplit(value)
            valid = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise SettingsError(key, value, f"an address with {' or '.join(schemes)}")
        return value.rstrip("/")

    return parse


def _optional_url(*schemes: str) -> Callable[[str, str], str]:
    parse = _url(*schemes)
    return lambda key, value: parse(key, value) if value else ""


def _count(key: str, value: str) -> int:
    if value.isascii() and value.isdigit() and 1 <= int(value) <= 1_000_000:
        return int(value)
    raise SettingsError(key, value, "a whole number from 1 to 1000000")


def _number(least: int, most: int) -> Callable[[str, str], int]:
    def parse(key: str, value: str) -> int:
        if value.isascii() and value.isdigit() and len(value) < 10:
            if least <= int(value) <= most:
                return int(value)
        raise SettingsError(key, value, f"a whole number from {least} to {most}")

    return parse


def _stall_seconds(key: str, value: str) -> float:
    seconds = _seconds(key, value)
    if seconds < 1:
        raise SettingsError(key, value, "a number of seconds from 1 to 86400")
    return seconds


def _coins(key: str, value: str) -> tuple[str, ...]:
    coins = _symbols(key, value)
    for coin in coins:
        if coin.endswith("USDT") and coin != "USDT":
            expected = f"coins such as {coin.removesuffix('USDT')}, without USDT"
            raise SettingsError(key, coin, expected)
    return coins


def _origins(key: str, value: str) -> tuple[str, ...]:
    origins = [part.strip().rstrip("/") for part in value.split(",") if part.strip()]
    return tuple(
        origin if origin == "*" else _url("http", "https")(key, origin)
        for origin in origins
    )


def _path(key: str, value: str) -> Path:
    if not value:
        raise SettingsError(key, value, "a folder")
    return PROJECT_ROOT / Path(value).expanduser()


def _word(key: str, value: str) -> str:
    if not value:
        raise SettingsError(key, value, "a name")
    return value


def _text(_key: str, value: str) -> str:
    return value


def _level(key: str, value: str) -> str:
    levels = ("DEBUG", "INFO", "WARNING", "ERROR")
    if value.upper() not in levels:
        raise SettingsError(key, value, f"one of {', '.join(levels)}")
    return value.upper()


def _setting(
    default: str, parse: Callable[[str, str], object], *, secret: bool = False
) -> Any:
    # Any: the annotation beside it is the parser's type.
    metadata = {"default": default, "parse": parse, "secret": secret}
    return field(metadata=metadata, repr=not secret)


@dataclass(frozen=True)
class Settings:
    """All settings; an attribute is its key in lower case.

    ``repr`` shows no secret. Folders are absolute, whatever the working directory.
    An empty ``postgres_host`` means the embedded server in ``data_dir``/postgres.
    """

    symbols: tuple[str, ...] = _setting(
        "BTCUSDT,ETHUSDT,BNBUSDT,SOLUSDT,XRPUSDT", _symbols
    )
    intervals: tuple[str, ...] = _setting("1h,4h,1d", _intervals)
    history_start: dt.date = _setting("2017-01-01", _day)
    postgres_user: str = _setting("postgres", _word)
    postgres_password: str = _setting("", _text, secret=True)
    postgres_db: str = _setting("postgres", _word)
    postgres_host: str = _setting("", _text)
    postgres_port: int = _setting("5432", _port)
    database_wait_seconds: float = _setting("60", _seconds)
    binance_api_url: str = _setting(
        "https://data-api.binance.vision", _url("http", "https")
    )
    binance_stream_url: str = _setting(
        "wss://data-stream.binance.vision", _url("ws", "wss")
    )
    binance_archive_url: str = _setting(
        "https://data.binance.vision", _url("http", "https")
    )
    coingecko_api_url: str = _setting(
        "https://api.coingecko.com/api/v3", _url("http", "https")
    )
    coingecko_demo_api_key: str = _setting("", _text, secret=True)
    data_dir: Path = _setting("data", _path)
    log_dir: Path = _setting("logs", _path)
    log_level: str = _setting("INFO", _level)
    web_host: str = _setting("127.0.0.1", _word)
    web_port: int = _setting("5555", _port)
    web_workers: int = _setting("2", _number(1, 64))
    web_threads: int = _setting("8", _number(1, 64))
    stream_coins: tuple[str, ...] = _setting("BTC,BNB,ETH,SOL,XRP", _coins)
    stall_seconds: float = _setting("30", _stall_seconds)
    stream_host: str = _setting("127.0.0.1", _word)
    stream_port: int = _setting("8765", _port)
    stream_url: str = _setting("", _optional_url("ws", "wss"))
    stream_origins: tuple[str, ...] = _setting("", _origins)
    stream_clients: int = _setting("20000", _count)

    @classmethod
    def load(
        cls,
        environment: Mapping[str, str] | None = None,
        env_file: Path = PROJECT_ROOT / ".env",
    ) -> Settings:
        """Read all settings.

        Args:
            environment: Instead of ``os.environ``.
            env_file: A file of KEY=value lines; it may be absent.

        Raises:
            SettingsError: A value cannot be understood.
        """
        values = _read(environment, env_file)
        parsed: dict[str, Any] = {}
        for setting in fields(cls):
            key = setting.name.upper()
            text = values.get(key)
            if setting.metadata["secret"] and values.get(f"{key}_FILE"):
                text = _secret_from_file(f"{key}_FILE", values[f"{key}_FILE"])
            if text is None:
                text = setting.metadata["default"]
            parsed[setting.name] = setting.metadata["parse"](key, text.strip())
        return cls(**parsed)


KEYS: dict[str, str] = {
    setting.name.upper(): setting.metadata["default"] for setting in fields(Settings)
}
"""Every key with its default, as text."""

SECRET_KEYS = frozenset(
    setting.name.upper() for setting in fields(Settings) if setting.metadata["secret"]
)
"""Keys whose values are never printed; ``<KEY>_FILE`` is read for each."""


def unknown_keys(
    environment: Mapping[str, str] | None = None,
    env_file: Path = PROJECT_ROOT / ".env",
) -> list[str]:
    """Return a sentence for each key that looks like a setting and is none.

    In ``.env`` every unknown key counts; in the environment, which is shared with
    other programs, only a near miss of one of ours. No values are given away except
    where the near key is no secret.
    """
    known = set(KEYS) | {f"{key}_FILE" for key in SECRET_KEYS}
    in_file = _file_values(env_file)
    in_environment = os.environ if environment is None else environment
    sentences = []
    for key in sorted({*in_file, *in_environment} - known):
        near = difflib.get_close_matches(key, known, n=1, cutoff=0.86)
        foreign = key.startswith(_FOREIGN_PREFIXES)
        if near:
            shown = (
                "..."
                if near[0].removesuffix("_FILE") in SECRET_KEYS
                else repr(in_environment.get(key, in_file.get(key, "")))
            )
            sentences.append(
                f"{key}={shown} is no setting and is ignored; did you mean {near[0]}?"
            )
        elif key in in_file and not foreign:
            sentences.append(
                f"{key} in {env_file.name} is no setting and is ignored; "
                "README.md lists all of them"
            )
    return sentences


def _file_values(env_file: Path) -> dict[str, str]:
    try:
        values = dotenv_values(env_file, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(".env", str(env_file), f"a UTF-8 file ({error})") from error
    return {key: value for key, value in values.items() if value is not None}


def _read(environment: Mapping[str, str] | None, env_file: Path) -> dict[str, str]:
    return {
        **_file_values(env_file),
        **(os.environ if environment is None else environment),
    }


def _secret_from_file(key: str, path: str) -> str:
    try:
        return (PROJECT_ROOT / path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(key, path, f"a readable file ({error})") from error
