"""What is refused before anything looks into it, over real connections."""

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mep3m.assignment.run import Run
from mep3m.service.settings import ServiceLimits
from tests.service.clients import serving, started

QUESTION = {"products": [{"title": "苹果"}]}


@pytest.fixture(scope="module")
def port(run_folder: Path) -> Iterator[int]:
    with started(run_folder) as url:
        yield int(url.rpartition(":")[2])


def talk(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send pieces over a connection of our own and return the first line of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        return connection.recv(4096).split(b"\r\n")[0]


def head(length: str) -> bytes:
    lines = (
        "POST /assign HTTP/1.1",
        "Host: x",
        "Content-Type: application/json",
        f"Content-Length: {length}",
    )
    return "\r\n".join((*lines, "", "")).encode()


@pytest.mark.parametrize("length", [str(2**26), str(2**40), "9" * 15])
def test_a_body_that_is_announced_too_large_is_not_read(port: int, length: str) -> None:
    assert talk(port, head(length)).split()[1] == b"413"


def test_a_body_in_pieces_is_not_read_beyond_the_limit(port: int) -> None:
    chunked = head("0").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
    piece = b"100000\r\n" + b" " * 2**20 + b"\r\n"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(chunked)
        try:
            for _ in range(40):
                connection.sendall(piece)
        except (BrokenPipeError, ConnectionResetError):
            return  # it has hung up in the middle
        assert connection.recv(100).split()[1] == b"413"


@pytest.mark.parametrize("line", [b"\x00\x01\r\n\r\n", b"GET\r\n\r\n", b"POST /assign HTTP/9.9\r\n\r\n"])
def test_what_is_no_request_is_refused_and_the_next_answered(port: int, line: bytes) -> None:
    assert talk(port, line).split()[1:2] in ([b"400"], [b"505"])
    assert httpx.post(f"http://127.0.0.1:{port}/assign", json=QUESTION).status_code == 200


def test_a_thousand_idle_connections_keep_nobody_out(port: int) -> None:
    idle = [socket.create_connection(("127.0.0.1", port), timeout=30) for _ in range(1000)]
    try:
        for connection in idle[::2]:
            connection.sendall(b"POST /assign HTTP/1.1\r\nHost: x\r\n")
        assert httpx.post(f"http://127.0.0.1:{port}/assign", json=QUESTION, timeout=30).status_code == 200
    finally:
        for connection in idle:
            connection.close()


def test_a_slow_client_is_not_waited_for(run_folder: Path) -> None:
    with started(run_folder, seconds=0.5) as url:
        port = int(url.rpartition(":")[2])
        began = time.monotonic()
        assert talk(port, head("100") + b"{").split()[1] == b"408"
        assert time.monotonic() - began < 10
        assert httpx.post(f"{url}/assign", json=QUESTION).status_code == 200


def test_what_is_being_read_is_bounded_for_all_together(run_folder: Path) -> None:
    limits = ServiceLimits(waiting_bytes=1000)
    with serving(Run.open(run_folder), limits=limits) as client:
        refused = client.post("/assign", json={"products": [{"title": "a" * 2000}]})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        for _ in range(30):  # what was taken is given back
            assert client.post("/assign", json=QUESTION).status_code == 200


def test_every_answer_is_guarded(run_folder: Path) -> None:
    with serving(Run.open(run_folder)) as client:
        for reply in (
            client.get("/"),
            client.get("/nothing"),
            client.post("/assign", json={}),
            client.get("/docs"),
        ):
            assert reply.headers["x-content-type-options"] == "nosniff"
            assert reply.headers["x-frame-options"] == "DENY"
            inline = "script-src 'self' 'unsafe-inline'" in reply.headers["content-security-policy"]
            assert inline == (reply.request.url.path == "/docs")


def test_each_request_is_a_line_of_the_log_without_what_it_asked(run_folder: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mep3m", "serve", str(run_folder), "--port", "0"]
    with (tmp_path / "log").open("w") as log:
        server = subprocess.Popen(command, stderr=log)
    try:
        url = ""
        while not url:
            time.sleep(0.1)
            url = "".join(re.findall(r"http://127\.0\.0\.1:\d+", (tmp_path / "log").read_text())[:1])
        httpx.post(f"{url}/assign", json={"products": [{"title": "very secret"}]}, timeout=60)
        httpx.get(f"{url}/assign-image?title=secret")
        metrics = httpx.get(f"{url}/metrics").text
    finally:
        server.terminate()
        assert server.wait(30) in (0, -15)
    text = (tmp_path / "log").read_text()
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    assert [(one["method"], one["path"], one["status"]) for one in lines] == [
        ("POST", "/assign", 200), ("GET", "/assign-image", 405), ("GET", "/metrics", 200),
    ]  # fmt: skip
    assert "secret" not in text
    assert 'mep3m_requests_total{path="/assign",status="200"} 1.0' in metrics
    assert 'mep3m_products_total{decision="review"} 1.0' in metrics


@pytest.mark.parametrize("sent", [0, 1, 50])
def test_who_hangs_up_in_the_middle_leaves_nothing_behind(port: int, sent: int) -> None:
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
            connection.sendall(head("100") + b" " * sent)
    url = f"http://127.0.0.1:{port}"
    for _ in range(100):
        if "mep3m_waiting_bytes 0.0" in httpx.get(f"{url}/metrics", timeout=30).text:
            break
        time.sleep(0.1)
    else:
        raise AssertionError("bytes of clients that have gone are still counted")
    assert httpx.post(f"{url}/assign", json=QUESTION, timeout=30).status_code == 200


@pytest.mark.parametrize("length", ["-1", "ten", "1e3", "100, 200"])
def test_a_length_that_is_no_number_is_refused(port: int, length: str) -> None:
    assert talk(port, head(length) + b"{}").split()[1] in (b"400", b"422")
