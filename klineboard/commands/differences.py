"""What a person, or a program, reads of a verification."""

from __future__ import annotations

import json
import logging
import sys
from collections import Counter
from collections.abc import Callable

from ..jobs.verify import Findings, Unverified
from ..market.difference import Difference
from ..market.kline import COLUMNS, Kline
from ..market.moment import show_exactly
from ..market.series import Series

log = logging.getLogger("klineboard.verify")

LINES_A_SERIES = 1_000
"""How many differences of a series are listed for people; JSON lists all."""

_TIMES = ("open_time", "close_time")


class TextReport:
    """A line per difference on standard output, and a summary line per series."""

    def __init__(self, clear: Callable[[Series], object] = lambda series: None) -> None:
        """Begin with nothing found.

        Args:
            clear: Removes what shows the progress of a series.
        """
        self._clear = clear
        self._lines: Counter[Series] = Counter()

    def found(self, series: Series, difference: Difference, repaired: bool) -> None:
        """Write a line for each column that differs, or one for the whole candle."""
        self._list(series, lines(series, difference, repaired))

    def disagrees(self, series: Series, difference: Difference) -> None:
        """Write in which columns the archive says otherwise than REST."""
        self._list(series, disagreement_lines(series, difference))

    def _list(self, series: Series, texts: list[str]) -> None:
        for line in texts:
            self._lines[series] += 1
            if self._lines[series] <= LINES_A_SERIES:
                sys.stdout.write(line + "\n")
        sys.stdout.flush()

    def finished(self, findings: Findings) -> None:
        """Log the summary, as loudly as it is bad."""
        self._clear(findings.series)
        more = self._lines[findings.series] - LINES_A_SERIES
        if more > 0:
            sys.stdout.write(
                f"{findings.series}  ... and {more:,} lines more; --json lists all\n"
            )
            sys.stdout.flush()
        level = logging.INFO if findings.is_clean else logging.WARNING
        if findings.compared or not findings.unverified:
            log.log(level, "%s", summary(findings))
        for note in findings.notes:
            log.warning("%s: %s", findings.series, note)
        for part in findings.unverified:
            log.warning("%s: NOT verified %s", findings.series, _where(part))


class JsonReport:
    """A JSON object a line on standard output: each difference, then the summary."""

    def __init__(self, clear: Callable[[Series], object] = lambda series: None) -> None:
        """Write to standard output.

        Args:
            clear: Removes what shows the progress of a series.
        """
        self._clear = clear

    def found(self, series: Series, difference: Difference, repaired: bool) -> None:
        """Write one difference: times in ms, numbers with their digits."""
        line = _object(series, difference, difference.kind, "stored", "exchange")
        _write({**line, "repaired": repaired})

    def disagrees(self, series: Series, difference: Difference) -> None:
        """Write of which candle the archive says otherwise than REST."""
        _write(_object(series, difference, "disagreement", "rest", "archive"))

    def finished(self, findings: Findings) -> None:
        """Write the counts of a series, and what of it is not verified."""
        self._clear(findings.series)
        _write(
            {
                "kind": "summary",
                "symbol": findings.series.symbol,
                "interval": findings.series.interval.name,
                "stored": findings.stored,
                "compared": findings.compared,
                **dict(findings.found.items()),
                "repaired": findings.repaired,
                "requests": findings.requests,
                "files": findings.files,
                "disagreements": findings.disagreements,
                "notes": findings.notes,
                "unverified": [part._asdict() for part in findings.unverified],
                "error": findings.error,
            }
        )


def lines(series: Series, difference: Difference, repaired: bool) -> list[str]:
    """Return a difference in words: series, open time (UTC), column, both values."""
    place = f"{series}  {show_exactly(difference.open_time)}"
    if difference.stored is None and difference.told is not None:
        done = " · stored now" * repaired
        return [f"{place}  missing: exchange {_brief(difference.told)}{done}"]
    if difference.told is None and difference.stored is not None:
        return [f"{place}  surplus: stored {_brief(difference.stored)}"]
    done = " · replaced" * repaired
    return [
        f"{place}  {name}: stored {_shown(difference.stored, name)}, "
        f"exchange {_shown(difference.told, name)}{done}"
        for name in difference.columns
    ]


def disagreement_lines(series: Series, difference: Difference) -> list[str]:
    """Return in words where the archive says otherwise than REST, which counts."""
    place = f"{series}  {show_exactly(difference.open_time)}"
    rest, archive = difference.stored, difference.told
    if rest is None and archive is not None:
        return [f"{place}  only in the archive: {_brief(archive)}"]
    if archive is None and rest is not None:
        return [f"{place}  not in the archive: REST {_brief(rest)}"]
    return [
        f"{place}  {name}: archive {_shown(archive, name)}, REST {_shown(rest, name)}"
        for name in difference.columns
    ]


def summary(findings: Findings) -> str:
    """Return one line on how the verification of a series ended."""
    compared = f"{findings.compared:,}"
    if findings.is_sample or findings.compared != findings.stored:
        compared += f" of {findings.stored:,}"
    word = "candle" if compared == "1" else "candles"
    counts = [f"{compared} {word} compared", f"{findings.found['differs']:,} differ"]
    counts += [f"{findings.found[kind]:,} {kind}" for kind in ("missing", "surplus")]
    parts = [f"{findings.series}: {', '.join(counts)}"]
    if findings.repaired:
        parts.append(f"{findings.repaired:,} repaired")
    if findings.files:
        files = f"{findings.files:,} file{'s' * (findings.files != 1)} of the archive"
        parts.append(f"{files} compared, {_agreement(findings.disagreements)}")
    if findings.error:
        parts.append(findings.error)
    if findings.unverified:
        parts.append("NOT verified as a whole")
    word = "request" if findings.requests == 1 else "requests"
    return " · ".join([*parts, f"{findings.requests} {word}"])


def _agreement(disagreements: int) -> str:
    if not disagreements:
        return "all as REST says"
    candles = "1 candle" if disagreements == 1 else f"{disagreements:,} candles"
    return f"otherwise than REST in {candles}"


def _where(part: Unverified) -> str:
    words = ""
    if part.start is not None:
        words += f"from {show_exactly(part.start)} "
    if part.end is not None:
        words += f"to {show_exactly(part.end)} "
    return f"{words.strip() or 'at all'}: {part.reason}"


def _brief(kline: Kline) -> str:
    return (
        f"open {kline.open_price}, high {kline.high_price}, low {kline.low_price}, "
        f"close {kline.close_price}, volume {kline.volume}, "
        f"{kline.number_of_trades} trades"
    )


def _shown(kline: Kline | None, name: str) -> str:
    value = kline[COLUMNS.index(name)] if kline else "-"
    return show_exactly(int(value)) if name in _TIMES else str(value)


def _object(
    series: Series, difference: Difference, kind: str, ours: str, theirs: str
) -> dict[str, object]:
    line: dict[str, object] = {
        "kind": kind,
        "symbol": series.symbol,
        "interval": series.interval.name,
        "open_time": difference.open_time,
    }
    if difference.columns:
        line["columns"] = list(difference.columns)
    for name, kline in ((ours, difference.stored), (theirs, difference.told)):
        line[name] = kline._asdict() if kline else None
    return line


def _write(line: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
