"""Errors as answers: JSON for programs, a plain page for people, secrets for nobody."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterable

from flask import Flask, Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from ..errors import DatabaseUnavailable, KlineboardError, StorageError
from .answers import json_answer

log = logging.getLogger(__name__)

_AWAY = "The database is not reached at the moment."


class RequestError(KlineboardError):
    """The request cannot be answered as asked; the caller mends it.

    Attributes:
        status: HTTP status, 400, 404 or 422.
        code: A word for programs, for example ``unknown_symbol``.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        """Keep status and code beside the words for people."""
        super().__init__(message)
        self.status = status
        self.code = code


class Busy(KlineboardError):
    """As many such requests are being answered as can be; the caller comes again."""


def near_names(name: str, known: Iterable[str]) -> str:
    """Return "; did you mean ...?" for a name like some of the known ones, or ""."""
    # Folded, since a name in the other case is the nearest of all.
    folded = {candidate.casefold(): candidate for candidate in known}
    near = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.8)
    if not near:
        return ""
    return f"; did you mean {' or '.join(folded[word] for word in near)}?"


def register_errors(app: Flask) -> None:
    """Answer every error of the application."""
    app.register_error_handler(RequestError, _bad_request)
    app.register_error_handler(Busy, _busy)
    app.register_error_handler(DatabaseUnavailable, _database_unavailable)
    app.register_error_handler(StorageError, _storage_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _internal_error)


def _bad_request(error: RequestError) -> Response:
    return _answer(error.status, error.code, str(error))


def _busy(error: Busy) -> Response:
    response = _answer(503, "busy", str(error))
    response.headers["Retry-After"] = "5"
    return response


def _database_unavailable(error: DatabaseUnavailable) -> Response:
    log.warning("%s %s: %s", request.method, request.path, error)
    response = _answer(503, "database_unavailable", _AWAY)
    response.headers["Retry-After"] = "5"
    return response


def _storage_error(error: StorageError) -> Response:
    log.error("%s %s: %s", request.method, request.path, error)
    return _answer(
        500, "storage_error", "The database refused the request; the log says why."
    )


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    name = error.name.lower().replace(" ", "_")
    message = error.description or error.name
    if status == 404:
        message = f"There is nothing at {request.path}."
    response = _answer(status, name, message)
    # For example Allow beside 405.
    for key, value in error.get_headers():
        if key.lower() != "content-type":
            response.headers[key] = value
    return response


def _internal_error(error: Exception) -> Response:
    # The outermost frame of a request: what nobody foresaw is logged in full.
    log.exception("%s %s failed", request.method, request.path, exc_info=error)
    return _answer(
        500, "internal_error", "The server could not answer; its log says why."
    )


def _answer(status: int, code: str, message: str) -> Response:
    if request.path.startswith(("/api/", "/export/", "/health")):
        body = {"error": {"code": code, "message": message}}
        response = json_answer(body)
    else:
        titles = {404: "Not found", 503: "The database is away"}
        response = make_response(
            render_template(
                "error.html",
                title=titles.get(status, "This did not work"),
                message=message,
                status=status,
            )
        )
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
