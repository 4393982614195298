"""The pictures of the pages are made by scripts that still run."""

import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from mep3m.product import Label, Product, to_table
from mep3m.report.dataset_report import report_dataset
from mep3m.statistics.figures import dataset_figures
from mep3m.store import ContentImages, Plan, StoreWriter
from tests.ingest.shop import picture

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def size(png: Path) -> tuple[int, int]:
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    return width, height


def run(name: str, folder: Path, *arguments: str) -> None:
    """Run a copy of a script of docs/images, so that it writes beside the copy."""
    copy = Path(shutil.copy(IMAGES / name, folder))
    found = subprocess.run(
        [sys.executable, str(copy), *arguments], capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr


@pytest.mark.skipif(not (shutil.which("chromium") or shutil.which("google-chrome")), reason="no Chromium")
def test_the_report_is_photographed(tmp_path: Path) -> None:
    writer = StoreWriter.begin(tmp_path / "store", Plan("align", {}, ("p",)))
    images = ContentImages(tmp_path / "store" / "images")
    labels = (Label("食品", "given", "s"),)
    rows = [
        Product(f"s:{n}", "s", str(n), title="茶", labels=labels, image=images.put(picture(n)))
        for n in range(4)
    ]
    writer.write(0, to_table(rows))
    report_dataset(dataset_figures(writer.finish()), tmp_path / "report")
    run("draw_report.py", tmp_path, str(tmp_path / "report" / "report.html"))
    assert size(tmp_path / "report.png") == size(IMAGES / "report.png")


def test_the_drawings_of_the_networks_are_those_of_their_script(tmp_path: Path) -> None:
    names = sorted(path.name for path in IMAGES.glob("hierarchy-*.svg"))
    assert len(names) == 3
    run("draw_hierarchy.py", tmp_path)
    for name in names:
        assert (tmp_path / name).read_bytes() == (IMAGES / name).read_bytes()
