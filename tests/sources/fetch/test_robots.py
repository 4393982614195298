"""robots.txt: asked for once, kept to, and what counts where it cannot be had (RFC 9309)."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx
import pytest

from mep3m.errors import FormatError
from mep3m.settings.sources import FetchSettings
from mep3m.sources.fetch import robots
from mep3m.sources.fetch.robots import ROBOTS_BYTES, Robots

#: status and body of an answer, or the error instead of one
Answer = tuple[int, bytes] | Exception


class Site(httpx.AsyncBaseTransport):
    """One answer for every request, streamed as the network does it; `asked` are the addresses."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url))
        if isinstance(self.answer, Exception):
            raise self.answer
        return httpx.Response(self.answer[0], stream=Body(self.answer[1]))


class Body(httpx.AsyncByteStream):
    def __init__(self, content: bytes) -> None:
        self.content = content

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.content), 4096):
            yield self.content[start : start + 4096]


def ask(
    answer: Answer, *urls: str, together: bool = False, **settings: object
) -> tuple[list[str | None], list[str]]:
    """Return for each URL why it is refused (`None`: it is not), and the addresses that were asked for."""
    site = Site(answer)

    async def one(permissions: Robots, url: str) -> str | None:
        try:
            await permissions.permit(httpx.URL(url))
        except FormatError as error:
            return str(error)
        return None

    async def every() -> list[str | None]:
        async with httpx.AsyncClient(transport=site) as client:
            permissions = Robots(client, FetchSettings.model_validate({"agent": "mep3m", **settings}))
            if together:
                return list(await asyncio.gather(*(one(permissions, url) for url in urls)))
            return [await one(permissions, url) for url in urls]

    return asyncio.run(every()), site.asked


def text(content: str, status: int = 200) -> Answer:
    return status, content.encode()


FORBIDDEN = "the site's robots.txt forbids this address"


def test_rules_are_kept_and_asked_for_once_a_site() -> None:
    rules = text("User-agent: *\nDisallow: /private/\nAllow: /private/open\n")
    urls = ["http://a/x", "http://a/private/y", "http://a/private/open", "http://b/x", "http://a:81/x"]
    refused, asked = ask(rules, *urls)
    assert refused == [None, FORBIDDEN, None, None, None]
    assert asked == ["http://a/robots.txt", "http://b/robots.txt", "http://a:81/robots.txt"]


def test_many_requests_at_once_ask_once() -> None:
    _, asked = ask(text(""), *[f"http://a/{n}" for n in range(20)], together=True)
    assert asked == ["http://a/robots.txt"]


def test_rules_for_our_own_name_count_before_those_for_all() -> None:
    rules = text("User-agent: mep3m\nDisallow: /ours/\n\nUser-agent: *\nDisallow: /\n")
    assert ask(rules, "http://a/ours/x", "http://a/x")[0] == [FORBIDDEN, None]
    assert ask(rules, "http://a/ours/x", "http://a/x", agent="other")[0] == [FORBIDDEN, FORBIDDEN]


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 429])
def test_without_a_robots_txt_everything_is_allowed(status: int) -> None:
    assert ask(text("User-agent: *\nDisallow: /", status), "http://a/x")[0] == [None]


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_site_in_trouble_is_left_alone(status: int) -> None:
    refused, asked = ask(text("", status), "http://a/x", "http://a/y")
    assert refused == [f"the site's robots.txt cannot be read (status {status})"] * 2
    assert len(asked) == 1


def test_a_site_that_does_not_answer_is_asked_for_the_image_itself() -> None:
    assert ask(httpx.ConnectError("no route"), "http://a/x")[0] == [None]


def test_set_aside_nothing_is_asked() -> None:
    assert ask(text("User-agent: *\nDisallow: /"), "http://a/x", robots=False) == ([None], [])


def test_the_pace_of_a_site_is_kept() -> None:
    began = time.monotonic()
    refused, _ = ask(
        text("User-agent: *\nCrawl-delay: 0.15\n"), *[f"http://a/{n}" for n in range(4)], together=True
    )
    assert refused == [None] * 4
    assert 0.45 <= time.monotonic() - began < 3


def test_no_site_can_ask_for_a_wait_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(robots, "LONGEST_DELAY", 0.1)
    began = time.monotonic()
    ask(text("User-agent: *\nCrawl-delay: 86400\n"), "http://a/1", "http://a/2")
    assert time.monotonic() - began < 3


def test_of_an_endless_robots_txt_the_beginning_counts() -> None:
    lines = "Disallow: /a\n" * (ROBOTS_BYTES // 13)
    assert ask(text(f"User-agent: *\n{lines}Disallow: /late\n"), "http://a/a", "http://a/late")[0] == [
        FORBIDDEN,
        None,
    ]


@pytest.mark.parametrize(
    "content", ["\x00\x01", "Disallow: /", "User-agent\n:::\nCrawl-delay: soon\n", "<html>"]
)
def test_nonsense_is_no_rule(content: str) -> None:
    assert ask(text(content), "http://a/x")[0] == [None]


def test_bytes_that_are_no_text_are_no_reason_to_stop() -> None:
    content = b"User-agent: *\nDisallow: /\xff\xfe\nDisallow: /private\n"
    refused, _ = ask((200, content), "http://a/private", "http://a/x")
    assert refused == [FORBIDDEN, None]
