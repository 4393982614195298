"""Whatever a request holds, the answer is as the service describes it, and never a failure of it.

`MEP3M_FUZZ=400 python -m pytest tests/service/test_fuzz.py tests/desk/test_fuzz.py` asks thousands.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mep3m.service.keys import add_key
from tests.service.clients import started

#: no description can say what makes bytes a picture
LEFT_OUT = "positive_data_acceptance"
#: cases that are made up for each endpoint
EXAMPLES = os.environ.get("MEP3M_FUZZ", "25")


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("keyed", [False, True], ids=["open", "with keys"])
def test_every_answer_is_as_described(run_folder: Path, tmp_path: Path, keyed: bool) -> None:
    options, headers = [], []
    if keyed:
        headers = ["-H", f"X-API-Key: {add_key(tmp_path / 'keys.json', 'fuzz', ['admin'])}"]
        options = ["--keys", str(tmp_path / "keys.json")]
    with started(run_folder, *options) as url:
        command = [sys.executable, "-m", "schemathesis.cli", "run", f"{url}/openapi.json", *headers]
        command += ["--max-examples", EXAMPLES, "--phases", "examples,coverage,fuzzing", "--seed", "1"]
        command += ["--exclude-checks", LEFT_OUT, "--no-color"]
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, timeout=3500, check=False
        )
    assert done.returncode == 0, done.stdout
    print(done.stdout[-600:])  # noqa: T201 - how many cases there were
