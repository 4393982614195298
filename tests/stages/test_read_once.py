"""A decision is read once in a process, and again when its file is another one."""

from pathlib import Path

from mep3m.stages.read_once import read_once


def test_a_file_is_read_once_until_it_changes(tmp_path: Path) -> None:
    path, reads = tmp_path / "decision.json", []

    def read(file: Path) -> list[str]:
        reads.append(file)
        return [file.read_text()]

    path.write_text("1")
    first = read_once(path, read)
    assert read_once(path, read) is first
    path.rename(tmp_path / "old")
    path.write_text("2")
    assert read_once(path, read) == ["2"]
    assert len(reads) == 2


def test_two_readers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "decision.json"
    path.write_text("12")
    assert read_once(path, Path.read_text) == "12"
    assert read_once(path, Path.read_bytes) == b"12"
