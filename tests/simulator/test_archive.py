"""The simulated archive: layout, publication, checksums, faults."""

from __future__ import annotations

import gzip
import hashlib
import io
import zipfile

import pytest

from klineboard.market.interval import HOUR
from klineboard.market.moment import parse_moment as at
from klineboard.simulator import RecordedMarket, Simulator, read_recording
from tests.conftest import recorded

from .conftest import Client

FOLDER = "/data/spot/{}/klines/BTCUSDT/1h/BTCUSDT-1h-{}.zip"
DAY_FILE = FOLDER.format("daily", "2024-05-30")


def lines_of(body: bytes) -> list[list[str]]:
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        (name,) = archive.namelist()
        text = archive.read(name).decode()
    return [line.split(",") for line in text.splitlines()]


def test_a_day_is_the_candles_of_rest_and_its_checksum_holds(client: Client) -> None:
    answer = client.get(DAY_FILE)
    lines = lines_of(answer.content)
    start = at("2024-05-30")
    rows = client.klines(symbol="BTCUSDT", interval="1h", startTime=start, limit=24)
    assert lines == [[str(value) for value in row] for row in rows]
    checksum = client.get(f"{DAY_FILE}.CHECKSUM").text
    digest = hashlib.sha256(answer.content).hexdigest()
    assert checksum == f"{digest}  BTCUSDT-1h-2024-05-30.zip\n"
    assert answer.headers["X-Market-Origin"] == "simulated"


def test_files_cost_no_weight(client: Client, simulator: Simulator) -> None:
    used = simulator.limits.used
    client.get(DAY_FILE)
    assert simulator.limits.used == used


def test_files_are_published_some_hours_after_their_end(
    client: Client, simulator: Simulator
) -> None:
    month = FOLDER.format("monthly", "2024-05")
    end = at("2024-06-01")
    simulator.archive.lag = HOUR
    for now, status in ((end, 404), (end + HOUR - 1, 404), (end + HOUR, 200)):
        simulator.clock.set(now)
        assert client.get(month).status_code == status
        assert client.get(f"{month}.CHECKSUM").status_code == status


@pytest.mark.parametrize(
    "path",
    [
        FOLDER.format("daily", "2024-05"),
        FOLDER.format("monthly", "2024-05-30"),
        FOLDER.format("monthly", "2024-13"),
        FOLDER.format("monthly", "2012-01"),
        DAY_FILE.replace("BTCUSDT", "NOPE"),
        DAY_FILE.replace("1h", "7h"),
        "/data/spot/",
        f"{DAY_FILE}.CHECKSUM.CHECKSUM",
    ],
)
def test_what_there_is_not_is_404(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404


def test_times_are_microseconds_from_2025_on(
    client: Client, simulator: Simulator
) -> None:
    simulator.clock.set(at("2025-01-03"))
    before = lines_of(client.get(FOLDER.format("daily", "2024-12-31")).content)
    after = lines_of(client.get(FOLDER.format("daily", "2025-01-01")).content)
    assert before[-1][6] == "1735689599999"
    assert after[0][0] == "1735689600000000"
    assert after[0][6] == "1735693199999999"


def test_what_is_corrected_is_issued_anew(client: Client, simulator: Simulator) -> None:
    before = client.get(f"{DAY_FILE}.CHECKSUM").text
    assert client.get(f"{DAY_FILE}.CHECKSUM").text == before
    simulator.tampering.correct(
        "BTCUSDT", "1h", at("2024-05-30T05:00"), number_of_trades=7
    )
    assert client.get(f"{DAY_FILE}.CHECKSUM").text != before
    assert lines_of(client.get(DAY_FILE).content)[5][8] == "7"
    simulator.tampering.take_back()
    assert client.get(f"{DAY_FILE}.CHECKSUM").text == before


@pytest.mark.parametrize("kind", ["reissue", "header", "lacking", "other_symbol"])
def test_an_odd_file_has_a_checksum_that_holds(
    client: Client, simulator: Simulator, kind: str
) -> None:
    usual = client.get(DAY_FILE).content
    simulator.faults.add(kind=kind, path=DAY_FILE, count=2)
    checksum = client.get(f"{DAY_FILE}.CHECKSUM").text
    odd = client.get(DAY_FILE).content
    assert odd != usual
    assert checksum.split()[0] == hashlib.sha256(odd).hexdigest()
    assert client.get(DAY_FILE).content == usual


def test_a_recorded_month_comes_out_as_it_was_recorded() -> None:
    path = recorded("binance-spot-BTCUSDT-1d-2018-2025.csv.gz")
    market = RecordedMarket([read_recording(path)])
    with Simulator(market=market, now=at("2025-12-01"), speed=0) as simulator:
        client = Client(simulator.url)
        file = FOLDER.format("monthly", "2025-01").replace("1h", "1d")
        lines = lines_of(client.get(file).content)
        client.close()
    text = gzip.decompress(path.read_bytes()).decode()
    assert [",".join(line) for line in lines] == [
        line
        for line in text.splitlines()
        if "1735689600000000" <= line[:16] < "1738368000000000"
    ]
