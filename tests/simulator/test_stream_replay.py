"""Recorded frames, told again."""

from __future__ import annotations

import gzip
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from klineboard.market.interval import MINUTE
from klineboard.simulator import BentClock, Simulator
from klineboard.simulator.stream_recording import StreamRecording, read_frames

from .listening import closings, heard, listening


def replayed(path: Path, stream: str, count: int) -> list[dict[str, Any]]:
    """Return the first events that a stream tells of a recording."""
    recording = StreamRecording(read_frames(path))
    clock = BentClock(recording.begin, speed=0)
    with (
        Simulator(clock=clock, recording=recording, lifetime=1 << 60) as simulator,
        listening(simulator, stream) as connection,
    ):
        clock.advance(10 * MINUTE)
        return heard(connection, count)


def data_of(path: Path) -> list[dict[str, Any]]:
    """Return the events of a file, without their frames."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        frames = [json.loads(line) for line in file]
    return [frame.get("data", frame) for frame in frames]


def test_raw_frames_come_back_as_they_were(recorded: Path) -> None:
    path = recorded / "streams/binance-spot-BTCUSDT-kline_5m-2021-09-14.jsonl"
    frames = data_of(path)
    assert replayed(path, "btcusdt@kline_5m", len(frames)) == frames


def test_combined_frames_come_back_on_their_own_streams(recorded: Path) -> None:
    path = recorded / "streams/binance-spot-kline_1m-frames-2021_2023.jsonl"
    busd = [one for one in data_of(path) if one["s"] == "BUSDTRY"]
    assert busd
    assert replayed(path, "busdtry@kline_1m", len(busd)) == busd


def test_recorded_trades_come_back_whole(recorded: Path) -> None:
    path = recorded / "streams/binance-spot-BTCUSDT-trade-2024-08-08_09.jsonl.gz"
    events = replayed(path, "btcusdt@trade", 15_000)
    assert events == data_of(path)[:15_000]
    assert sum(Decimal(event["q"]) for event in events) > 0


def frame(time: int, **fields: Any) -> str:
    trade = {"e": "trade", "E": time, "s": "XYZUSDT", "t": time, "p": "1", "q": "2"}
    return json.dumps({**trade, "T": time, "m": True, "M": True, **fields})


def test_frames_come_at_the_times_that_they_say(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text("\n".join([frame(1_000), "", frame(5_000), frame(3_000)]))
    recording = StreamRecording(read_frames(path))
    assert recording.begin == 999
    feed = recording.feed("xyzusdt@trade")
    assert feed is not None
    assert [one.time for one in feed.due(999, 4_000, 4_000)] == [1_000, 3_000]
    assert [one.time for one in feed.due(4_000, 9_000, 9_000)] == [5_000]


def test_words_that_are_no_events_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    words = ['{"result":null,"id":1}', '{"e":"serverShutdown","E":7}', "[]", "3"]
    path.write_text("\n".join([*words, frame(1_000, s=None), frame(2_000)]))
    assert [event.time for event in read_frames(path)] == [2_000]


def test_a_line_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text(frame(1_000) + "\n{\n")
    with pytest.raises(ValueError, match="frames.jsonl, line 2"):
        read_frames(path)


def test_other_streams_stay_simulated(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    path.write_text(frame(1_717_245_300_000) + "\n")
    recording = StreamRecording(read_frames(path))
    clock = BentClock(recording.begin, speed=0)
    with (
        Simulator(clock=clock, recording=recording) as simulator,
        listening(simulator, "ethusdt@kline_1m") as connection,
    ):
        clock.advance(MINUTE)
        assert closings(connection, 1)[0]["s"] == "ETHUSDT"
