"""What a bench found, as text for a terminal and as Markdown."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

Row = tuple[str, str, str, bool]
"""What was measured, what was found, what was wanted ('' for nothing), whether met."""


@dataclass(frozen=True, slots=True)
class Section:
    """One part's figures.

    Attributes:
        title: Its name.
        method: How they came about, in sentences.
        rows: Figures, one a line.
        header: Columns of a table of contenders, if there is one.
        contenders: Its lines.
    """

    title: str
    method: str
    rows: Sequence[Row] = ()
    header: tuple[str, ...] = ()
    contenders: Sequence[tuple[str, ...]] = field(default=())


def as_text(section: Section) -> str:
    """Return a section for the terminal."""
    lines = [f"\n{section.title}"]
    for name, value, wanted, met in section.rows:
        lines.append(f"  {name:<56}{value:>26}  {wanted:<12}{_mark(wanted, met)}")
    lines += _aligned([section.header, *section.contenders] if section.header else [])
    return "\n".join(line.rstrip() for line in lines) + "\n"


def as_markdown(section: Section, command: str) -> str:
    """Return a section as a heading, the command alone, the method and tables."""
    method = "\n".join(textwrap.wrap(section.method, 88, break_on_hyphens=False))
    blocks = [f"## {section.title}", f"`{command}`", method]
    if section.header:
        blocks.append(_table(section.header, section.contenders))
    if section.rows:
        cells = [
            (_indented(name), value, wanted, _mark(wanted, met))
            for name, value, wanted, met in section.rows
        ]
        blocks.append(_table(("what", "found", "wanted", ""), cells))
    return "\n\n".join(blocks) + "\n"


def _mark(wanted: str, met: bool) -> str:
    return "" if not wanted else "ok" if met else "MISSED"


def _indented(name: str) -> str:
    # Markdown drops a cell's leading spaces.
    return f"&emsp;{name.strip()}" if name.startswith(" ") else name


def _aligned(lines: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        first, *others = (
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        yield "  " + "  ".join([first, *others])


def _table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    escaped = [[cell.replace("|", "\\|") for cell in line] for line in lines]
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join(
        f"| {' | '.join(cells)} |" for cells in [list(header), rule, *escaped]
    )


_PREFACE = """# Benchmarks

Written by `make bench` (`python -m tests.bench --write docs/BENCHMARKS.md`); do not
edit. Each part can be run alone, by the command under its heading. How cost grows from
10,000 to 10,000,000 candles is measured apart, by `python -m tests.bench.growth`.

Everything runs on one machine, and shares its cores: the exchange, PostgreSQL, the
program that is measured and whoever asks it. Nothing here was measured against
Binance, whose answers take longer or shorter and come over a real network, compressed.
What two runs differ by is noise of a few percent; figures of different machines cannot
be compared, those of one run can.
"""


def document(where: Mapping[str, str], sections: Mapping[str, Section]) -> str:
    """Return the whole of ``docs/BENCHMARKS.md``.

    Args:
        where: The machine and the date.
        sections: The parts that were measured, by the names that ``--only`` takes.
    """
    place = _table(("measured on", ""), list(where.items()))
    parts = [
        as_markdown(section, f"python -m tests.bench --only {name}")
        for name, section in sections.items()
    ]
    return "\n".join([_PREFACE, f"{place}\n", *parts])
