"""Files that are whole or absent, content hashes, and paths that stay inside."""

import errno
import hashlib
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import FormatError, StoreError, UsageError
from mep3m.store import Plan, Store, StoreWriter
from mep3m.store.filesystem import atomic_write, exclusive_lock, hash_file, inside, local_folder
from mep3m.store.ledger import Ledger


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("files")


@pytest.mark.parametrize("durable", [True, False])
def test_a_whole_file_replaces_the_old_one_and_makes_its_folders(tmp_path: Path, durable: bool) -> None:
    target = tmp_path / "a" / "b" / "file.txt"
    for text in ("first", "second"):
        with atomic_write(target, durable=durable) as temporary:
            temporary.write_text(text)
            assert not target.exists() or target.read_text() == "first"
        assert target.read_text() == text
    assert [path.name for path in target.parent.iterdir()] == ["file.txt"]


@pytest.mark.parametrize("durable", [True, False])
def test_an_error_keeps_the_old_file(tmp_path: Path, durable: bool) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")

    def fail() -> None:
        with atomic_write(target, durable=durable) as temporary:
            temporary.write_text("half of the n")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_temporary_name_carries_the_process(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "x.parquet") as temporary:
        temporary.write_bytes(b"")
        assert str(os.getpid()) in temporary.name
        assert temporary.name.startswith(".")
        assert not temporary.match("[0-9]*.parquet")  # a store never takes it for a shard


def test_threads_that_write_one_file_at_once_do_not_take_each_others(tmp_path: Path) -> None:
    together = threading.Barrier(8)

    def write(text: str) -> None:
        for _ in range(20):
            with atomic_write(tmp_path / "x", durable=False) as temporary:
                temporary.write_text(text * 1000)
                if not temporary.read_text() == text * 1000:
                    raise AssertionError("somebody else wrote into it")

    def work(text: str) -> None:
        together.wait(30)
        write(text)

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(work, text) for text in "abcdefgh"]:
            done.result()
    assert len(set((tmp_path / "x").read_text())) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


@given(content=st.binary(max_size=300))
def test_a_file_s_hash_is_that_of_hashlib(folder: Path, content: bytes) -> None:
    (folder / "content").write_bytes(content)
    assert hash_file(folder / "content") == hashlib.sha256(content).hexdigest()


parts = st.lists(st.text(st.sampled_from("ab.图 -_"), min_size=1, max_size=6), min_size=1, max_size=4)


@given(parts=parts, slash=st.sampled_from(["/", "\\"]))
def test_a_path_from_data_is_refused_or_stays_below_its_root(
    folder: Path, parts: list[str], slash: str
) -> None:
    name = slash.join(parts)
    if ".." in parts:
        with pytest.raises(FormatError, match="leaves its folder"):
            inside(folder, name)
    else:
        joined = inside(folder, name)
        assert joined.resolve().is_relative_to(folder.resolve())
        assert joined == folder / PurePosixPath(name.replace("\\", "/"))


@pytest.mark.parametrize("name", ["c:/x.jpg", "C:x.jpg", "\\\\server\\share\\x.jpg", "/x", "a\\..\\..\\b"])
def test_paths_of_other_systems_are_refused_too(tmp_path: Path, name: str) -> None:
    with pytest.raises(FormatError, match="use a path relative to"):
        inside(tmp_path, name)


def test_a_link_that_stays_inside_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert inside(tmp_path, "link/1.jpg") == tmp_path / "link" / "1.jpg"


ADDRESSES = ["s3://bucket/x", "gs://bucket/x", "file:///tmp/x", "https://host/x"]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_no_folder(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path(address)
    plan = Plan("ingest", {}, ("p",))
    uses: list[Callable[[Path], object]] = [
        Store.open,
        Ledger.open,
        lambda folder: StoreWriter.begin(folder, plan),
        lambda folder: enter(exclusive_lock(folder)),
        lambda folder: enter(atomic_write(folder / "file")),
    ]
    for use in uses:
        with pytest.raises(UsageError, match="is an address; only local folders are read and written"):
            use(path)
    assert list(tmp_path.iterdir()) == []


def enter(context: AbstractContextManager[object]) -> None:
    with context:
        pass


def test_a_drive_and_a_folder_with_a_colon_are_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "s3:").mkdir()
    (tmp_path / "s3:" / "bucket").mkdir()
    for name in ("c:/data", "plain", "a/b", "12:30/x", "s3:/bucket"):
        assert local_folder(Path(name)) == Path(name)


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV])
def test_a_file_system_that_cannot_rename_over_a_file_is_refused(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "no such operation")

    monkeypatch.setattr(Path, "replace", refuse)
    with (
        pytest.raises(StoreError, match=r"cannot rename a file over another \(no such operation\)"),
        atomic_write(tmp_path / "x") as temporary,
    ):
        temporary.touch()
    assert list(tmp_path.iterdir()) == []
