"""What clients may say on a connection, and what they are told.

Source: Binance Spot API, web-socket-streams.md, "Live Subscribing/Unsubscribing to
streams", with its error codes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .stream_names import MOST_STREAMS
from .subscriber import Ending, Output, Subscriber

_METHODS = (
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "LIST_SUBSCRIPTIONS",
    "SET_PROPERTY",
    "GET_PROPERTY",
)
_ID_LENGTH = 36
_FIELDS = {"method", "params", "id"}


class _Refused(Exception):
    """A command is wrong; carries Binance's code and words, and the command's id."""

    def __init__(self, code: int, message: str, identity: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.identity = identity


def answer(text: str | bytes, subscriber: Subscriber, now: int) -> Output:
    """Do what a client says at ``now`` (ms); return the answer, or how it ends."""
    try:
        command = _parsed(text)
        return _done(command, subscriber, now)
    except _Refused as refusal:
        error = {"code": refusal.code, "msg": str(refusal)}
        return _json({"error": error, "id": refusal.identity})


def _parsed(text: str | bytes) -> dict[str, Any]:
    try:
        command = json.loads(text)
    except ValueError as error:
        raise _Refused(3, f"Invalid JSON: {error}") from None
    if not isinstance(command, dict):
        raise _Refused(2, "Invalid request: expected an object")
    identity = command.get("id")
    if not _is_identity(identity):
        raise _Refused(
            2,
            "Invalid request: request ID must be an integer, a string of up to "
            f"{_ID_LENGTH} letters, digits, - and _, or null",
        )
    method = command.get("method")
    if method not in _METHODS:
        expected = ", ".join(_METHODS)
        words = f"unknown variant {method}, expected one of {expected}"
        raise _Refused(2, f"Invalid request: {words}", identity)
    if set(command) - _FIELDS:
        raise _Refused(2, "Invalid request: too many parameters", identity)
    return command


def _is_identity(value: Any) -> bool:
    if isinstance(value, str):
        return re.fullmatch(rf"[A-Za-z0-9_-]{{1,{_ID_LENGTH}}}", value) is not None
    return value is None or type(value) is int


def _done(command: dict[str, Any], subscriber: Subscriber, now: int) -> Output:
    result: Any = None
    match command["method"]:
        case "SUBSCRIBE":
            subscriber.follow(_names(command), now)
            if len(subscriber.names) > MOST_STREAMS:
                return Ending(1008, f"More than {MOST_STREAMS} streams")
        case "UNSUBSCRIBE":
            subscriber.leave(_names(command))
        case "LIST_SUBSCRIPTIONS":
            result = subscriber.names
        case "SET_PROPERTY":
            subscriber.combined = _combined_wanted(command)
        case "GET_PROPERTY":
            _check_property(command, 1)
            result = subscriber.combined
    return _json({"result": result, "id": command.get("id")})


def _names(command: dict[str, Any]) -> list[str]:
    names = command.get("params")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        words = "Invalid request: params must be a list of stream names"
        raise _Refused(2, words, command.get("id"))
    return names


def _check_property(command: dict[str, Any], length: int) -> list[Any]:
    params, identity = command.get("params"), command.get("id")
    if not isinstance(params, list) or len(params) != length:
        raise _Refused(2, "Invalid request: too many parameters", identity)
    if params[0] != "combined":
        raise _Refused(0, "Unknown property", identity)
    return params


def _combined_wanted(command: dict[str, Any]) -> bool:
    wanted = _check_property(command, 2)[1]
    if not isinstance(wanted, bool):
        words = "Invalid value type: expected Boolean"
        raise _Refused(1, words, command.get("id"))
    return wanted


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
