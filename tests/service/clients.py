"""A service for tests: in this process with its queue and its watch, or in processes of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from fastapi.testclient import TestClient

from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.run import Run
from mep3m.service.app import create_app
from mep3m.service.settings import ServiceSettings
from mep3m.service.versions import Version


@contextmanager
def serving(
    run: Run, policy: FilingPolicy | None = None, raises: bool = True, **settings: Any
) -> Iterator[TestClient]:
    """Serve an opened run; with `raises`, an error of the service is one of the test."""
    app = create_app(ServiceSettings(run=run.folder, **settings), Version(run, policy, "now"))
    with TestClient(app, raise_server_exceptions=raises) as client:
        yield client


@contextmanager
def started(run: Path, *options: str, workers: int = 1, **limits: float) -> Iterator[str]:
    """Start a server in a process of its own and give its address; `limits` are those of the service."""
    script = (
        "import sys, json; from pathlib import Path; from mep3m.service.app import create_app;"
        "from mep3m.service.workers import listen, run_one; from mep3m.service.settings import *;"
        "s = ServiceSettings(run=Path(sys.argv[1]), limits=ServiceLimits(**json.loads(sys.argv[2])));"
        "l = listen('127.0.0.1', 0, False); app = create_app(s);"
        "print(f'at http://127.0.0.1:{l.getsockname()[1]}', file=sys.stderr, flush=True); run_one(app, l)"
    )
    command = [
        sys.executable,
        "-m",
        "mep3m",
        "serve",
        str(run),
        "--port",
        "0",
        "--workers",
        str(workers),
        *options,
    ]
    if limits:
        command = [sys.executable, "-c", script, str(run), json.dumps(limits)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        found = None
        while found is None:
            line = server.stderr.readline()
            assert line, "the server did not start"
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
        threading.Thread(target=server.stderr.read, daemon=True).start()  # nobody else empties the pipe
        wait_for(found.group())
        yield found.group()
    finally:
        server.terminate()
        server.wait(60)


def wait_for(url: str) -> None:
    """Return when the server answers."""
    for _ in range(300):
        try:
            httpx.get(f"{url}/health", timeout=100)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not start")
