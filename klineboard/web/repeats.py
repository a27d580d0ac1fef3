"""Answers given again: the same bytes, for as long as they are still true.

To make an answer costs Flask's routing, our headers, the key of a cache and several
round trips to PostgreSQL, even where its body is ready. So a view may say what its
answer stands on. The whole answer is kept then, and the next request for the same
costs one question: has that changed? It is asked for each request, after the request
has come, so that whatever was committed before is seen. Where the answer is no, or
there is none (the database is away), the application does its usual work.

Notifications would be no substitute for the question: PostgreSQL sends them after the
commit, so that for a moment a reader who knows of the commit would get the old answer.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    _ExcInfo = (
        tuple[type[BaseException], BaseException, TracebackType]
        | tuple[None, None, None]
    )

Holds = Callable[[], bool]
"""Tells whether an answer is still the one that the application would make."""

HOLDS = "klineboard.holds"
"""Where a view leaves a :data:`Holds` in the WSGI environment of its request."""

_KEPT_ANSWERS = 256
_KEPT_BYTES = 16_000_000
# All of a request that our views look at. Parameters that are none of ours make other
# keys, and so do other headers of a browser's own: there is room for some of each.
_LOOKED_AT = (
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "HTTP_HOST",
    "HTTP_ACCEPT_ENCODING",
    "HTTP_IF_NONE_MATCH",
)

_Key = tuple[str | None, ...]


class _Answer(NamedTuple):
    status: str
    headers: list[tuple[str, str]]
    body: bytes
    holds: Holds


class Repeats:
    """A WSGI application around another one; safe to share between threads."""

    def __init__(self, application: WSGIApplication) -> None:
        """Keep the application; no answer is known yet."""
        self._application = application
        self._answers: OrderedDict[_Key, _Answer] = OrderedDict()
        self._bytes = 0
        self._mutex = threading.Lock()

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer as before where that still holds, else let the application."""
        if environ["REQUEST_METHOD"] != "GET":
            return self._application(environ, start_response)
        key = tuple(map(environ.get, _LOOKED_AT))
        answer = self._find(key)
        if answer is None or not answer.holds():
            return self._ask(key, environ, start_response)
        start_response(answer.status, list(answer.headers))
        return (answer.body,)

    def _ask(
        self, key: _Key, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Let the application answer, and keep what it says may be repeated."""
        began: list[tuple[str, list[tuple[str, str]]]] = []

        def start(
            status: str,
            headers: list[tuple[str, str]],
            exc_info: _ExcInfo | None = None,
            /,
        ) -> Callable[[bytes], object]:
            began[:] = [(status, list(headers))]
            return start_response(status, headers, exc_info)

        parts = self._application(environ, start)
        holds: Holds | None = environ.get(HOLDS)
        if holds is None or not began[0][0].startswith(("200", "304")):
            return parts
        try:
            body = b"".join(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        self._keep(key, _Answer(*began[0], body, holds))
        return (body,)

    def _find(self, key: _Key) -> _Answer | None:
        with self._mutex:
            answer = self._answers.get(key)
            if answer is not None:
                self._answers.move_to_end(key)
            return answer

    def _keep(self, key: _Key, answer: _Answer) -> None:
        """Keep an answer, and forget those not asked for longest."""
        with self._mutex:
            before = self._answers.pop(key, None)
            self._bytes += len(answer.body) - (len(before.body) if before else 0)
            self._answers[key] = answer
            while len(self._answers) > _KEPT_ANSWERS or self._bytes > _KEPT_BYTES:
                self._bytes -= len(self._answers.popitem(last=False)[1].body)


def for_seconds(seconds: float, clock: Callable[[], float] = time.monotonic) -> Holds:
    """Return a question that is answered yes for so many seconds from now on.

    Only for what does not come from the database.
    """
    until = clock() + seconds
    return lambda: clock() < until
