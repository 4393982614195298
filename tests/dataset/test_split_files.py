"""A split file fits its table whatever the table is called, and one of an earlier version still does."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mep3m.dataset.reading import open_products
from mep3m.dataset.splits import Split
from mep3m.settings.sources import Columns
from tests.cli.runner import ran

NAMED = ("--title", "title", "--labels", "kind")
HEADER = "sku,shop,title,kind\n"


def write(path: Path, count: int = 40, start: int = 0) -> Path:
    rows = [f"{n},{'jd' if n % 2 else 'tmall'},good {n},{'ab'[n % 2]}" for n in range(start, start + count)]
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return path


def split(folder: Path, *more: str) -> Path:
    made = ran("split", write(folder / "items.csv"), *NAMED, *more, "--out", folder / "split.json")
    assert made.code == 0, made.err
    return folder / "split.json"


def train(folder: Path, table: str, *more: str) -> Any:
    return ran(
        "train", folder / table, *NAMED, *more, "--split-file", folder / "split.json", "--set", "epochs=1",
        "--out", folder / "run", "--replace",
    )  # fmt: skip


@pytest.mark.parametrize(
    "more", [("--id", "sku"), (), ("--id", "sku", "--platform", "shop"), ("--platform", "shop")]
)
def test_a_renamed_table_still_fits_its_split(tmp_path: Path, more: tuple[str, ...]) -> None:
    value = json.loads(split(tmp_path, *more).read_text())
    assert not any("items" in product for product in value["train"])
    (tmp_path / "items.csv").rename(tmp_path / "renamed.csv")
    assert train(tmp_path, "renamed.csv", *more).code == 0
    done = ran("evaluate", tmp_path / "run", "--data", tmp_path / "renamed.csv", "--split-file",
               tmp_path / "split.json", "--json")  # fmt: skip
    assert done.json["rows"] == len(value["test"])


def test_the_name_of_a_table_does_not_decide_who_is_tested(tmp_path: Path) -> None:
    sides = []
    for name in ("items.csv", "other.csv"):
        table, out = write(tmp_path / name), tmp_path / f"{name}.json"
        assert ran("split", table, *NAMED, "--kind", "random", "--out", out).code == 0
        sides.append(Split.load(out).test)
    assert sides[0] == sides[1]


@pytest.mark.parametrize("columns", [Columns(id="sku", title="title"), Columns(title="title")])
def test_a_split_of_an_earlier_version_is_read(tmp_path: Path, columns: Columns) -> None:
    products = open_products(write(tmp_path / "items.csv"), columns).products
    lines = dict(zip(products["id"].to_pylist(), products["line"].to_pylist(), strict=True))
    new = Split.load(split(tmp_path, *(("--id", "sku") if columns.id else ())))
    old = replace(
        new,
        content=None,
        train=tuple(f"items:{one}" if columns.id else f"items:items.csv:{lines[one]}" for one in new.train),
        test=tuple(f"items:{one}" if columns.id else f"items:items.csv:{lines[one]}" for one in new.test),
    )
    old.save(tmp_path / "old.json")
    renamed = open_products(write(tmp_path / "renamed.csv"), columns).products
    for table in (products, renamed):
        found, wanted = Split.load(tmp_path / "old.json").rows(table), new.rows(table)
        assert [side.tolist() for side in found] == [side.tolist() for side in wanted]


def test_row_numbers_of_other_rows_are_refused(tmp_path: Path) -> None:
    split(tmp_path)
    for table in (write(tmp_path / "n.csv", 50), write(tmp_path / "n.csv", 40, 1)):
        done = train(tmp_path, table.name)
        assert done.code == 2
        assert "the split lists row numbers, and the rows are not those that were split" in done.err


def test_ids_that_are_gone_are_told(tmp_path: Path) -> None:
    split(tmp_path, "--id", "sku")
    write(tmp_path / "fewer.csv", 30)
    done = train(tmp_path, "fewer.csv", "--id", "sku")
    assert done.code == 2
    assert "the split names 10 products that the dataset lacks" in done.err
