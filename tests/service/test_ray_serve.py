"""The same service under Ray Serve: a real Ray of this machine, one deployment, requests from outside."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from mep3m.errors import SettingsError
from tests.conftest import ROOT

pytest.importorskip("ray.serve", reason="pip install 'mep3m[ray-serve]'", exc_type=ImportError)

QUESTION = {"products": [{"title": "红富士苹果"}], "min_confidence": 0}
#: `serve run` without its fixed port: other tests may run beside this one
SCRIPT = """
import sys, time
import ray
from ray import serve
from examples.service.ray_serve import application
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
serve.run(application({"run": sys.argv[2], "shared": sys.argv[3], "replicas": "1"}), route_prefix="/")
print("deployed", flush=True)
sys.stdin.read()
serve.shutdown()
ray.shutdown()
"""


@pytest.fixture
def url(run_folder: Path, tmp_path: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", SCRIPT, str(port), str(run_folder), str(tmp_path)]
    server = subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0"},
    )  # fmt: skip
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        for line in server.stdout:
            if "deployed" in line:
                break
        yield f"http://127.0.0.1:{port}"
    finally:
        server.stdin.close()
        server.wait(60)


@pytest.mark.timeout(240)
def test_a_replica_answers_as_the_service_does(url: str) -> None:
    told = httpx.post(f"{url}/assign", json=QUESTION, timeout=60)
    assert told.status_code == 200, told.text
    assert told.json()[0]["names"] == ["食品", "苹果"]
    ready = httpx.get(f"{url}/ready", timeout=60).json()
    assert told.headers["x-mep3m-version"] == ready["version"]
    assert httpx.post(f"{url}/assign", json={"products": []}, timeout=60).status_code == 422
    large = httpx.post(f"{url}/assign", content=b" " * (33 * 2**20), timeout=60)
    assert large.status_code == 413
    began = time.monotonic()
    with httpx.Client() as client:
        assert {client.post(f"{url}/assign", json=QUESTION, timeout=60).status_code for _ in range(20)} == {
            200
        }
    assert time.monotonic() - began < 60


def test_a_name_that_is_no_setting_is_refused(run_folder: Path) -> None:
    from examples.service.ray_serve import application

    with pytest.raises(SettingsError, match=r"promis.*did you mean 'promise'"):
        application({"run": str(run_folder), "promis": "p.json"})
