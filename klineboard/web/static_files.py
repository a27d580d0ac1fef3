"""The files of ``static/``: compressed once, kept by browsers for as long as they last.

Every address holds a version made of all files, so that a module that another imports
by a relative name is fetched anew with it::

    /static/3f9a1c2b/dashboard.js -> import "./api.js" -> /static/3f9a1c2b/api.js
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import os
import threading
from pathlib import Path
from typing import NamedTuple

from flask import Flask, Response, abort, request

from .answers import accepts_gzip

_TEXT_SUFFIXES = {".js", ".mjs", ".css", ".svg", ".json", ".html", ".txt", ".map"}
_TYPES = {".js": "text/javascript", ".mjs": "text/javascript"}
_YEAR_SECONDS = 31_536_000


class _File(NamedTuple):
    stamp: tuple[int, int]
    tag: str
    content_type: str
    plain: bytes
    gzipped: bytes | None


class StaticFiles:
    """The files below one folder; safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        """Keep the folder; its files are read when they are asked for."""
        self._folder = folder.resolve()
        self._files: dict[str, _File] = {}
        self._mutex = threading.Lock()

    def version(self) -> str:
        """Return a short name of the present state of all files."""
        digest = hashlib.blake2b(digest_size=4)
        for parent, folders, names in os.walk(self._folder, followlinks=True):
            folders.sort()
            for name in sorted(names):
                status = os.stat(os.path.join(parent, name))
                stamp = f"{parent}/{name} {status.st_size} {status.st_mtime_ns}\n"
                digest.update(stamp.encode(errors="surrogateescape"))
        return digest.hexdigest()

    def get(self, name: str) -> _File | None:
        """Return a file, read again where it has changed; None where there is none."""
        path = self._folder / name
        try:
            # What lies outside of the folder is not ours to show, nor are hidden files.
            inside = not any(part.startswith(".") for part in Path(name).parts)
            status = path.stat()
            if not inside or not path.is_file():
                return None
            stamp = status.st_size, status.st_mtime_ns
            with self._mutex:
                file = self._files.get(name)
                if file is None or file.stamp != stamp:
                    file = self._files[name] = _read(path, stamp)
            return file
        except (OSError, ValueError):
            return None


def _read(path: Path, stamp: tuple[int, int]) -> _File:
    plain = path.read_bytes()
    suffix = path.suffix
    kind = _TYPES.get(suffix) or mimetypes.guess_type(path.name)[0]
    text = suffix in _TEXT_SUFFIXES
    return _File(
        stamp,
        hashlib.blake2b(plain, digest_size=16).hexdigest(),
        (kind or "application/octet-stream") + ("; charset=utf-8" if text else ""),
        plain,
        gzip.compress(plain, 9, mtime=0) if text else None,
    )


def register_static(app: Flask, folder: Path) -> None:
    """Serve a folder as the endpoint ``static``, which ``url_for`` knows."""
    files = StaticFiles(folder)

    def answer(filename: str, version: str | None = None) -> Response:
        file = files.get(filename)
        if file is None:
            abort(404)
        response = Response(file.plain, content_type=file.content_type)
        if file.gzipped is not None and accepts_gzip():
            response.set_data(file.gzipped)
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        response.set_etag(file.tag, weak=True)
        if version is not None and version == files.version():
            response.headers["Cache-Control"] = (
                f"public, max-age={_YEAR_SECONDS}, immutable"
            )
        else:
            response.headers["Cache-Control"] = "no-cache"
        response.make_conditional(request)
        return response

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, object]) -> None:
        if endpoint == "static":
            values.setdefault("version", files.version())

    app.add_url_rule(
        "/static/<string(length=8):version>/<path:filename>", "static", answer
    )
    app.add_url_rule("/static/<path:filename>", "static", answer)
    # Browsers ask for it whatever the page says.
    app.add_url_rule("/favicon.ico", "favicon", lambda: answer("favicon.svg"))
