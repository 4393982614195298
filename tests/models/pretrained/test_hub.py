"""Weights of the hub on a machine that cannot reach it: its cache first, then one short question."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from mep3m.models.pretrained.hub import PATIENCE

#: a network of the hub that is small enough for a test
NAME, REPOSITORY = "test_resnet", "timm/test_resnet.r160_in1k"
COMMIT = "0" * 40
#: what a fresh Python does: the hub's address and cache are read once, when its client is imported
ASK = """
import sys, time
from mep3m.errors import ModelError
from mep3m.models.pretrained.weights import find_weights
from mep3m.settings.network import ImageSettings
began, lines = time.monotonic(), []
try:
    found = find_weights(ImageSettings(backbone=sys.argv[1], pixels=32, weights=sys.argv[2]), lines.append)
    print(found.source if found else None)
except ModelError as error:
    lines.append(str(error))
    print("refused")
print(round(time.monotonic() - began, 1))
print(*lines, sep="\\n", end="")
"""


def ask(
    address: str, home: Path, weights: str = "auto", name: str = NAME, **more: str
) -> tuple[str, float, list[str]]:
    """Return what was found, in how many seconds, and the lines that were said."""
    environment = {"HF_ENDPOINT": address, "HF_HOME": str(home), "TORCH_HOME": str(home), **more}
    command = [sys.executable, "-c", ASK, name, weights]
    done = subprocess.run(
        command, env=clean_environment() | environment, capture_output=True, text=True, check=True
    )
    found, seconds, *lines = done.stdout.splitlines()
    return found, float(seconds), lines


def clean_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}


@contextmanager
def silent() -> Iterator[str]:
    """An address that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def closed() -> str:
    """An address where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"http://127.0.0.1:{port}"


@contextmanager
def failing(status: int) -> Iterator[tuple[str, list[str]]]:
    """A hub that answers everything with one status, and the requests that it got."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            # the hub's client asks for other things of its own accord
            asked.extend([self.path] if "/resolve/" in self.path else [])
            self.send_response(status)
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", asked
        server.shutdown()


@pytest.mark.parametrize("address", ["closed", "silent", "nowhere"])
def test_without_a_network_auto_gives_up_within_seconds_and_says_why(address: str, tmp_path: Path) -> None:
    with silent() as hanging:
        where = {"closed": closed(), "silent": hanging, "nowhere": "http://hub.invalid"}[address]
        found, seconds, lines = ask(where, tmp_path)
    assert found == "None"
    assert seconds < PATIENCE + 3
    assert len(lines) == 1
    assert "the weights of test_resnet cannot be had (not in the hub's cache on this machine" in lines[0]


def test_the_hub_by_name_is_an_error_as_soon(tmp_path: Path) -> None:
    found, seconds, lines = ask(closed(), tmp_path, "hub")
    assert (found, len(lines)) == ("refused", 1)
    assert seconds < PATIENCE + 3
    assert "give a weights file or folder, or weights = packaged with one of" in lines[0]


def test_a_hub_that_is_down_is_asked_once(tmp_path: Path) -> None:
    with failing(503) as (address, asked):
        found, seconds, lines = ask(address, tmp_path)
    assert (found, len(asked), len(lines)) == ("None", 1, 1)
    assert seconds < PATIENCE + 3


@pytest.mark.parametrize("weights", ["auto", "hub"])
@pytest.mark.parametrize("file", ["model.safetensors", "pytorch_model.bin"])
def test_what_the_cache_holds_needs_no_network(weights: str, file: str, tmp_path: Path) -> None:
    folder = tmp_path / "hub" / f"models--{REPOSITORY.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text(COMMIT)
    kept = folder / "snapshots" / COMMIT / file
    kept.parent.mkdir(parents=True)
    state = timm.create_model(NAME).state_dict()
    save_file(state, kept) if file.endswith("safetensors") else torch.save(state, kept)
    with failing(503) as (address, asked):
        found, _, lines = ask(address, tmp_path, weights)
    assert (found, asked, lines) == (REPOSITORY, [], [])


def test_weights_that_have_an_address_of_their_own_are_asked_for_as_briefly(tmp_path: Path) -> None:
    with silent() as hanging:
        config = timm.get_pretrained_cfg("gcvit_xxtiny.in1k")
        assert not config.hf_hub_id
        # a proxy stands between this machine and every address
        found, seconds, lines = ask(closed(), tmp_path, name="gcvit_xxtiny", https_proxy=hanging)
    assert (found, len(lines)) == ("None", 1)
    assert seconds < PATIENCE + 3
