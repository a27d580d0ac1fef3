"""Moments as people write them, and as files and messages show them. All UTC."""

from __future__ import annotations

import datetime as dt

from .interval import DAY

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
LATEST = 253_402_300_799_999
"""The last millisecond of the year 9999, the last that dates can say."""

EXPECTED_MOMENT = "a moment such as 2023-05-28, 2023-05-28T17:00 or ms since 1970"


def parse_moment(text: str, *, last: bool = False) -> int:
    """Return the moment in ms since 1970 UTC that ``text`` names.

    Args:
        text: A day, an ISO 8601 moment (UTC where it names no zone), or whole ms.
        last: A bare day means its last millisecond, not its first: for the end of a
            range, which includes the day that it names.

    Raises:
        ValueError: It names no moment; the text says what was expected.
    """
    text = text.strip()
    try:
        if text.isascii() and text.isdigit() and len(text) > 8:
            time = int(text)
        else:
            time = _from_iso(text, last)
    except ValueError:
        time = -1
    if not 0 <= time <= LATEST:
        raise ValueError(f"{text!r} is no moment; expected {EXPECTED_MOMENT}")
    return time


def show_moment(time: int) -> str:
    """Return ``2023-05-28 17:00``, with seconds only where they are not zero."""
    moment = _EPOCH + dt.timedelta(milliseconds=time)
    shown = moment.strftime("%Y-%m-%d %H:%M")
    if time % 60_000:
        shown += moment.strftime(":%S")
    return shown


def show_exactly(time: int) -> str:
    """Return ``2023-05-28 17:59:59.999``, as short as no digit is lost."""
    if time % 1000 == 0:
        return show_moment(time)
    moment = _EPOCH + dt.timedelta(milliseconds=time)
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{time % 1000:03}"


def _from_iso(text: str, last: bool) -> int:
    moment = dt.datetime.fromisoformat(text)
    bare_day = len(text) <= 10 and "T" not in text and " " not in text
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    time = (moment - _EPOCH) // dt.timedelta(milliseconds=1)
    return time + DAY - 1 if bare_day and last else time
