"""What stands before a desk in a process of its own: slow, large and idle clients keep nobody out."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from mep3m.desk.accounts.registry import opened as accounts
from mep3m.service.settings import ServiceLimits
from tests.desk.opened import Opened, csrf_of, desk_on, opened, sign_in

SECRET = "correct horse"
BODY = ServiceLimits().body
#: a form, JSON, an upload, a question of a program: whatever a desk takes in
TAKERS = [
    ("/login", "application/x-www-form-urlencoded"),
    ("/try", "multipart/form-data; boundary=x"),
    ("/watch/undo", "application/x-www-form-urlencoded"),
    ("/review/decide", "application/json"),
    ("/assign", "application/json"),
]
KINDS = [kind for _, kind in TAKERS[:2]] + ["application/json", "text/plain", "image/png"]


@pytest.fixture(scope="module")
def desk(filed_once: Path) -> Iterator[Opened]:
    with opened(filed_once) as running:
        yield running


def connected(desk: Opened) -> socket.socket:
    return socket.create_connection(("127.0.0.1", int(desk.url.rpartition(":")[2])), timeout=30)


def head(path: str, kind: str, length: int | str, *more: str) -> bytes:
    lines = (
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Content-Type: {kind}",
        f"Content-Length: {length}",
        *more,
    )
    return "\r\n".join((*lines, "", "")).encode()


def answer(connection: socket.socket) -> tuple[int, bytes]:
    """Return the status, and all that came until the server hung up."""
    found = b""
    while piece := connection.recv(65536):
        found += piece
    return int(found.split()[1]), found


@pytest.mark.parametrize(("path", "kind"), TAKERS)
@pytest.mark.parametrize("length", [BODY + 1, 2**45])
def test_what_is_announced_too_large_is_not_read(desk: Opened, path: str, kind: str, length: int) -> None:
    with connected(desk) as connection:
        connection.sendall(head(path, kind, length))
        status, said = answer(connection)
    assert status == 413
    assert f"{BODY:,} bytes".encode() in said
    assert b"content-security-policy" in said.lower()


@pytest.mark.parametrize(("path", "kind"), TAKERS)
def test_a_thousand_fields_and_half_a_form_are_refused_and_the_next_answered(
    desk: Opened, path: str, kind: str
) -> None:
    floods = (
        b"&".join(b"%d=x" % n for n in range(5000)),
        b"[" * 200_000,
        b"--x\r\n" * 5000,
        b"\x00\xff" * 5000,
    )
    with httpx.Client(base_url=desk.url, timeout=30) as client:
        for flood in floods:
            told = client.post(path, content=flood, headers={"content-type": kind})
            assert 400 <= told.status_code < 500, (told.status_code, flood[:10])
            assert "Traceback" not in told.text
        assert client.get("/health").status_code == 200


@pytest.mark.parametrize("kind", KINDS)
def test_the_body_of_another_kind_is_never_a_failure(desk: Opened, kind: str) -> None:
    with httpx.Client(base_url=desk.url, timeout=30) as client:
        for path, _ in TAKERS:
            told = client.post(path, content=b'{"name": ["anna"]}', headers={"content-type": kind})
            assert 400 <= told.status_code < 500, (path, told.status_code)


def test_a_thousand_idle_connections_keep_nobody_out(desk: Opened) -> None:
    idle = [connected(desk) for _ in range(1000)]
    try:
        for number, connection in enumerate(idle[::2]):
            path, kind = TAKERS[number % len(TAKERS)]
            connection.sendall(
                head(path, kind, 1000) + b"{" if number % 2 else b"GET / HTTP/1.1\r\nHost: x\r\n"
            )
        began = time.monotonic()
        with httpx.Client(base_url=desk.url, timeout=30, headers={"accept": "text/html"}) as client:
            for page in ("/", "/watch", "/try", "/health"):
                assert client.get(page).status_code == 200
        assert time.monotonic() - began < 15
    finally:
        for connection in idle:
            connection.close()


def test_who_hangs_up_in_the_middle_of_an_upload_leaves_a_desk_that_answers(desk: Opened) -> None:
    def hang_up(number: int) -> None:
        with connected(desk) as connection:
            connection.sendall(head("/try", "multipart/form-data; boundary=x", 2**20) + b"y" * (number * 997))

    with ThreadPoolExecutor(8) as clients:
        list(clients.map(hang_up, range(60)))
    assert httpx.get(f"{desk.url}/health", timeout=30).status_code == 200
    assert desk.process.poll() is None


def test_reading_and_asking_go_on_while_others_send_slowly(desk: Opened) -> None:
    done = threading.Event()

    def drip() -> None:
        with connected(desk) as connection:
            connection.sendall(head("/login", "application/x-www-form-urlencoded", 10_000))
            while not done.wait(0.02):
                connection.sendall(b"a")

    slow = [threading.Thread(target=drip) for _ in range(40)]
    for thread in slow:
        thread.start()
    try:
        ask = {"products": [{"title": "耳机 3"}]}
        for _ in range(10):
            assert httpx.post(f"{desk.url}/assign", json=ask, timeout=30).status_code == 200
    finally:
        done.set()
        for thread in slow:
            thread.join()


def test_a_slow_body_is_not_waited_for_and_nothing_of_it_counts(filed_folder: Path) -> None:
    with accounts(filed_folder) as people:
        people.add("eve", "admin", SECRET, "2026-01-01")
    form = b"name=eve&password=correct+horse"
    with opened(filed_folder, seconds=0.5) as desk:
        for path, kind in TAKERS:
            with connected(desk) as connection:
                connection.sendall(head(path, kind, len(form) + 1) + form)  # all but the last byte
                status, said = answer(connection)
            assert (status, b"within 0.5 seconds" in said, b"mep3m_session" in said) == (408, True, False)
        with connected(desk) as connection:
            connection.sendall(head(*TAKERS[0], len(form), "Connection: close") + form)
            assert answer(connection)[0] == 303


def test_what_is_read_for_all_together_is_given_back(filed_folder: Path) -> None:
    with accounts(filed_folder) as people:
        people.add("eve", "admin", SECRET, "2026-01-01")
    with desk_on(filed_folder, limits=ServiceLimits(waiting_bytes=2000)) as desk:
        sign_in(desk, "eve", SECRET)
        form = {"csrf": csrf_of(desk, "/try"), "title": "耳机"}
        for _ in range(20):
            assert desk.post("/try", data=form).status_code == 200
        refused = desk.post("/try", data={**form, "title": "a" * 3000})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert desk.post("/try", data=form).status_code == 200
