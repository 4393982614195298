"""One writer at a time: who holds a folder, who is refused, and what is left when it is let go."""

import fcntl
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from mep3m.errors import StoreError
from mep3m.product import Product, to_table
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.filesystem import exclusive_lock

HOLD = "import sys, pathlib; from mep3m.store.filesystem import exclusive_lock\n"
HOLD += "with exclusive_lock(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"


def held(folder: Path) -> subprocess.Popen[str]:
    """Start a process that holds the folder until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def take(folder: Path) -> bool:
    try:
        with exclusive_lock(folder):
            return True
    except StoreError:
        return False


def test_a_second_writer_is_refused_until_the_first_is_done(tmp_path: Path) -> None:
    with exclusive_lock(tmp_path / "store"):
        with (
            pytest.raises(StoreError, match=r"another run is writing into .*store; wait until it has ended"),
            exclusive_lock(tmp_path / "store"),
        ):
            pass
        assert take(tmp_path / "other")
    assert take(tmp_path / "store")


@pytest.mark.parametrize("end", ["end of input", "kill"])
def test_the_lock_goes_with_its_process_however_that_ends(tmp_path: Path, end: str) -> None:
    process = held(tmp_path / "store")
    assert not take(tmp_path / "store")
    if end == "kill":
        process.kill()
    process.communicate()
    assert take(tmp_path / "store")


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive_lock(tmp_path / "store"):
        _ = 1 / 0
    assert take(tmp_path / "store")


def test_a_folder_that_stays_empty_is_not_left_behind(tmp_path: Path) -> None:
    with exclusive_lock(tmp_path / "a" / "b" / "c"):
        assert (tmp_path / "a" / "b" / "c").is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_and_what_was_written_stay(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    with exclusive_lock(tmp_path / "mine"):
        pass
    with exclusive_lock(tmp_path / "made" / "here"):
        (tmp_path / "made" / "here" / "file").touch()
    assert (tmp_path / "mine").is_dir()
    assert (tmp_path / "made" / "here" / "file").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "mine"]


def test_nothing_is_written_into_the_folder(tmp_path: Path) -> None:
    with exclusive_lock(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_a_file_system_without_locks_is_written_after_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", unknown)
    monkeypatch.setattr("mep3m.store.filesystem._WARNED", set())
    with pytest.warns(UserWarning, match=r"store has no locks \(Function not implemented\): .* run one at a"):
        assert take(tmp_path / "store")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert take(tmp_path / "store")
        assert take(tmp_path / "another folder of the same file system")


def test_readers_do_not_wait(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "s", Plan("ingest", {}, ("p",)))
    writer.write(0, to_table([Product("s:1", "s", "1", title="茶")]))
    writer.finish()
    with exclusive_lock(tmp_path / "s"):
        store = Store.open(tmp_path / "s")
        assert [product.title for product in store.products()] == ["茶"]
        assert store.connect().sql("SELECT count(*) FROM products").fetchall() == [(1,)]


def test_children_do_not_inherit_the_lock(tmp_path: Path) -> None:
    with exclusive_lock(tmp_path / "store"):
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        assert not take(tmp_path / "store")
    assert take(tmp_path / "store")  # though the child still runs
    assert child.poll() is None
    child.communicate(b"\n")
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_was_forked_under_the_lock_does_not_keep_it(tmp_path: Path) -> None:
    """Workers of a pool may live a moment longer than the work that they were forked for."""
    code = (
        "import os, sys, pathlib, time; from mep3m.store.filesystem import exclusive_lock\n"
        "folder = pathlib.Path(sys.argv[1])\n"
        "with exclusive_lock(folder):\n"
        "    child = os.fork()\n"
        "    if child == 0: time.sleep(60); os._exit(0)\n"
        "try:\n"
        "    with exclusive_lock(folder): print('taken again')\n"
        "finally: os.kill(child, 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "taken again\n"), done.stderr
