"""Runs that are killed, and two in one folder: the next run gives the same bytes, and nothing half stays."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mep3m.store.filesystem import exclusive_lock
from tests.checkout.made import folder_of
from tests.cli.runner import Ran, ran

#: a count that has begun its answers: it writes as the command does, without the minutes of a large till
COUNTING = """
import sys, time
from pathlib import Path
from mep3m.store.filesystem import atomic_write, exclusive_lock
out = Path(sys.argv[1])
with exclusive_lock(out), atomic_write(out / "answers.jsonl") as answers, answers.open("wb") as file:
    file.write(b'{"image": "easy-0001.jpg", "cou')
    file.flush()
    print("ready", flush=True)
    time.sleep(60)
"""


@contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[bytes]]:
    """Run `mep3m checkout` as its own process, and kill it at the end."""
    command = [sys.executable, "-m", "mep3m", "checkout", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def wait_until(true: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while not true():
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < end
        time.sleep(0.002)


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found if "cache" not in path.parts}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three products, scenes of them, and what was counted on these."""
    place = tmp_path_factory.mktemp("killed")
    folder_of(place / "products", 3)
    return place


def draw(place: Path, out: Path, images: int = 80) -> tuple[object, ...]:
    return ("draw", place / "products", "--levels", "easy", "--images", images, "--side", 128, "--out", out)


def half_written(folder: Path) -> Path:
    """Leave what a process leaves that is killed while it writes."""
    folder.mkdir(parents=True, exist_ok=True)
    left = folder / ".easy-0001.jpg.4242-139.tmp"
    left.write_bytes(b"\xff\xd8\xff half")
    return left


def test_a_killed_drawing_goes_on_to_the_same_bytes_and_lets_nobody_in(place: Path) -> None:
    out, first = place / "scenes", place / "scenes" / "test" / "easy-0002.jpg"
    with started(*draw(place, out)) as process:
        wait_until(first.is_file, process)
        process.send_signal(signal.SIGSTOP)  # it holds the folder
        second = ran("checkout", *draw(place, out))
        assert second.code != 0
        assert f"another run is writing into {out}" in second.err
    assert not (out / "instances_test.json").exists()
    left = half_written(out / "test")
    assert ran("checkout", *draw(place, out)).code == 0
    assert not left.exists()
    assert ran("checkout", *draw(place, place / "whole")).code == 0
    assert files(out) == files(place / "whole")
    assert len(files(out)) == 81


def count(place: Path, encoder: Path, out: Path) -> tuple[object, ...]:
    return ("count", place / "products", place / "till", "--weights", encoder, "--looked-at", 3, "--out", out)


@pytest.fixture(scope="module")
def till(place: Path) -> Path:
    """Four pictures of trays."""
    drawn = ran("checkout", *draw(place, place / "drawn", 4))
    assert drawn.code == 0
    (place / "drawn" / "test").rename(place / "till")
    return place


def test_a_killed_count_leaves_no_answers_and_the_next_gives_all(till: Path, tiny_encoder: Path) -> None:
    out = till / "counted"
    with subprocess.Popen([sys.executable, "-c", COUNTING, out], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        assert "another run" in ran("checkout", *count(till, tiny_encoder, out)).err
        process.send_signal(signal.SIGKILL)
    assert not (out / "answers.jsonl").exists()
    assert any(out.glob(".answers.jsonl.*"))
    half_written(out / "pictures")
    again, whole = (ran("checkout", *count(till, tiny_encoder, till / name), "--json")
                    for name in ("counted", "unbroken"))  # fmt: skip
    assert again.code == whole.code == 0
    assert again.json["found"] == whole.json["found"] > 0
    assert files(out) == files(till / "unbroken")
    assert len(files(out)) == 1 + 3


def test_no_command_writes_into_a_folder_that_another_run_holds(
    till: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    scenes = tmp_path / "s"
    assert ran("checkout", *draw(till, scenes, 1)).code == 0
    held = tmp_path / "held"
    held.mkdir()
    (held / "answers.jsonl").write_bytes(b"of another run")
    before = files(held)
    runs: list[tuple[object, ...]] = [
        draw(till, held),
        ("train", till / "products", "--scenes", 1, "--epochs", 1, "--out", held),
        ("score", till / "products", scenes, "--weights", tiny_encoder, "--out", held),
        count(till, tiny_encoder, held),
    ]
    with exclusive_lock(held):
        done: list[Ran] = [ran("checkout", *arguments) for arguments in runs]
    for one in done:
        assert one.code == 1
        assert f"another run is writing into {held}; wait until it has ended" in one.err
    assert files(held) == before
