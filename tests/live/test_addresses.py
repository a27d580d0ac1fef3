"""What may be asked for, and from which pages."""

from __future__ import annotations

import pytest

from klineboard.live.addresses import AddressError, may_enter, wishes
from tests.live.serving import HOURS, MINUTES, OTHER, make_board

BOARD = make_board()


def test_klines_of_several_symbols_in_any_case() -> None:
    wished = wishes("/klines?symbol=btcusdt,ETHUSDT,btcusdt&interval=1m", BOARD)
    assert wished == [(BOARD.candles[MINUTES], 500), (BOARD.candles[OTHER], 500)]


def test_a_limit_is_taken() -> None:
    wished = wishes("/klines?symbol=BTCUSDT&interval=1h&limit=7", BOARD)
    assert wished == [(BOARD.candles[HOURS], 7)]


def test_trades_and_coins() -> None:
    assert wishes("/trades?symbol=ETHUSDT", BOARD) == [(BOARD.trades["ETHUSDT"], 100)]
    assert [wish.topic for wish in wishes("/", BOARD)] == list(BOARD.coins.values())


@pytest.mark.parametrize(
    ("address", "code", "words"),
    [
        ("/kline?symbol=BTCUSDT", "unknown_path", "'/kline'; expected /, /klines"),
        ("/%00", "unknown_path", "unknown path '/\\x00'"),
        ("/klines?interval=1m", "missing_symbol", "followed are BTCUSDT, ETHUSDT"),
        ("/klines?symbol=,&interval=1m", "missing_symbol", "symbol is missing"),
        (
            "/klines?symbol=BTCUSD&interval=1m",
            "unknown_symbol",
            "'BTCUSD'; followed are BTCUSDT, ETHUSDT; did you mean BTCUSDT?",
        ),
        ("/trades?symbol=NOTHING", "unknown_symbol", "followed are BTCUSDT, ETHUSDT"),
        ("/klines?symbol=BTCUSDT", "missing_interval", "expected one of 1s, 1m"),
        ("/klines?symbol=BTCUSDT&interval=1M1", "unknown_interval", "did you mean"),
        (
            "/klines?symbol=BTCUSDT&interval=4h",
            "interval_not_followed",
            "BTCUSDT 4h is not followed; followed intervals are 1m, 1h",
        ),
        ("/trades?symbol=BTCUSDT&limit=0", "bad_limit", "number from 1 to 1000"),
        ("/trades?symbol=BTCUSDT&limit=1001", "bad_limit", "'1001'"),
        ("/klines?symbol=BTCUSDT&interval=1m&limit=a", "bad_limit", "limit='a'"),
        ("/klines?" + "a=1&" * 60, "bad_query", "too many parameters"),
    ],
)
def test_names_what_is_wrong_and_what_there_is(
    address: str, code: str, words: str
) -> None:
    with pytest.raises(AddressError) as caught:
        wishes(address, BOARD)
    assert caught.value.code == code
    assert words in str(caught.value)


def test_refuses_more_symbols_than_twenty() -> None:
    symbols = ",".join(f"COIN{number}" for number in range(21))
    with pytest.raises(AddressError, match="21 symbols; expected at most 20"):
        wishes(f"/trades?symbol={symbols}", BOARD)


def test_long_nonsense_is_answered_shortly() -> None:
    with pytest.raises(AddressError) as caught:
        wishes(f"/trades?symbol={'X' * 3000}", BOARD)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("origin", "host", "allowed", "expected"),
    [
        ("http://localhost:5555", "localhost:8765", (), True),
        ("https://LOCALHOST", "localhost:8765", (), True),
        ("http://[::1]:5555", "[::1]:8765", (), True),
        ("http://evil.example", "localhost:8765", (), False),
        ("http://localhost.evil.example", "localhost:8765", (), False),
        ("null", "localhost:8765", (), False),
        ("", "", (), False),
        ("http://[", "localhost", (), False),
        ("http://a:99999999", "a", (), False),
        ("https://a.example", "b:1", ("https://a.example:443",), True),
        ("http://a.example", "b:1", ("https://a.example",), False),
        ("null", "b:1", ("*",), True),
    ],
)
def test_pages_of_the_same_host_may_enter_and_those_the_settings_name(
    origin: str, host: str, allowed: tuple[str, ...], expected: bool
) -> None:
    assert may_enter(origin, host, allowed) is expected
