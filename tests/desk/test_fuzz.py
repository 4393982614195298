"""Whatever a request to the desk holds, it is answered as the description says, and never fails.

`MEP3M_FUZZ=400 python -m pytest tests/desk/test_fuzz.py tests/service/test_fuzz.py` asks thousands.
"""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from mep3m.desk.accounts.registry import opened as accounts
from tests.desk.opened import opened
from tests.service.test_fuzz import EXAMPLES, LEFT_OUT

SECRET = "correct horse"
#: they would end the session, or leave the picture of a store that is not there
PASSED_OVER = "/logout"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("role", ["nobody", "admin"])
def test_every_answer_is_as_described(filed_folder: Path, tmp_path: Path, role: str) -> None:
    with accounts(filed_folder) as people:
        people.add("eve", "admin", SECRET, "2026-01-01")
    with opened(filed_folder) as desk, httpx.Client(base_url=desk.url) as client:
        assert client.post("/login", data={"name": "eve", "password": SECRET}).status_code == 303
        (tmp_path / "openapi.json").write_text(client.get("/openapi.json").text)
        headers = []  # a browser that has not signed in would be sent to do so, whatever is asked
        if role == "admin":
            page = client.get("/watch", headers={"accept": "text/html"}).text
            token = page.split('name="csrf" content="')[1].split('"')[0]
            cookie = client.cookies["mep3m_session"]
            headers += ["Accept: text/html", f"Cookie: mep3m_session={cookie}", f"X-CSRF-Token: {token}"]
        command = [sys.executable, "-m", "schemathesis.cli", "run", str(tmp_path / "openapi.json")]
        command += ["--url", desk.url, *(part for one in headers for part in ("-H", one))]
        command += ["--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing", "--seed", "1"]
        command += ["--exclude-checks", LEFT_OUT, "--exclude-path", PASSED_OVER, "--no-color"]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, timeout=3500, check=False
        )
    assert done.returncode == 0, done.stdout
    print(done.stdout[-600:])  # noqa: T201 - how many cases there were
