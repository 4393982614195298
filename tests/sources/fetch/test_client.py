"""Fetching from a real server on this machine that misbehaves in every way."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mep3m.errors import FormatError
from mep3m.settings.sources import FetchSettings, ImageLimits
from mep3m.sources.fetch.client import fetch_images
from mep3m.sources.fetch.transport import is_public
from mep3m.store.images import ContentImages
from tests.ingest.shop import picture

IMAGE = picture(3, "PNG", (64, 64)) + bytes(5000)


class Shop(BaseHTTPRequestHandler):
    """Answers each path in its own way; `server.seen` counts requests."""

    protocol_version = "HTTP/1.1"
    robots = "User-agent: *\nDisallow: /private/\n"

    def log_message(self, *args: Any) -> None:
        pass

    def answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", headers.pop("length", str(len(body))))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        server: Any = self.server
        path = self.path
        server.seen[path] += 1
        server.active += 1
        server.busiest = max(server.busiest, server.active)
        try:
            self.respond(path, server.seen[path])
        except (BrokenPipeError, ConnectionResetError):
            pass
        finally:
            server.active -= 1

    def respond(self, path: str, visit: int) -> None:
        if path == "/robots.txt":
            self.answer(200, self.robots.encode(), Content_Type="text/plain")
        elif path.startswith(("/ok", "/private/")):
            time.sleep(0.01)
            self.answer(200, IMAGE, Content_Type="image/png")
        elif path == "/stall":
            time.sleep(1.2)
        elif path == "/drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            for _ in range(30):
                self.wfile.write(b"x")
                self.wfile.flush()
                time.sleep(0.05)
        elif path == "/busy-twice":
            self.answer(429 if visit < 3 else 200, IMAGE if visit > 2 else b"", Retry_After="0")
        elif path == "/down":
            self.answer(503)
        elif path == "/cut":
            self.cut(visit)
        elif path == "/always-cut":
            self.answer(200, IMAGE[:100], length=str(len(IMAGE)))
            self.close_connection = True
        elif path.startswith("/to?"):
            self.answer(302, Location=path.removeprefix("/to?"))
        elif path == "/page":
            self.answer(200, b"<html></html>", Content_Type="text/html; charset=utf-8")
        elif path == "/packed":
            self.answer(200, b"\x1f\x8b", Content_Encoding="gzip")
        elif path == "/huge-claim":
            self.answer(200, b"", length="999999999")
            self.close_connection = True
        elif path == "/endless":
            self.send_response(200)
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            for _ in range(10_000):
                self.wfile.write(bytes(65536))
        elif path == "/nonsense":
            self.wfile.write(b"this is not HTTP\r\n\r\n")
            self.close_connection = True
        else:
            self.answer(404)

    def cut(self, visit: int) -> None:
        """Break off in the middle; give the rest only to who asks for exactly that."""
        wanted = self.headers.get("Range")
        if visit == 1:
            self.answer(200, IMAGE[:2000], length=str(len(IMAGE)), ETag='"v1"')
            self.close_connection = True
        elif wanted and self.headers.get("If-Range") == '"v1"':
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.server.resumed_at = start  # type: ignore[attr-defined]
            place = f"bytes {start}-{len(IMAGE) - 1}/{len(IMAGE)}"
            self.answer(206, IMAGE[start:], Content_Range=place)
        else:
            self.answer(500)


@pytest.fixture
def server() -> Iterator[Any]:
    running = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    running.daemon_threads = True
    running.seen, running.active, running.busiest = Counter(), 0, 0  # type: ignore[attr-defined]
    threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield running
    running.shutdown()
    running.server_close()


def get(server: Any, store: Path, *paths: str, **settings: Any) -> list[bytes | str]:
    base = f"http://127.0.0.1:{server.server_port}"
    urls = [base + path if path.startswith("/") else path for path in paths]
    defaults: dict[str, Any] = {"enabled": True, "allow_private": True, "backoff": 0.0, "timeout": 0.4}
    limits = ImageLimits(max_bytes=200_000)
    found = dict(fetch_images(urls, FetchSettings(**(defaults | settings)), limits, store))
    return [str(found[url]) if isinstance(found[url], FormatError) else found[url] for url in urls]


def test_images_come_whole_and_are_fetched_once(server: Any, tmp_path: Path) -> None:
    paths = [f"/ok{i}" for i in range(30)]
    assert get(server, tmp_path, *paths, *paths[:3], timeout=5) == [IMAGE] * 33
    assert get(server, tmp_path, *paths, timeout=5) == [IMAGE] * 30
    assert all(server.seen[path] == 1 for path in paths)


def test_a_lost_image_is_fetched_again(server: Any, tmp_path: Path) -> None:
    get(server, tmp_path, "/ok", timeout=5)
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix != ".txt":
            path.unlink()
    assert get(server, tmp_path, "/ok", timeout=5) == [IMAGE]
    assert server.seen["/ok"] == 2


def test_a_host_is_not_asked_for_more_than_it_bears(server: Any, tmp_path: Path) -> None:
    get(server, tmp_path, *(f"/ok{i}" for i in range(40)), per_host=3, timeout=5)
    assert server.busiest <= 3


@pytest.mark.parametrize(
    ("path", "reason", "visits"),
    [
        ("/missing", "HTTP status 404 (Not Found)", 1),
        ("/down", "HTTP status 503 (Service Unavailable) (after 3 attempts)", 3),
        ("/stall", "no complete answer within 0.4 seconds (after 3 attempts)", 3),
        ("/drip", "no complete answer within 0.4 seconds (after 3 attempts)", 3),
        ("/always-cut", "the connection failed", 3),
        ("/nonsense", "the connection failed", 3),
        ("/page", "the answer is text/html, not an image", 1),
        ("/packed", "the answer is packed", 1),
        ("/huge-claim", "more than 200,000 bytes", 1),
        ("/endless", "more than 200,000 bytes", 1),
        ("/private/x", "robots.txt forbids", 0),
        ("/to?/to?/to?/to?/ok", "more than 2 redirects", 1),
        ("/to?file:///etc/passwd", "'file:' addresses are not fetched", 1),
        ("/to?http://no-such-host.invalid/x", "the host 'no-such-host.invalid' is not known", 3),
    ],
)
def test_every_failure_has_its_reason(
    server: Any, tmp_path: Path, path: str, reason: str, visits: int
) -> None:
    (found,) = get(server, tmp_path, path, attempts=3, redirects=2)
    assert isinstance(found, str)
    assert any(part in found for part in reason.split("|"))
    assert server.seen[path] == visits


def test_a_busy_server_is_asked_again(server: Any, tmp_path: Path) -> None:
    assert get(server, tmp_path, "/busy-twice") == [IMAGE]
    assert server.seen["/busy-twice"] == 3


def test_a_broken_transfer_goes_on_where_it_stopped(server: Any, tmp_path: Path) -> None:
    assert get(server, tmp_path, "/cut") == [IMAGE]
    assert server.resumed_at == 2000


def test_redirects_are_followed(server: Any, tmp_path: Path) -> None:
    assert get(server, tmp_path, "/to?/ok", timeout=5) == [IMAGE]


def test_robots_can_be_set_aside(server: Any, tmp_path: Path) -> None:
    assert get(server, tmp_path, "/private/x", robots=False, timeout=5) == [IMAGE]


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "127.1", "[::ffff:127.0.0.1]"]
)
def test_the_own_network_is_out_of_reach(server: Any, tmp_path: Path, host: str) -> None:
    url = f"http://{host}:{server.server_port}/ok"
    (found,) = get(server, tmp_path, url, allow_private=False, attempts=1)
    assert isinstance(found, str)
    assert "own network" in found or "connection failed" in found
    assert not server.seen


def test_a_redirect_into_the_own_network_is_refused(
    server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first host passes as public; the redirect names the machine by another address."""
    from mep3m.sources.fetch import transport

    monkeypatch.setattr(transport, "is_public", lambda address: address == "127.0.0.1")
    target = f"/to?http://127.0.0.2:{server.server_port}/ok"
    (found,) = get(server, tmp_path, target, allow_private=False)
    assert "leads to 127.0.0.2, an address of the own network" in str(found)
    assert server.seen["/ok"] == 0


def test_only_named_hosts_and_schemes(server: Any, tmp_path: Path) -> None:
    assert "not among the allowed" in str(get(server, tmp_path, "/ok", hosts=("a.example",))[0])
    assert "only http and https" in str(get(server, tmp_path, "ftp://a.example/x")[0])


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("224.0.0.1", False),
        ("2001:4860:4860::8888", True),
        ("2002:7f00:1::", False),
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b::8.8.8.8", True),
    ],
)
def test_public_addresses(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_content_is_stored_by_hash(server: Any, tmp_path: Path) -> None:
    get(server, tmp_path, "/ok1", "/ok2", timeout=5)
    assert len([p for p in tmp_path.glob("*/*") if p.is_file() and len(p.name) == 64]) == 1
    assert ContentImages(tmp_path).put(IMAGE)
