"""A desk for tests: in this process, or in one of its own."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from mep3m.desk.app import create_desk
from mep3m.desk.desk import Desk
from mep3m.desk.settings import DeskSettings
from tests.service.clients import wait_for


@contextmanager
def desk_on(folder: Path, address: str = "http://127.0.0.1", **settings: Any) -> Iterator[TestClient]:
    """Open a desk in this process; what it raises is answered as the server answers it."""
    app = create_desk(Desk.open(DeskSettings(folder=folder, **settings)))
    with TestClient(app, base_url=address, raise_server_exceptions=True, follow_redirects=False) as client:
        client.headers["accept"] = "text/html"
        yield client


def csrf_of(client: TestClient, page: str = "/login") -> str:
    """Return what a form of a page has to say back."""
    found = re.search(r'<meta name="csrf" content="([^"]*)">', client.get(page).text)
    assert found is not None
    return found[1]


def sign_in(client: TestClient, name: str, password: str) -> None:
    """Sign in as a person would, by the form."""
    answer = client.post("/login", data={"name": name, "password": password})
    assert answer.status_code == 303, answer.text


_LIMITED = (
    "import sys, json; from pathlib import Path; from mep3m.desk.app import create_desk;"
    "from mep3m.desk.desk import Desk;"
    "from mep3m.desk.settings import *; from mep3m.service.workers import listen, run_one;"
    "l = listen('127.0.0.1', 0, False); limits = ServiceLimits(**json.loads(sys.argv[2]));"
    "app = create_desk(Desk.open(DeskSettings(folder=Path(sys.argv[1]), limits=limits)));"
    "print(f'at http://127.0.0.1:{l.getsockname()[1]}', file=sys.stderr, flush=True); run_one(app, l)"
)


@dataclass(frozen=True)
class Opened:
    """A desk in a process of its own."""

    url: str
    process: subprocess.Popen[str]


@contextmanager
def opened(folder: Path, *options: str, **limits: float) -> Iterator[Opened]:
    """Start `mep3m desk` and give its address and process; it is ended, if it still runs, afterwards.

    `limits` are those of `ServiceLimits`, which no option of the command sets.
    """
    command = [sys.executable, "-m", "mep3m", "desk", str(folder), "--port", "0", *options]
    if limits:
        command = [sys.executable, "-c", _LIMITED, str(folder), json.dumps(limits)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert server.stderr is not None
    try:
        said: list[str] = []
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", said[-1] if said else "")):
            said.append(server.stderr.readline())
            assert said[-1], f"the desk did not open: {''.join(said)}"
        threading.Thread(target=server.stderr.read, daemon=True).start()  # nobody else empties the pipe
        wait_for(found.group())
        yield Opened(found.group(), server)
    finally:
        server.terminate()
        server.wait(60)
