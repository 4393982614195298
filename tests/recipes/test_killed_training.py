"""A training that is killed leaves nothing behind once it is taken up, and two of one job are equal."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.recipes.test_classify import COLUMNS, call, write_table

#: half-written files of both kinds, held open under the lock until the process is killed
WRITER = """
import sys, tempfile, time
from pathlib import Path
from mep3m.store.filesystem import atomic_write, exclusive_lock
out = Path(sys.argv[1])
with exclusive_lock(out), atomic_write(out / "run.json") as one, atomic_write(out / "i" / "card.json") as two:
    one.write_text("{"); two.write_text("{")
    (out / ".tmpAb3dEf").write_bytes(b"half a tensor")
    print("ready", flush=True)
    time.sleep(60)
"""


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "timings.json"
    }


def test_a_killed_run_leaves_no_half_written_file_and_equals_one_that_was_not_killed(tmp_path: Path) -> None:
    table = write_table(tmp_path / "items.tsv")
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-c", WRITER, killed]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.kill(process.pid, signal.SIGKILL)
    left = {path.name for path in killed.rglob(".*")}
    assert len(left) == 3
    (killed / ".keep").write_text("not ours")
    for out in (killed, whole):
        assert call("train", table, *COLUMNS, "--modality", "text", "--out", out) == 0
    assert {path.name for path in killed.rglob(".*")} == {".keep"}
    (killed / ".keep").unlink()
    assert files(killed) == files(whole)
    assert (whole / "timings.json").exists()
