"""One address, one process or several: addresses, signals, a worker that dies, numbers that add up."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from mep3m.errors import UsageError
from mep3m.service.keys import add_key
from mep3m.service.workers import listen
from tests.service.clients import started

QUESTION = {"products": [{"title": "红富士苹果"}], "min_confidence": 0}


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_an_address_for_others_needs_keys(host: str) -> None:
    with pytest.raises(UsageError, match="can be reached from other machines: make keys"):
        listen(host, 0, guarded=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_an_address_of_this_machine_does_not(host: str) -> None:
    listen(host, 0, guarded=False).close()


def test_keys_that_cannot_be_read_stop_the_start(run_folder: Path, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{}")
    command = [sys.executable, "-m", "mep3m", "serve", str(run_folder), "--port", "0"]
    command += ["--keys", str(tmp_path / "keys.json")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "holds no keys" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said() -> None:
    first = listen("127.0.0.1", 0, guarded=False)
    with pytest.raises(UsageError, match="choose another --host or --port"):
        listen("127.0.0.1", first.getsockname()[1], guarded=False)
    first.close()


def test_the_command_refuses_an_open_address(run_folder: Path) -> None:
    command = [sys.executable, "-m", "mep3m", "serve", str(run_folder), "--host", "0.0.0.0", "--port", "0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 2
    assert "mep3m keys add" in done.stderr
    assert "Traceback" not in done.stderr


def test_workers_share_the_address_the_numbers_and_the_quota(run_folder: Path, tmp_path: Path) -> None:
    secret = add_key(tmp_path / "keys.json", "shop", ["admin"], per_minute=1000)
    headers = {"X-API-Key": secret}

    def ask(url: str) -> int:
        return httpx.post(f"{url}/assign", json=QUESTION, headers=headers, timeout=60).status_code

    with started(run_folder, "--keys", str(tmp_path / "keys.json"), workers=2) as url:
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(ask, [url] * 60)) == {200}
        numbers = httpx.get(f"{url}/metrics", headers=headers).text
        assert 'mep3m_products_total{decision="filed"} 60.0' in numbers
        assert re.search(r"mep3m_batch_requests_sum \d+", numbers)


def test_a_worker_that_is_killed_is_started_again(run_folder: Path) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    with started(run_folder, workers=2) as url:
        workers = [
            child
            for child in psutil.Process().children(recursive=True)
            if child.pid not in before and "spawn_main" in " ".join(child.cmdline())
        ]
        assert len(workers) == 2
        workers[0].kill()
        answered = 0
        for _ in range(100):
            try:
                answered += httpx.post(f"{url}/assign", json=QUESTION, timeout=30).status_code == 200
            except httpx.TransportError:  # what the killed one had accepted is lost with it
                time.sleep(0.1)
        assert answered >= 95


def test_a_signal_to_stop_lets_answers_end(run_folder: Path) -> None:
    command = [sys.executable, "-m", "mep3m", "serve", str(run_folder), "--port", "0"]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    url = re.findall(r"http://\S+", server.stderr.readline())[0]
    threading.Thread(target=server.stderr.read, daemon=True).start()
    body = json.dumps({"products": [{"title": f"红富士苹果 {n}"} for n in range(1000)]}).encode()
    head = (
        f"POST /assign HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
    )
    address = ("127.0.0.1", int(url.rpartition(":")[2]))
    asking = [socket.create_connection(address, timeout=60) for _ in range(4)]
    for connection in asking:
        connection.sendall(head.encode() + b"\r\n\r\n" + body[:1000])
    while "mep3m_waiting_bytes 4000.0" not in httpx.get(f"{url}/metrics", timeout=60).text:
        time.sleep(0.1)
    os.kill(server.pid, signal.SIGTERM)
    time.sleep(0.3)
    for connection in asking:
        connection.sendall(body[1000:])
    assert {connection.recv(100).split()[1] for connection in asking} == {b"200"}
    for connection in asking:
        connection.close()
    assert server.wait(40) in (0, -signal.SIGTERM)


def test_the_parent_of_several_workers_holds_no_model(run_folder: Path) -> None:
    """Each worker reads the run; a process that only starts them again need not even compute."""

    def computes(process: psutil.Process) -> bool:
        return any("llvmlite" in one.path for one in process.memory_maps())

    before = set(psutil.Process().children())
    with started(run_folder, workers=2):
        (parent,) = set(psutil.Process().children()) - before
        workers = [one for one in parent.children(recursive=True) if "spawn_main" in " ".join(one.cmdline())]
        assert len(workers) == 2
        assert any(map(computes, workers))
        assert not computes(parent)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_that_cannot_be_read_is_said_before_anything_listens(
    run_folder: Path, tmp_path: Path, workers: str
) -> None:
    broken = Path(shutil.copytree(run_folder, tmp_path / "run"))
    (broken / "weights.safetensors").write_bytes(b"damaged")
    command = [sys.executable, "-m", "mep3m", "serve", str(broken), "--port", "0", "--workers", workers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert "weights.safetensors" in done.stderr
    assert "serving" not in done.stderr
    assert "Traceback" not in done.stderr
