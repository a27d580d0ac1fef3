"""GET /trades: the frame of the page that follows trades."""

from __future__ import annotations

import re
from collections.abc import Callable

from flask.testing import FlaskClient

from klineboard.settings import Settings

from ..conftest import MakeSettings


def test_the_frame_offers_what_the_relay_follows(
    make_settings: MakeSettings, make_client: Callable[[Settings], FlaskClient]
) -> None:
    settings = make_settings(SYMBOLS="ETHUSDT,ADAUSDT", STREAM_COINS="BTC,ETH")
    text = make_client(settings).get("/trades").text
    assert re.findall(r"<option>(\w+)</option>", text) == [
        "ETHUSDT",
        "ADAUSDT",
        "BTCUSDT",
    ]


def test_no_script_and_no_style_is_inline(client: FlaskClient) -> None:
    text = client.get("/trades").text
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)


def test_the_files_of_the_page_are_there(client: FlaskClient) -> None:
    addresses = re.findall(r'"(/static/[^"]+)"', client.get("/trades").text)
    assert len(addresses) > 20
    for address in addresses:
        # Node packages are installed beside the project, not kept in it.
        if "/vendor/" not in address:
            assert client.get(address).status_code == 200, address


def test_each_field_has_a_name(client: FlaskClient) -> None:
    text = client.get("/trades").text
    fields = re.findall(r'<(?:input|select) id="([\w-]+)"', text)
    assert sorted(fields) == ["minimum", "symbol"]
    assert all(f'<label for="{field}">' in text for field in fields)


def test_the_frame_is_sent_once(client: FlaskClient) -> None:
    tag = client.get("/trades").headers["ETag"]
    assert client.get("/trades", headers={"If-None-Match": tag}).status_code == 304
