"""GET / and GET /live: the frames of the pages."""

from __future__ import annotations

import html
import json
import re

import pytest
from flask.testing import FlaskClient

from klineboard import __version__

every_page = pytest.mark.parametrize("path", ["/", "/live"])


@every_page
def test_the_frame_tells_version_port_and_what_is_followed(
    client: FlaskClient, path: str
) -> None:
    text = client.get(path).text
    assert f'data-version="{__version__}"' in text
    assert 'data-stream-port="8765"' in text
    told = re.search(r'data-followed="([^"]*)"', text)
    assert told is not None
    followed = json.loads(html.unescape(told[1]))
    assert followed["BTCUSDT"] == ["1m", "1h", "4h", "1d"]


def test_the_dashboard_tells_its_symbols(client: FlaskClient) -> None:
    assert 'data-symbols="BTCUSDT,ETHUSDT' in client.get("/").text


@every_page
def test_no_script_and_no_style_is_inline(client: FlaskClient, path: str) -> None:
    text = client.get(path).text
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text)


@every_page
def test_everything_comes_from_here(client: FlaskClient, path: str) -> None:
    text = client.get(path).text
    loaded = re.findall(r'<(?:link|script|img)\b[^>]*(?:src|href)="([^"]+)"', text)
    assert loaded
    assert all(address.startswith("/static/") for address in loaded)


@every_page
def test_the_files_of_the_page_are_there(client: FlaskClient, path: str) -> None:
    for address in re.findall(r'"(/static/[^"]+)"', client.get(path).text):
        # Node packages are installed beside the project, not kept in it.
        if "/vendor/" not in address:
            assert client.get(address).status_code == 200, address


@every_page
def test_the_frame_is_sent_once(client: FlaskClient, path: str) -> None:
    tag = client.get(path).headers["ETag"]
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


@every_page
def test_every_link_to_a_page_leads_somewhere(client: FlaskClient, path: str) -> None:
    text = client.get(path).text
    links = re.findall(r'<a href="([^"]+)" data-page', text)
    assert links[:2] == ["/", "/live"]
    assert [client.get(link).status_code for link in links] == [200] * len(links)
    assert f'data-page="{path}" aria-current="page"' in text


def test_the_chart_library_is_named_as_its_licence_asks(client: FlaskClient) -> None:
    text = client.get("/live").text
    assert "TradingView Lightweight Charts" in text
    assert 'href="https://www.tradingview.com/"' in text
