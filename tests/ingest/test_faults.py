"""Nothing is lost and nothing is there twice: killed, out of disk, workers dying."""

import random
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

from mep3m.store import Store
from tests.ingest.shop import content, rows, take_in, write_images, write_shop
from tests.processes import kill_group

#: runs one ingest in a process of its own, so that it can be killed
SCRIPT = """
import sys
from pathlib import Path
from tests.ingest.shop import take_in
take_in(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[4]), images=sys.argv[3])
"""


def command(path: Path, store: Path, images: Path, workers: int = 1) -> list[str]:
    return [sys.executable, "-c", SCRIPT, str(path), str(store), str(images), str(workers)]


def killed_run(arguments: list[str], seconds: float) -> bool:
    """Start a run, kill -9 it and its workers after a while, and return whether it was still running."""
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(seconds)
    return kill_group(process)


#: the same run, which kills itself before its n-th file takes its place
SUICIDE = """
import os, sys
from pathlib import Path
left, real = int(sys.argv[5]), Path.replace
def replace(self, target):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)
    return real(self, target)
Path.replace = replace
"""


def test_killed_before_any_file_takes_its_place_the_bytes_are_the_same(tmp_path: Path) -> None:
    path = write_shop(tmp_path, [*rows(60), *rows(2)])
    images = write_images(tmp_path / "images", range(59))
    take_in(path, tmp_path / "whole", images=str(images))
    chance = random.Random(5)
    for _ in range(4):
        arguments = command(path, tmp_path / "cut", images)
        arguments[2] = SUICIDE + arguments[2]
        moment = str(chance.randint(1, 20))
        ended = subprocess.run([*arguments, moment], capture_output=True, check=False)
        assert ended.returncode == -signal.SIGKILL
    take_in(path, tmp_path / "cut", images=str(images))
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


def test_a_full_disk_stops_the_run_and_the_next_one_goes_on(tmp_path: Path) -> None:
    """A limit on the size of a file has the same effect on a write as a disk without room."""
    path = write_shop(tmp_path, rows(60))
    images = write_images(tmp_path / "images", range(60))
    take_in(path, tmp_path / "whole", images=str(images))

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))

    failed = subprocess.run(
        command(path, tmp_path / "cut", images), preexec_fn=small_files, check=False,
        capture_output=True,
    )  # fmt: skip
    assert failed.returncode != 0
    assert not (tmp_path / "cut/manifest.json").exists()
    take_in(path, tmp_path / "cut", images=str(images))
    assert content(tmp_path / "cut") == content(tmp_path / "whole")


def test_a_dying_worker_costs_nothing(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(60))
    images = write_images(tmp_path / "images", range(60))
    take_in(path, tmp_path / "whole", images=str(images))
    script = SCRIPT.replace(
        "take_in(Path",
        """
import os
from mep3m.ingest.shards import PartReader
real = PartReader.__call__
def dies_once(self, index):
    mark = Path(sys.argv[2]).with_suffix(".died")
    if index == 3 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), 9)
    return real(self, index)
PartReader.__call__ = dies_once
take_in(Path""",
    )
    module = tmp_path / "dies.py"
    module.write_text("if True:\n" + "\n".join("    " + line for line in script.splitlines()))
    body = module.read_text().replace("    take_in(Path", '    if __name__ == "__main__": take_in(Path')
    module.write_text(body)
    arguments = [sys.executable, str(module), str(path), str(tmp_path / "cut"), str(images), "2"]
    subprocess.run(arguments, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "cut.died").exists()
    assert content(tmp_path / "cut") == content(tmp_path / "whole")
    assert Store.open(tmp_path / "cut").rows == 60
