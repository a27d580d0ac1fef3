"""Answers that are made once: ETag, 304, gzip, and a small cache of ready bodies."""

from __future__ import annotations

import hashlib
import json
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

from flask import Response, request

from .repeats import HOLDS, Holds

# Below this size (bytes) the headers weigh more than gzip saves.
_SMALLEST_TO_COMPRESS = 500
_CACHED_BODIES = 128
_CACHED_BYTES = 24_000_000


class Body(NamedTuple):
    """The bytes of an answer, plain and compressed."""

    plain: bytes
    gzipped: bytes


class BodyCache:
    """The bodies used last, by key; safe to share between threads.

    A key holds the version of the data, so that nothing in here can be out of date;
    it can only be out of use, and then it makes room.
    """

    def __init__(self) -> None:
        self._bodies: OrderedDict[str, Body] = OrderedDict()
        self._bytes = 0
        self._mutex = threading.Lock()

    def get(self, key: str) -> Body | None:
        """Return the body kept under ``key``."""
        with self._mutex:
            body = self._bodies.get(key)
            if body is not None:
                self._bodies.move_to_end(key)
            return body

    def keep(self, key: str, body: Body) -> None:
        """Keep a body, and forget those not used for longest."""
        with self._mutex:
            self._bytes += _size(body) - _size(self._bodies.pop(key, Body(b"", b"")))
            self._bodies[key] = body
            while len(self._bodies) > _CACHED_BODIES or self._bytes > _CACHED_BYTES:
                self._bytes -= _size(self._bodies.popitem(last=False)[1])


def to_json(value: Any) -> bytes:
    """Return compact JSON; NaN and infinities are errors, not words of our own."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def compress(plain: bytes) -> bytes:
    """Return gzip of an answer.

    Measured on 1,000 real candles: the strategy for data that hardly repeats gives
    49 kB where the usual one gives 56, at the same speed; level 9 saves 0.2 more for
    twice the time.
    """
    packer = zlib.compressobj(6, zlib.DEFLATED, 31, 6, zlib.Z_FILTERED)
    return packer.compress(plain) + packer.flush()


def json_answer(value: Any) -> Response:
    """Return JSON that nobody asks for twice, such as an error."""
    return Response(to_json(value), mimetype="application/json")


def cached_answer(
    bodies: BodyCache,
    key: object,
    make: Callable[[], bytes],
    *,
    fresh: object = None,
    mimetype: str = "application/json",
    holds: Holds | None = None,
) -> Response:
    """Return what stays the same as long as ``key`` does.

    Args:
        bodies: Where ready bodies are kept.
        key: All that the content depends on: the parameters, and the versions of the
            data. Its ``repr`` becomes the ETag.
        make: Makes the content; called only where no cache has it.
        fresh: A further part of the cache's key that is no part of the ETag, for
            bodies that name the time at which they were made.
        mimetype: Of the content.
        holds: Tells later whether ``key`` would still be the same; with it the answer
            is repeated without asking the view. It must have begun before what the
            key is made of was read.
    """
    response = _answer(bodies, key, make, fresh, mimetype)
    if holds is not None:
        request.environ[HOLDS] = holds
    return response


def _answer(
    bodies: BodyCache,
    key: object,
    make: Callable[[], bytes],
    fresh: object,
    mimetype: str,
) -> Response:
    digest = hashlib.blake2b(
        repr((request.path, key)).encode(), digest_size=16
    ).hexdigest()
    # Weak: the compressed body has other bytes than the plain one.
    tag = f'W/"{digest}"'
    if request.if_none_match.contains_weak(digest):
        return _with_headers(Response(status=304), tag)
    name = f"{digest} {fresh}"
    body = bodies.get(name)
    if body is None:
        plain = make()
        body = Body(plain, compress(plain))
        bodies.keep(name, body)
    return _with_headers(_choose(body, mimetype), tag)


def _choose(body: Body, mimetype: str) -> Response:
    response = Response(mimetype=mimetype)
    if len(body.plain) >= _SMALLEST_TO_COMPRESS and accepts_gzip():
        response.set_data(body.gzipped)
        response.headers["Content-Encoding"] = "gzip"
    else:
        response.set_data(body.plain)
    return response


def accepts_gzip() -> bool:
    """Return whether the client takes gzip."""
    return request.accept_encodings["gzip"] > 0


def _with_headers(response: Response, tag: str) -> Response:
    response.headers["ETag"] = tag
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Vary"] = "Accept-Encoding"
    return response


def _size(body: Body) -> int:
    return len(body.plain) + len(body.gzipped)
