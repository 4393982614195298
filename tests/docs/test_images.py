"""The pictures of the pages are made by scripts that still run."""

import importlib.util
import struct
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mep3m.product import Label, Product, to_table
from mep3m.report.dataset_report import report_dataset
from mep3m.store import ContentImages, Plan, StoreWriter
from tests.sources.ingest.shop import picture

IMAGES = Path(__file__).parents[2] / "docs" / "images"


def script(name: str) -> ModuleType:
    """Return a script of docs/images as a module."""
    found = importlib.util.spec_from_file_location(name, IMAGES / f"{name}.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


def size(png: Path) -> tuple[int, int]:
    width, height = struct.unpack(">II", png.read_bytes()[16:24])
    return width, height


def test_the_report_is_photographed(tmp_path: Path, browser: Any) -> None:
    browser.close()  # it is there: the script opens one of its own
    writer = StoreWriter.begin(tmp_path / "store", Plan("align", {}, ("p",)))
    images = ContentImages(tmp_path / "store" / "images")
    labels = (Label("食品", "given", "s"),)
    rows = [
        Product(f"s:{n}", "s", str(n), title="茶", labels=labels, image=images.put(picture(n)))
        for n in range(4)
    ]
    writer.write(0, to_table(rows))
    report_dataset(writer.finish(), tmp_path / "report")
    drawn = script("draw_report")
    drawn.photograph(tmp_path / "report" / "report.html", tmp_path / "report.png")
    assert size(tmp_path / "report.png") == (drawn.WIDTH, drawn.HEIGHT) == size(IMAGES / "report.png")


def test_the_drawings_of_the_networks_are_those_of_their_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = sorted(path.name for path in IMAGES.glob("hierarchy-*.svg"))
    assert len(names) == 3
    drawn = script("draw_hierarchy")
    monkeypatch.setattr(drawn, "__file__", str(tmp_path / "draw_hierarchy.py"))
    drawn.main()
    for name in names:
        assert (tmp_path / name).read_bytes() == (IMAGES / name).read_bytes()
