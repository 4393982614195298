"""The same command once more is answered without looking closely; anything else is looked at."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mep3m.ingest.request import REQUEST, answered, note_answer
from tests.ingest.shop import rows, take_in, write_shop

OPTIONS = {"id_": "id", "title": "title", "fetch": False, "fetch_host": ("a", "b")}


@pytest.fixture
def finished(tmp_path: Path) -> tuple[Path, Path]:
    path = write_shop(tmp_path, rows(4))
    take_in(path, tmp_path / "s")
    note_answer(tmp_path / "s", path, OPTIONS)
    return tmp_path / "s", path


def test_the_same_command_is_answered_with_the_manifest(finished: tuple[Path, Path]) -> None:
    folder, path = finished
    found = answered(folder, path, OPTIONS)
    assert found == json.loads((folder / "manifest.json").read_text())


def test_a_store_without_a_note_is_looked_at(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(4))
    assert answered(tmp_path / "nothing", path, OPTIONS) is None
    take_in(path, tmp_path / "s")
    assert answered(tmp_path / "s", path, OPTIONS) is None


def test_anything_else_is_looked_at(finished: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, path = finished
    assert answered(folder, path, OPTIONS | {"title": "name"}) is None
    other = write_shop(path.parent, rows(4), "other.tsv")
    assert answered(folder, other, OPTIONS) is None
    assert answered(folder, path.parent / "gone.tsv", OPTIONS) is None
    with monkeypatch.context() as patch:
        patch.setattr("mep3m.store.stamp.__version__", "999")
        assert answered(folder, path, OPTIONS) is None
    with monkeypatch.context() as patch:  # relative paths in the options mean something else there
        patch.chdir("/")
        assert answered(folder, path, OPTIONS) is None
    assert answered(folder, path, OPTIONS) is not None


@pytest.mark.parametrize("damage", ["input", "manifest", "update", "note", "gone"])
def test_what_has_changed_since_is_looked_at(finished: tuple[Path, Path], damage: str) -> None:
    folder, path = finished
    if damage == "input":
        write_shop(path.parent, [*rows(3), ("9", "新", "食品", "", "")])
    elif damage == "manifest":  # a retry writes it anew
        (folder / "manifest.json").write_text((folder / "manifest.json").read_text() + " ")
    elif damage == "update":
        (folder / "update").mkdir()
    elif damage == "note":
        (folder / REQUEST).write_text("{")
    else:
        (folder / "manifest.json").unlink()
    assert answered(folder, path, OPTIONS) is None


def test_a_folder_of_files_is_never_noted(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(4))
    take_in(path, tmp_path / "s")
    note_answer(tmp_path / "s", tmp_path, OPTIONS)
    assert not (tmp_path / "s" / REQUEST).exists()


def test_the_second_command_imports_nothing_heavy(tmp_path: Path) -> None:
    path = write_shop(tmp_path, rows(4))
    script = (
        "import sys; from mep3m.cli import cli; cli(standalone_mode=False); "
        "print(sorted({'pyarrow', 'numpy', 'pydantic', 'duckdb', 'PIL'} & sys.modules.keys()))"
    )
    command = [sys.executable, "-c", script, "ingest", str(path), "--id", "id", "--workers", "1"]
    command += ["--store", str(tmp_path / "s")]
    ran = [subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2)]
    first, second = (text.splitlines() for text in ran)
    assert "pyarrow" in first[-1]
    assert second[-1] == "[]"
    assert second[0].startswith("4 products in ")
