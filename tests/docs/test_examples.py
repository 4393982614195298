"""The documentation is run: every `$` line of a `console` block, in order, on simulated shops.

Blocks that need real data or much time are fenced as `sh` and only shown.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "mep3m"
#: folders of data that pages name
NOT_OURS = {"history/", "update/", "pictures/"}
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def examples(page: Path) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def links(page: Path) -> list[str]:
    found = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    return [link for link in found if "://" not in link]


@pytest.mark.parametrize("page", [page for page in PAGES if examples(page)], ids=lambda page: page.stem)
def test_every_command_on_the_page_runs(page: Path, tmp_path: Path) -> None:
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    script = bin_folder / "mep3m"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} -m mep3m "$@"\n')
    script.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "OMP_NUM_THREADS": "1",
    }
    work = tmp_path / "work"
    work.mkdir()
    for command in examples(page):
        run = subprocess.run(
            command, shell=True, cwd=work, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode in (0, 1), f"$ {command}\n{run.stdout}{run.stderr}"
        assert "Traceback" not in run.stderr, f"$ {command}\n{run.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [link for link in links(page) if not (page.parent / link).exists()] == []


def test_reference_pages_are_up_to_date() -> None:
    run = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "generate.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_the_paper_map_names_modules_and_tests_that_exist() -> None:
    text = (ROOT / "docs" / "paper-map.md").read_text(encoding="utf-8")
    rows = [line.split("|") for line in text.splitlines() if line.startswith(("| §", "| T"))]
    assert len(rows) > 10
    for row in rows:
        named = re.findall(r"`([a-z_/0-9]+(?:\.py|/))`", row[3] + row[4])
        places = [
            ROOT / name if name.startswith("tests/") else ROOT / "src" / "mep3m" / name for name in named
        ]
        assert [str(place) for place in places if not place.exists()] == []


@pytest.mark.parametrize(
    "page", [*PAGES, *sorted((ROOT / "docs" / "decisions").glob("*.md"))], ids=lambda page: page.stem
)
def test_modules_that_a_page_names_are_there(page: Path) -> None:
    """Paths below the package, such as `dataset/splits.py` or `stages/ocr/`."""
    text = page.read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z0-9_]+/)*[a-z0-9_]+\.py|(?:[a-z0-9_]+/)+)`", text)) - NOT_OURS
    there = {name for name in named if (PACKAGE / name).exists() or (ROOT / name).exists()}
    there |= {name for name in named if "/" not in name and any(ROOT.glob(f"[bst]*/**/{name}"))}
    assert named - there == set()
