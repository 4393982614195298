"""An excerpt of MEP-3M: one sub-class of the many that its spreadsheet lists."""

from pathlib import Path

import orjson
import pytest
from openpyxl import Workbook

from mep3m.sources.mep3m.spreadsheet import LEVELS
from tests.cli.runner import ran

HEADER = [f"{level}_{part}" for level in LEVELS for part in ("id", "name")]
TREE = [
    [7, "母婴", 1, "孕妈奶粉", False, False],
    [7, "母婴", 2, "纸尿裤", False, False],
    [5, "食品", 3, "水果", 600, "进口水果"],
]


def annotations(folder: Path, *classes: tuple[str, str, str, str]) -> Path:
    """Write ten records a class, as the released file has them."""
    records = [
        {
            "class_id": a, "class_name": b, "sub_class_id": c, "sub_class_name": d,
            "subsub_class_id": "FALSE", "subsub_class_name": "FALSE", "img_path": f"Images/{c}/{n}.jpg",
            "img_resolution": [220, 220, 3], "title": f"{d}新西兰原装进口 {n} 段", "OCR": "FALSE",
        }
        for a, b, c, d in classes
        for n in range(10)
    ]  # fmt: skip
    path = folder / "annotations-1k.json"
    path.write_bytes(orjson.dumps(records, option=orjson.OPT_INDENT_2))
    return path


def spreadsheet(folder: Path) -> Path:
    book = Workbook()
    for row in (HEADER, *TREE):
        book.active.append(row)
    book.save(folder / "dataset_info.xlsx")
    return folder / "dataset_info.xlsx"


MILK = ("7", "母婴", "1", "孕妈奶粉")


@pytest.mark.parametrize("level", [(), ("--level", "2")])
def test_one_class_of_a_larger_tree_is_said_to_be_an_excerpt(tmp_path: Path, level: tuple[str, ...]) -> None:
    file, tree = annotations(tmp_path, MILK), spreadsheet(tmp_path)
    store = tmp_path / "store"
    assert ran("ingest", file, "--format", "mep3m", "--taxonomy", tree, "--store", store).code == 0
    done = ran("train", store, "--modality", "text", *level, "--out", tmp_path / "run")
    assert done.code == 2
    assert "孕妈奶粉" in done.err  # by name, not L2-1
    assert "The category tree has 3" in done.err
    assert "this is an excerpt; take in the rest of the catalogue" in done.err


def test_one_class_without_a_spreadsheet_is_named(tmp_path: Path) -> None:
    store = tmp_path / "store"
    assert ran("ingest", annotations(tmp_path, MILK), "--format", "mep3m", "--store", store).code == 0
    done = ran("train", store, "--modality", "text", "--out", tmp_path / "run")
    assert (done.code, "母婴 > 孕妈奶粉" in done.err, "excerpt" in done.err) == (2, True, False)


def test_two_classes_of_a_larger_tree_are_trained(tmp_path: Path) -> None:
    file, tree = annotations(tmp_path, MILK, ("7", "母婴", "2", "纸尿裤")), spreadsheet(tmp_path)
    store = tmp_path / "store"
    assert ran("ingest", file, "--format", "mep3m", "--taxonomy", tree, "--store", store).code == 0
    assert ran("train", store, "--modality", "text", "--out", tmp_path / "run").code == 0
