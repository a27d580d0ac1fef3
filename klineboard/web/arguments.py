"""What a request may ask for: symbols, intervals, times, limits and ranges."""

from __future__ import annotations

import difflib
import re

from flask import request

from ..market.interval import Interval, expected_intervals, parse_interval
from ..market.moment import EXPECTED_MOMENT, LATEST, parse_moment
from .errors import RequestError

# An unescaped + arrives as a space.
_LOST_PLUS = re.compile(r"(?<=\d) (?=\d\d:\d\d$)")


def refuse_typos(*known: str) -> None:
    """Refuse a parameter that looks like one of ours; others are none of our business.

    Raises:
        RequestError: Of status 400, with the near name.
    """
    for name in request.args:
        if name in known:
            continue
        near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.75)
        if near:
            raise RequestError(
                400,
                "unknown_parameter",
                f"unknown parameter {name!r}; did you mean {near[0]}?",
            )


def symbol_argument() -> str | None:
    """Return the symbol in upper case, or None where none was given."""
    return request.args.get("symbol", "").strip().upper() or None


def interval_argument() -> Interval | None:
    """Return the interval, or None where none was given.

    Raises:
        RequestError: It is none of Binance's, whose names are case-sensitive.
    """
    text = request.args.get("interval", "")
    if not text:
        return None
    try:
        return parse_interval(text)
    except ValueError as error:
        raise RequestError(400, "unknown_interval", str(error)) from None


def missing(name: str, expected: str) -> RequestError:
    """Return the error for a parameter that cannot be left out."""
    return RequestError(400, f"missing_{name}", f"{name} is missing; {expected}")


def missing_interval() -> RequestError:
    """Return the error for an interval that cannot be left out."""
    return missing("interval", f"expected {expected_intervals('')}")


def limit_argument(most: int) -> int:
    """Return the limit, ``most`` where none was given.

    Raises:
        RequestError: It is no number from 1 to ``most``.
    """
    text = request.args.get("limit")
    if text is None:
        return most
    # Longer numbers are out of range, and Python refuses to read very long ones.
    if text.isascii() and text.isdigit() and len(text) < 20:
        if 1 <= int(text) <= most:
            return int(text)
    raise RequestError(
        400, "bad_limit", f"limit={text!r}: expected a number from 1 to {most}"
    )


def span_arguments() -> tuple[int | None, int | None]:
    """Return the first and the last open time (ms) asked for, None where not said.

    A bare day as ``end`` includes that day.

    Raises:
        RequestError: One is no time, or start lies after end.
    """
    start = _time_argument("start", last=False)
    end = _time_argument("end", last=True)
    if start is not None and end is not None and start > end:
        raise RequestError(
            400,
            "start_after_end",
            f"start={request.args['start']!r} lies after end={request.args['end']!r}; "
            "expected start at or before end",
        )
    return start, end


def stretch_arguments() -> tuple[int, int] | None:
    """Return start and end (ms) of a stretch, None where neither was given.

    The end is the first time that does not belong to it; a bare day includes that day.

    Raises:
        RequestError: One is missing or no time, or start does not lie before end.
    """
    for name, other in (("start", "end"), ("end", "start")):
        if other in request.args and name not in request.args:
            raise missing(name, f"expected beside {other}={request.args[other]!r}")
    start = _time_argument("start", last=False)
    end = _time_argument("end", last=False)
    last = _time_argument("end", last=True)
    if start is None or end is None or last is None:
        return None
    if last > end:
        end = min(last + 1, LATEST)
    if start >= end:
        raise RequestError(
            400,
            "start_after_end",
            f"start={request.args['start']!r} does not lie before "
            f"end={request.args['end']!r}; expected start before end",
        )
    return start, end


def _time_argument(name: str, *, last: bool) -> int | None:
    text = request.args.get(name)
    if text is None:
        return None
    text = _LOST_PLUS.sub("+", text.strip())
    digits = text.isascii() and text.isdigit()
    if digits and len(text) < len("20230528"):
        return int(text)  # ``start=0`` is the usual word for the beginning.
    if digits and len(text) == len("1685293200"):
        # Milliseconds of January 1970, but certainly meant as seconds.
        expected = f"these seconds in ms, {text}000"
    else:
        try:
            return parse_moment(text, last=last)
        except ValueError:
            expected = EXPECTED_MOMENT
    raise RequestError(400, "bad_time", f"{name}={text!r}: expected {expected}")
