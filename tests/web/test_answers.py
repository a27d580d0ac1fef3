"""The cache of ready bodies."""

from __future__ import annotations

import gzip

import pytest

from klineboard.web.answers import Body, BodyCache, compress, to_json


def test_a_kept_body_comes_back() -> None:
    cache = BodyCache()
    body = Body(b"a", b"b")
    cache.keep("key", body)
    assert cache.get("key") == body
    assert cache.get("other") is None


def test_what_is_not_used_makes_room() -> None:
    cache = BodyCache()
    cache.keep("used", Body(b"", b""))
    cache.keep("unused", Body(b"", b""))
    for number in range(127):
        cache.get("used")
        cache.keep(str(number), Body(b"", b""))
    assert cache.get("used") is not None
    assert cache.get("unused") is None


def test_large_bodies_make_room_too() -> None:
    cache = BodyCache()
    large = Body(b"x" * 10_000_000, b"")
    for name in "abc":
        cache.keep(name, large)
    assert [cache.get(name) is not None for name in "abc"] == [False, True, True]


def test_a_body_kept_twice_counts_once() -> None:
    cache = BodyCache()
    large = Body(b"x" * 10_000_000, b"")
    for _ in range(5):
        cache.keep("same", large)
    cache.keep("other", large)
    assert cache.get("same") is not None


def test_compressed_is_gzip() -> None:
    assert gzip.decompress(compress(b"candles" * 99)) == b"candles" * 99


def test_json_is_compact_and_keeps_letters() -> None:
    assert to_json({"a": [1, "币"]}) == '{"a":[1,"币"]}'.encode()


def test_json_has_no_words_of_its_own() -> None:
    with pytest.raises(ValueError, match="Out of range"):
        to_json(float("nan"))
