"""Why a request failed, in a few words."""

from __future__ import annotations

import re

import requests

_ERRNO = re.compile(r"^\[Errno -?\d+\] ")


def reason_of(error: requests.RequestException) -> str:
    """Return the innermost cause of an error of requests."""
    # The text of requests' errors repeats the whole address; the cause is enough.
    cause: BaseException = error
    while cause.__cause__ or cause.__context__ or _inner(cause):
        cause = cause.__cause__ or cause.__context__ or _inner(cause) or cause
    words = _ERRNO.sub("", str(cause)) or type(cause).__name__
    return words[0].lower() + words[1:]


def _inner(error: BaseException) -> BaseException | None:
    reason = getattr(error, "reason", None) or (error.args[0] if error.args else None)
    return reason if isinstance(reason, BaseException) else None
