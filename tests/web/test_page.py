"""GET /: the frame of the dashboard."""

from __future__ import annotations

import re

from flask.testing import FlaskClient

from klineboard import __version__


def test_the_frame_tells_version_symbols_and_port(client: FlaskClient) -> None:
    text = client.get("/").text
    assert f'data-version="{__version__}"' in text
    assert 'data-symbols="BTCUSDT,ETHUSDT' in text
    assert 'data-stream-port="8765"' in text


def test_no_script_and_no_style_is_inline(client: FlaskClient) -> None:
    text = client.get("/").text
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)


def test_everything_comes_from_here(client: FlaskClient) -> None:
    addresses = re.findall(r'(?:src|href)="([^"]+)"', client.get("/").text)
    assert addresses
    assert all(address.startswith(("/", "#")) for address in addresses)


def test_the_files_of_the_page_are_there(client: FlaskClient) -> None:
    for address in re.findall(r'"(/static/[^"]+)"', client.get("/").text):
        # Node packages are installed beside the project, not kept in it.
        if "/vendor/" not in address:
            assert client.get(address).status_code == 200, address


def test_the_frame_is_sent_once(client: FlaskClient) -> None:
    tag = client.get("/").headers["ETag"]
    assert client.get("/", headers={"If-None-Match": tag}).status_code == 304
