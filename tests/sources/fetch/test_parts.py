"""What fetching remembers and asks for: notes beside the images, the rest of a body, how long to wait."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import FormatError
from mep3m.settings.sources import FetchSettings, ImageLimits
from mep3m.sources.fetch.client import Fetcher, Notes, Partial, TryAgainError, _retry_after
from mep3m.store.images import ContentImages


@given(st.dictionaries(st.text(max_size=12), st.binary(max_size=20), max_size=5))
def test_a_url_gives_what_it_gave_before(
    tmp_path_factory: pytest.TempPathFactory, answers: dict[str, bytes]
) -> None:
    notes = Notes(tmp_path_factory.mktemp("n"))
    for url, content in answers.items():
        notes.add(url, content)
    assert {url: notes.find(url) for url in answers} == answers
    assert notes.find("http://never/") is None


def test_a_failure_is_not_noted_and_a_damaged_image_is_not_believed(tmp_path: Path) -> None:
    notes = Notes(tmp_path)
    notes.add("http://a/1", FormatError("404"))
    assert notes.find("http://a/1") is None
    notes.add("http://a/1", b"image")
    key = ContentImages(tmp_path).put(b"image")
    ContentImages(tmp_path).file(key).write_bytes(b"imag")
    assert notes.find("http://a/1") is None
    ContentImages(tmp_path).file(key).unlink()
    assert notes.find("http://a/1") is None


def test_the_rest_is_asked_for_only_with_a_mark() -> None:
    assert Partial().headers() == {}
    assert Partial(bytearray(b"abc")).headers() == {}
    assert Partial(bytearray(), '"v1"').headers() == {}
    assert Partial(bytearray(b"abc"), '"v1"').headers() == {"Range": "bytes=3-", "If-Range": '"v1"'}


def answer(status: int, **headers: str) -> httpx.Response:
    sent = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return httpx.Response(status, headers=sent)


@pytest.mark.parametrize(
    ("value", "seconds"), [("0", 0), ("7", 7), ("", None), ("soon", None), ("-3", None), ("²", None)]
)
def test_a_wait_in_seconds_is_read(value: str, seconds: float | None) -> None:
    assert _retry_after(answer(429, Retry_After=value)) == seconds


def test_a_wait_until_a_date_is_read_and_never_negative() -> None:
    for shift in (30, -30):
        moment = datetime.now(UTC) + timedelta(seconds=shift)
        found = _retry_after(answer(503, Retry_After=format_datetime(moment, usegmt=True)))
        assert found is not None
        assert max(0, shift - 3) <= found <= max(0, shift + 3)
    assert time.time() > 0


@pytest.fixture
def fetcher() -> Fetcher:
    return Fetcher(httpx.AsyncClient(), FetchSettings(enabled=True), ImageLimits(max_bytes=100))


def test_the_head_of_an_answer_decides_whether_its_body_is_read(fetcher: Fetcher) -> None:
    partial = Partial(bytearray(b"old"))
    fetcher._look(answer(200, Content_Type="image/png", Content_Length="50", ETag='"v2"'), partial)
    assert (bytes(partial.content), partial.mark) == (b"", '"v2"')


@pytest.mark.parametrize(
    ("headers", "mark"),
    [
        ({"ETag": '"v1"', "Last_Modified": "Mon"}, '"v1"'),
        ({"ETag": 'W/"v1"', "Last_Modified": "Mon"}, "Mon"),  # a weak tag says nothing about bytes
        ({"ETag": 'W/"v1"'}, None),
        ({}, None),
    ],
)
def test_only_a_strong_mark_lets_a_transfer_go_on(
    fetcher: Fetcher, headers: dict[str, str], mark: str | None
) -> None:
    partial = Partial()
    fetcher._look(answer(200, **headers), partial)
    assert partial.mark == mark


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (404, {}, "HTTP status 404"),
        (301, {}, "HTTP status 301"),  # a redirect to nowhere
        (200, {"Content_Type": "text/html; charset=utf-8"}, "the answer is text/html, not an image"),
        (200, {"Content_Encoding": "br"}, "the answer is packed"),
        (200, {"Content_Length": "101"}, "more than 100 bytes"),
    ],
)
def test_an_answer_that_is_of_no_use_is_refused_by_its_head(
    fetcher: Fetcher, status: int, headers: dict[str, str], reason: str
) -> None:
    with pytest.raises(FormatError, match=reason):
        fetcher._look(answer(status, **headers), Partial())


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 416])
def test_an_answer_that_may_be_another_next_time_is_tried_again(fetcher: Fetcher, status: int) -> None:
    with pytest.raises(TryAgainError):
        fetcher._look(answer(status), Partial(bytearray(b"abc"), '"v1"'))


def test_a_part_that_begins_elsewhere_is_not_put_behind_what_is_there(fetcher: Fetcher) -> None:
    partial = Partial(bytearray(b"abc"), '"v1"')
    fetcher._look(answer(206, Content_Range="bytes 3-9/10"), partial)
    assert bytes(partial.content) == b"abc"
    with pytest.raises(TryAgainError, match="lost its place"):
        fetcher._look(answer(206, Content_Range="bytes 5-9/10"), partial)
    assert bytes(partial.content) == b""


@pytest.mark.parametrize(
    "url", ["ftp://a/x", "file:///etc/passwd", "javascript:1", "http://", "nothing", "http://[::1"]
)
def test_only_addresses_of_the_web_are_asked_for(fetcher: Fetcher, url: str) -> None:
    with pytest.raises(FormatError, match=r"not fetched|not a valid address"):
        fetcher._checked(url)
    assert fetcher._checked("https://a.example/图.jpg").host == "a.example"
