"""What goes in and out of the simulated servers, free of sockets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

JSON_TYPE = "application/json;charset=UTF-8"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request.

    Attributes:
        method: GET, POST or DELETE.
        path: The path without the query.
        query: Parameters in their order, empty and duplicate ones included.
        headers: Header fields, by their names in lower case.
        body: The body's bytes.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def parse(
        cls, method: str, target: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Request:
        """Build a request from the parts of an HTTP message."""
        parts = urlsplit(target)
        headers = {name.lower(): value for name, value in headers.items()}
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        return cls(method, parts.path, query, headers, body)

    def parameter(self, name: str) -> str | None:
        """Return the first value of a parameter, or None."""
        return next((value for key, value in self.query if key == name), None)

    def json(self) -> Any:
        """Return the body's JSON; an empty body is None.

        Raises:
            ValueError: The body is no JSON.
        """
        return json.loads(self.body) if self.body else None


@dataclass(slots=True)
class Reply:
    """One HTTP answer, and what is done to it on its way.

    Attributes:
        status: HTTP status.
        body: The whole body.
        content_type: Its type.
        headers: Further header fields.
        reset: Cut the connection instead of answering.
        hang: Stay silent for so many seconds, then close.
        truncate: Send only half of the body, then close.
    """

    status: int
    body: bytes
    content_type: str = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    hang: float = 0.0
    truncate: bool = False

    @classmethod
    def of(cls, value: Any, status: int = 200) -> Reply:
        """Return an answer with a JSON body."""
        text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
        return cls(status, text.encode())


class ApiError(Exception):
    """An error as Binance answers it (errors.md): HTTP status, code and message."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        """Keep the three, and further headers to send."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.headers: dict[str, str] = {}

    def reply(self) -> Reply:
        """Return the answer that tells it."""
        reply = Reply.of({"code": self.code, "msg": self.message}, self.status)
        reply.headers.update(self.headers)
        return reply
