"""The options of ``--verify``: what goes together, and what does not."""

from __future__ import annotations

import pytest

from get_kline_data import arguments
from klineboard.commands.verifying import check_options


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--verify --watch", "--verify and --watch exclude each other"),
        ("--verify --dry-run", "--verify and --dry-run exclude each other"),
        ("--verify --print", "--verify and --print exclude each other"),
        ("--verify --print 0", "--verify and --print exclude each other"),
        ("--sample 5", "--sample belongs to --verify"),
        ("--sample 0", "--sample belongs to --verify"),
        ("--repair --watch", "--repair belongs to --verify"),
        ("--json", "--json belongs to --verify"),
        ("--verify --sample few", "invalid int value: 'few'"),
    ],
)
def test_what_does_not_go_together_is_wrong_usage(
    capsys: pytest.CaptureFixture[str], options: str, words: str
) -> None:
    parser = arguments()
    with pytest.raises(SystemExit) as ended:
        check_options(parser, parser.parse_args(options.split()))
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    ["", "--watch", "--print 3", "--verify", "--verify --sample 5 --repair --json"],
)
def test_what_goes_together_is_taken(options: str) -> None:
    parser = arguments()
    check_options(parser, parser.parse_args(options.split()))
