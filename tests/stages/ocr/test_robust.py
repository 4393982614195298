"""Runs that are killed, hang or meet an image that kills its reader."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import orjson
import psutil
import pytest
from PIL import Image

from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.stages.ocr.folder import SUFFIXES, write_readings
from mep3m.stages.ocr.read import image_files
from tests.processes import has_ended
from tests.stages.ocr.pictures import drawn, encoded

#: stands in for tesseract: an image 77 pixels wide hangs, one 78 wide kills its reader
FAKE_TESSERACT = """#!{python}
import os, sys, time
if "--list-langs" in sys.argv:
    print("chi_sim", "eng")
    sys.exit()
size = sys.stdin.buffer.read().split()[1]
if size == b"77":
    open(os.environ["HANGING"], "w").write(str(os.getpid()))
    time.sleep(120)
if size == b"78" and os.getpgid(os.getppid()) == os.getppid() == os.getpgrp():
    os.kill(os.getppid(), 9)  # the reader's process, which leads this group; never who adopted us
print("level block_num par_num line_num left top width height conf text".replace(" ", chr(9)))
print("5 1 1 1 0 0 9 9 90".replace(" ", chr(9)), size.decode(), sep=chr(9))
"""


@pytest.fixture
def fake_tesseract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin" / "tesseract"
    program.parent.mkdir()
    program.write_text(FAKE_TESSERACT.format(python=sys.executable))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HANGING", str(tmp_path / "hanging.pid"))
    return tmp_path / "hanging.pid"


def test_a_hanging_and_a_deadly_image_do_not_stop_the_run(tmp_path: Path, fake_tesseract: Path) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for width in (75, 76, 77, 78, 79):
        (folder / f"{width}.png").write_bytes(encoded(Image.new("RGB", (width, 40), "white")))
    settings = OcrSettings(backend="tesseract"), PoolSettings(workers=1, group=5, seconds_per_image=1.5)
    out = tmp_path / "lines.jsonl"
    counts = write_readings(image_files(folder, SUFFIXES), out, tmp_path / "kept.sqlite", settings)
    rows = {row["image"]: row for row in map(orjson.loads, out.read_bytes().splitlines())}
    assert [rows[f"{width}.png"]["text"] for width in (75, 76, 79)] == ["75", "76", "79"]
    assert rows["77.png"]["error"] == "took longer than 1.5 s and was stopped"
    assert rows["78.png"]["error"] == "the reader's process was killed by SIGKILL"
    assert counts.failed == 2
    assert has_ended(int(fake_tesseract.read_text()))


@pytest.mark.parametrize("kept", [1, 7])
def test_killed_and_run_again_gives_the_same_bytes(tmp_path: Path, kept: int) -> None:
    folder = tmp_path / "images"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.png").write_bytes(encoded(drawn(f"ITEM {number}", size=(200, 100))))
    command = [sys.executable, "-m", "mep3m", "ocr", str(folder), "--workers", "1"]
    subprocess.run([*command, "--out", str(tmp_path / "whole.jsonl")], check=True)
    out = tmp_path / "lines.jsonl"
    cache = tmp_path / "lines.jsonl.readings.sqlite"
    running = subprocess.Popen([*command, "--out", str(out)])
    while _readings(cache) < kept and running.poll() is None:
        time.sleep(0.002)
    children = psutil.Process(running.pid).children(recursive=True) if running.poll() is None else []
    running.send_signal(signal.SIGKILL)
    running.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive  # the workers end with their parent
    done = _readings(cache)
    assert done >= kept
    subprocess.run([*command, "--out", str(out)], check=True)
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def _readings(cache: Path) -> int:
    if not cache.exists():
        return 0
    try:
        return int(sqlite3.connect(cache).execute("SELECT count(*) FROM readings").fetchone()[0])
    except sqlite3.OperationalError:
        return 0
