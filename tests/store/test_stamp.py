"""A stamp says whether a result can be used again; whatever is on disk, it never stops a run."""

import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.store.json_files import read_json, write_json
from mep3m.store.stamp import is_current, look_at, make_key, write_stamp

VALUES = st.recursive(st.integers(0, 9) | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stamps")


@given(one=VALUES, two=VALUES)
def test_a_stamp_is_current_for_what_it_was_made_from_and_nothing_else(
    folder: Path, one: object, two: object
) -> None:
    write_stamp(folder / "s.json", one)
    assert is_current(folder / "s.json", one)
    assert is_current(folder / "s.json", two) == (one == two)


def test_another_version_makes_the_result_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_stamp(tmp_path / "s.json", ["x"])
    monkeypatch.setattr("mep3m.store.stamp.__version__", "999")
    assert not is_current(tmp_path / "s.json", ["x"])


def test_a_result_that_is_gone_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "result").touch()
    write_stamp(tmp_path / "s.json", ["x"])
    assert is_current(tmp_path / "s.json", ["x"], tmp_path / "result")
    (tmp_path / "result").unlink()
    assert not is_current(tmp_path / "s.json", ["x"], tmp_path / "result")


@pytest.mark.parametrize("content", [b"", b"{", b'"0123456789abcdef"', b"[]", b"{}", b'{"key": 3}', b"\xff"])
def test_what_is_no_stamp_is_not_current(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "s.json").write_bytes(content)
    assert not is_current(tmp_path / "s.json", ["x"])


def test_no_file_and_a_folder_are_not_current(tmp_path: Path) -> None:
    assert not is_current(tmp_path / "none.json", ["x"])
    assert not is_current(tmp_path, ["x"])


def test_facts_stand_beside_the_key(tmp_path: Path) -> None:
    write_stamp(tmp_path / "s.json", ["x"], scores={"top1": 0.5})
    assert read_json(tmp_path / "s.json") == {"key": make_key(["x"]), "scores": {"top1": 0.5}}


def test_a_copy_is_as_current_as_its_origin(tmp_path: Path) -> None:
    write_stamp(tmp_path / "a" / "s.json", ["x"])
    shutil.copytree(tmp_path / "a", tmp_path / "b", copy_function=shutil.copyfile)
    assert is_current(tmp_path / "b" / "s.json", ["x"])


def test_a_look_at_a_file_sees_its_size_and_time(tmp_path: Path) -> None:
    write_json(tmp_path / "f", [1])
    facts = (tmp_path / "f").stat()
    assert look_at(tmp_path / "f") == (facts.st_size, facts.st_mtime_ns)
    with pytest.raises(FileNotFoundError):
        look_at(tmp_path / "none")
