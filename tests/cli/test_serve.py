"""`mep3m serve` as a process: where it listens, what it says, how it ends."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.runner import ran
from tests.cli.test_flow import COLUMNS, write_table
from tests.processes import kill_group


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("serve")
    table = write_table(folder / "items.csv", 60)
    assert ran("train", table, *COLUMNS, "--out", folder / "run", "--set", "epochs=2").code == 0
    return folder / "run"


@contextmanager
def serving(run: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start a server, wait for its first line, and end it whatever happens."""
    command = [sys.executable, "-m", "mep3m", "serve", str(run), *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stderr is not None
        yield process, process.stderr.readline()
    finally:
        kill_group(process)
        if process.stderr is not None:
            process.stderr.close()


def test_a_free_port_is_taken_and_told_and_ctrl_c_ends_it(run: Path) -> None:
    with serving(run, "--port", "0") as (process, said):
        found = re.search(r"serving .*run at (http://127\.0\.0\.1:\d+)$", said.strip())
        assert found is not None
        assert httpx.get(f"{found[1]}/health", timeout=100).json()["status"] == "ok"
        question = {"products": [{"title": "tea leaf"}], "min_confidence": 0}
        assert httpx.post(f"{found[1]}/assign", json=question, timeout=100).json()[0]["path"] == [
            "food",
            "tea",
        ]
        process.send_signal(signal.SIGINT)
        assert process.wait(100) in (0, 130)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


def test_another_address_is_listened_on(run: Path) -> None:
    with serving(run, "--port", "0", "--host", "127.0.0.2") as (_, said):
        url = re.search(r"http://127\.0\.0\.2:\d+", said)
        assert url is not None
        assert httpx.get(f"{url[0]}/health", timeout=100).status_code == 200


def test_a_port_that_is_taken_is_said_in_one_line(run: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        found = ran("serve", run, "--port", other.getsockname()[1])
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert "(Address already in use); choose another --host or --port" in found.err


@pytest.mark.parametrize("host", ["192.0.2.1", "no-such-host.invalid"])
def test_an_address_that_is_not_of_this_machine_is_said_in_one_line(run: Path, host: str) -> None:
    found = ran("serve", run, "--host", host, "--port", "0")
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert found.err.startswith(f"error: cannot listen on {host}:0 (")


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_is_refused(run: Path, port: str) -> None:
    found = ran("serve", run, "--port", port)
    assert found.code == 2
    assert "--port" in found.err
