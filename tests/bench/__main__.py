"""``make bench``: the figures that the documents name, from one run.

Each part prints its figures when it is done; what misses its mark is named. A part
can be run alone: ``python -m tests.bench --only collect,peers``.
"""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import tempfile
from pathlib import Path

from tests.bench.machine import machine
from tests.bench.parts import PARTS
from tests.bench.report import Section, as_text, document
from tests.bench.server import database_server
from tests.bench.sizes import SHORT, Sizes

log = logging.getLogger("bench")


def arguments() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument(
        "--only",
        type=_names,
        default=list(PARTS),
        metavar="PART[,PART]",
        help=f"of {', '.join(PARTS)}",
    )
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="write the tables as Markdown, too"
    )
    parser.add_argument(
        "--short",
        action="store_true",
        help="few candles, to see that everything works; the figures mean little",
    )
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in PARTS:
            raise argparse.ArgumentTypeError(
                f"unknown part {name!r}; expected {', '.join(PARTS)}"
            )
    return names


def main() -> int:
    """Measure, print, and write the document.

    Returns:
        0, or 1 where a part could not be measured; the others are.
    """
    options = arguments().parse_args()
    logging.basicConfig(format="%(message)s")
    folder = Path(tempfile.mkdtemp(prefix="klineboard-bench-"))
    try:
        return _measure(options, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _measure(options: argparse.Namespace, folder: Path) -> int:
    sections: dict[str, Section] = {}
    failed = False
    with database_server(folder) as server:
        where = machine(server.version())
        _say("".join(f"{name}: {value}\n" for name, value in where.items()))
        for name in options.only:
            _say(f"\n{name} ...\n")
            try:
                section = PARTS[name](
                    folder, server, SHORT if options.short else Sizes()
                )
            except Exception:
                # Minutes of measuring are not thrown away for one part.
                log.exception("%s could not be measured", name)
                failed = True
                continue
            _say(as_text(section))
            sections[name] = section
    if options.write:
        options.write.write_text(document(where, sections), encoding="utf-8")
    return int(failed)


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
