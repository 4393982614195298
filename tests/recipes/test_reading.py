"""The text in images: read where the engine is, by each task with processes of its own; its lines kept."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mep3m.engine import make_engine
from mep3m.recipes.build import build
from mep3m.recipes.steps import step_folders
from mep3m.settings.project import load_project
from mep3m.store import Store
from mep3m.store.json_files import read_json
from mep3m.store.stamp import make_key
from tests.stages.ocr.pictures import drawn

#: a reader in the place of tesseract: it notes which processes it was started by, and always reads one word
READER = """#!{python}
import sys
from pathlib import Path
if "--version" in sys.argv:
    print("tesseract 5.0.0")
elif "--list-langs" in sys.argv:
    print("chi_sim\\neng")
else:
    sys.stdin.buffer.read()
    process, above = "self", []
    while process not in ("0", "1"):
        place = Path("/proc") / process
        started = (place / "cmdline").read_bytes().replace(b"\\0", b" ").decode(errors="replace")
        above.append(" ".join(started.split())[:200])  # on one line, whatever script a shell was given
        status = (place / "status").read_text()
        process = next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:"))
    with open({notes!r}, "a") as file:
        file.write(" <- ".join(above) + "\\n")
    print("level\\tblock_num\\tpar_num\\tline_num\\tleft\\ttop\\twidth\\theight\\tconf\\ttext")
    print("5\\t1\\t1\\t1\\t2\\t2\\t30\\t10\\t99\\tword")
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A shop with two pictures, and the made reader first in PATH."""
    tool = tmp_path / "bin" / "tesseract"
    tool.parent.mkdir()
    tool.write_text(READER.format(python=sys.executable, notes=str(tmp_path / "notes")))
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")
    (tmp_path / "photos").mkdir()
    for n in range(2):
        drawn("WORD", "AND", str(n)).save(tmp_path / "photos" / f"{n}.png")
    rows = "\n".join(f"{n}\t红富士 {n}斤\t{n}.png\t{'果' if n else '茶'}" for n in range(2))
    (tmp_path / "a.tsv").write_text(f"id\ttitle\tpic\tkind\n{rows}\n", encoding="utf-8")
    path = tmp_path / "mep3m.toml"
    path.write_text(
        "name = 'p'\n[ocr]\nbackend = 'tesseract'\n[ocr_pool]\nworkers = 0\n"
        "[[sources]]\nname = 'a'\npath = 'a.tsv'\nimages = 'photos'\n"
        "columns = { id = 'id', title = 'title', image = 'pic' }\n"
    )
    return path


def built(project: Path, out: Path, engine: str) -> tuple[Store, list[str]]:
    """Build in a process of its own, and return the store of the OCR step with what the reader noted."""
    notes = project.with_name("notes")
    notes.unlink(missing_ok=True)
    command = [sys.executable, "-m", "mep3m", "build", str(project), "--out", str(out), "--workers", "2"]
    done = subprocess.run([*command, "--engine", engine], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr  # 1: rows without a label
    return Store.open(out / step_folders()["ocr"]), notes.read_text().splitlines()


def test_the_lines_are_written_again_when_the_readings_change_and_not_when_files_are_touched(
    shop: Path, tmp_path: Path
) -> None:
    store, _ = built(shop, tmp_path / "out", "local")
    lines, stamp = tmp_path / "out" / "lines.jsonl", tmp_path / "out" / "lines.made-from.json"
    assert len(lines.read_text().splitlines()) == 2
    kept = lines.read_text().splitlines()[0] + "\n"
    lines.write_text(kept)
    os.utime(lines, (0, 0))  # older than the store, which once made it stale
    rerun(shop, tmp_path / "out")
    assert lines.read_text() == kept
    stamp.unlink()
    rerun(shop, tmp_path / "out")
    assert len(lines.read_text().splitlines()) == 2
    shop.write_text(shop.read_text().replace("[ocr]\n", "[ocr]\nclean = 'none'\n"))
    rerun(shop, tmp_path / "out")
    assert read_json(stamp)["key"] != make_key([store.fingerprint])


def rerun(project: Path, out: Path) -> None:
    build(load_project(project), project.parent, out, make_engine())


def test_images_are_read_where_the_engine_is(shop: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray", reason="the ray extra is not installed")
    there, by_ray = built(shop, tmp_path / "there", "ray")
    here, by_us = built(shop, tmp_path / "here", "local")
    assert len(by_ray) == len(by_us) == 2  # each image was read once
    assert all("ray::" in above for above in by_ray)
    assert not any("ray::" in above for above in by_us)
    assert [row.ocr for row in there.products()] == ["word", "word"]
    assert [path.read_bytes() for path in there.shards] == [path.read_bytes() for path in here.shards]
