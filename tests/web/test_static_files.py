"""Static files: compressed once, kept for ever, and never others than ours."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from klineboard.web.static_files import register_static


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "static"
    (folder / "vendor").mkdir(parents=True)
    (folder / "page.js").write_text("// " + "klineboard " * 100)
    (folder / "chart.mjs").write_text("// " + "candle " * 100)
    (folder / "vendor" / "lib.js").write_text("export default 1;")
    (folder / "logo.png").write_bytes(b"\x89PNG")
    (folder / ".hidden").write_text("x")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def app(folder: Path) -> Flask:
    app = Flask("static", static_folder=None)
    register_static(app, folder)
    return app


@pytest.fixture
def files(app: Flask) -> FlaskClient:
    return app.test_client()


def _address(app: Flask, name: str) -> str:
    with app.test_request_context():
        return url_for("static", filename=name)


def test_an_address_with_the_version_is_kept_for_ever(
    app: Flask, files: FlaskClient
) -> None:
    answer = files.get(_address(app, "page.js"))
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.content_type == "text/javascript; charset=utf-8"


def test_a_module_beside_another_has_the_same_version(app: Flask) -> None:
    page, library = _address(app, "page.js"), _address(app, "vendor/lib.js")
    assert library == page.replace("page.js", "vendor/lib.js")


def test_a_changed_file_changes_the_version(app: Flask, folder: Path) -> None:
    before = _address(app, "page.js")
    (folder / "chart.mjs").write_text("// " + "candle " * 100)
    (folder / "vendor" / "lib.js").write_text("export default 22;")
    assert _address(app, "page.js") != before


def test_a_changed_file_is_sent_anew(files: FlaskClient, folder: Path) -> None:
    files.get("/static/page.js")
    (folder / "page.js").write_text("changed")
    assert files.get("/static/page.js").text == "changed"


def test_an_old_or_missing_version_is_not_kept(files: FlaskClient) -> None:
    for path in ("/static/page.js", "/static/00000000/page.js"):
        assert files.get(path).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["page.js", "chart.mjs"])
def test_text_is_compressed(files: FlaskClient, folder: Path, name: str) -> None:
    answer = files.get(f"/static/{name}", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.data) == (folder / name).read_bytes()


def test_pictures_are_not(files: FlaskClient) -> None:
    answer = files.get("/static/logo.png", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers
    assert answer.content_type == "image/png"


def test_what_a_browser_has_is_not_sent_again(files: FlaskClient) -> None:
    tag = files.get("/static/page.js").headers["ETag"]
    answer = files.get("/static/page.js", headers={"If-None-Match": tag})
    assert (answer.status_code, answer.data) == (304, b"")


@pytest.mark.parametrize(
    "name",
    [
        "nothing.js",
        "vendor",
        ".hidden",
        "../secret.txt",
        "%2e%2e/secret.txt",
        "vendor/../../secret.txt",
        "a%00b",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
    ],
)
def test_only_files_of_the_folder_are_sent(files: FlaskClient, name: str) -> None:
    assert files.get(f"/static/{name}").status_code in (404, 308)
    assert b"secret" not in files.get(f"/static/{name}", follow_redirects=True).data
