"""Learning that is killed at any file, or started twice: a folder is whole or not there, and one wins."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mep3m.assignment.run import Run
from mep3m.errors import StoreError
from mep3m.recipes.learning import LearnSettings, learn_run
from mep3m.store.filesystem import exclusive_lock
from tests.recipes.learning.titles import NEW, write

#: a child for each file, killed as soon as the file is there; then two at once that are left to end
KILLER = """
import json, os, shutil, signal, sys, time
from pathlib import Path
from mep3m.assignment.run import Run
from mep3m.errors import Mep3mError
from mep3m.recipes.learning import learn_run
run, table, out = map(Path, sys.argv[1:4])
half = out.with_name(f".{out.name}.learning")
told = []
for name in sys.argv[4:]:
    child = os.fork()
    if child == 0:
        start = Run.open(run)
        learn_run(start, start.read(table), out)
        os._exit(0)
    end = time.monotonic() + 60
    while not (half / name).exists() and not out.exists() and time.monotonic() < end:
        time.sleep(0.0005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    told.append([name, out.exists(), half.exists(), (out / "run.json").exists()])
    if out.exists():
        shutil.rmtree(out)
children = []
for n in (1, 2):
    children.append(os.fork())
    if children[-1] == 0:
        start = Run.open(run)
        try:
            learn_run(start, start.read(table), out)
        except (OSError, Mep3mError) as error:
            (table.parent / f"{out.parent.name}-loser").write_text(str(error))
            os._exit(2)
        os._exit(0)
codes = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
print(json.dumps([told, codes]))
"""


def content(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder; times are not the same twice."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "timings.json"
    }


@pytest.fixture(scope="module")
def whole(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A table of new classes, and a run that has learned it undisturbed."""
    folder = tmp_path_factory.mktemp("whole")
    table = write(folder / "new.tsv", NEW, range(4))
    start = Run.open(run_folder)
    learn_run(start, start.read(table), folder / "two")
    return table, folder / "two"


def test_killed_at_any_file_it_is_not_there_and_of_the_next_two_at_once_one_wins(
    whole: tuple[Path, Path], run_folder: Path, tmp_path: Path
) -> None:
    table, two = whole
    names = ["base", "card.json"]
    command = [sys.executable, "-c", KILLER, str(run_folder), str(table), str(tmp_path / "out"), *names]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    told, codes = json.loads(done.stdout)
    assert [one[0] for one in told] == names
    for _, there, left, has_run in told:
        assert there == has_run  # what has its name is whole
        assert there or left  # killed in the middle, and what is half has another name
    assert not told[0][1]
    assert codes == [0, 2]
    loser = (table.parent / f"{tmp_path.name}-loser").read_text()
    assert any(word in loser for word in ("another run is writing", "exists already", "not empty"))
    assert content(tmp_path / "out") == content(two)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_another_writes_is_left_to_it(
    whole: tuple[Path, Path], run_folder: Path, tmp_path: Path
) -> None:
    start, half = Run.open(run_folder), tmp_path / ".out.learning"
    opened = start.read(whole[0])
    with exclusive_lock(half):
        (half / "weights.safetensors").write_bytes(b"of the other")
        with pytest.raises(StoreError, match="another run is writing into"):
            learn_run(start, opened, tmp_path / "out")
        assert (half / "weights.safetensors").read_bytes() == b"of the other"
    # the other was killed: what it left, folders too, is no part of what is written now
    (half / "base" / "deep").mkdir(parents=True)
    (half / "novelty.safetensors").write_bytes(b"old")
    learn_run(start, opened, tmp_path / "out")
    assert content(tmp_path / "out") == content(whole[1])


def test_two_that_learn_from_one_run_do_not_see_each_other(
    whole: tuple[Path, Path], run_folder: Path, tmp_path: Path
) -> None:
    """RUN stays as it is to the byte, whoever learns from it and however."""
    before = content(run_folder)
    start = Run.open(run_folder)
    for name, rows, method in (("a", NEW[:2], "prototypes"), ("b", NEW[2:], "finetune")):
        opened = start.read(write(tmp_path / f"{name}.tsv", rows, range(3)))
        learn_run(start, opened, tmp_path / name, LearnSettings.parse({"method": method}, "test"))
    assert content(run_folder) == before
    one, other = Run.open(tmp_path / "a").learned, Run.open(tmp_path / "b").learned
    assert one == {("食品", "葡萄")}
    assert other == {("服装",), ("服装", "裙子")}
