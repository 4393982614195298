"""`for-rpc` by ids and by names, in training and in export; other names are categories as before."""

import json
from pathlib import Path

import pytest

from mep3m.dataset.dataset import Cells, Dataset
from mep3m.dataset.named_subsets import subset_of
from mep3m.errors import NotFoundError
from mep3m.product import Product, to_table
from mep3m.store import Store
from tests.cli.runner import ran
from tests.sources.mep3m.test_annotations import record, write

FOOD = "食品/酒水/生鲜/特产"


def dataset(cells: list[Cells]) -> Dataset:
    return Dataset(to_table([Product(f"p{n}", "s", str(n)) for n in range(len(cells))]), tuple(cells))


@pytest.mark.parametrize(
    "cells",
    [
        [(FOOD, "糖果/巧克力"), (FOOD, "饮用水", "矿泉水"), (FOOD, "鲜花绿植"), (FOOD,), ()],
        [("L1-5", "L2-304"), ("L1-5", "L2-324", "L3-7"), ("L1-5", "L2-527"), ("L1-5",), ()],
        [("糖果/巧克力",), ("饮用水",), ("鲜花绿植",), (), ()],
    ],
)
def test_for_rpc_is_known_by_ids_and_by_names(cells: list[Cells]) -> None:
    found = subset_of(dataset(cells), ("for-rpc",))
    assert found.ids == ["p0", "p1"]
    assert list(found.cells) == cells[:2]  # the labels stay as they are


@pytest.mark.parametrize(
    "cells", [[("304",)], [("饮料饮品", "x")], [(FOOD, "饮料", "饮料饮品")], [("L2-304", "x")]]
)
def test_a_name_counts_at_the_level_of_sub_classes_only(cells: list[Cells]) -> None:
    with pytest.raises(
        NotFoundError, match=r"none of the 1 rows is of one of the 26 sub-classes.*--format mep3m"
    ):
        subset_of(dataset(cells), ("for-rpc",))


def test_any_other_name_is_a_category() -> None:
    shelf = dataset([("food", "tea"), ("food", "rice")])
    assert subset_of(shelf, ("food",)).cells == (("tea",), ("rice",))
    with pytest.raises(NotFoundError, match="did you mean 'food'"):
        subset_of(shelf, ("foot",))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MEP-3M's own format: candy, water, and cut flowers, which no checkout of RPC sells."""
    folder = tmp_path_factory.mktemp("mep3m")
    kinds = (
        ("304", "糖果/巧克力", "牛奶巧克力"),
        ("324", "饮用水", "矿泉水瓶装"),
        ("527", "鲜花绿植", "玫瑰花束"),
    )
    rows = []
    for n in range(12):
        for key, name, title in kinds:
            fields = {"class_id": "5", "class_name": FOOD, "sub_class_id": key, "sub_class_name": name}
            rows.append(record(n, **fields, img_path=f"Images/{key}/{n}.jpg", title=f"{title} {n}号"))
    write(folder, rows)
    place = folder / "store"
    assert ran("ingest", folder / "annotations.json", "--format", "mep3m", "--store", place).code == 0
    return place


def test_the_subset_is_exported(store: Path, tmp_path: Path) -> None:
    found = ran("export", store, "--subset", "for-rpc", "--out", tmp_path / "a.json", "--json")
    assert (found.code, found.json["written"], found.json["left_out"]) == (0, 24, 12)
    written = json.loads((tmp_path / "a.json").read_bytes())
    assert {row["sub_class_id"] for row in written} == {"304", "324"}
    assert ran("export", store, "--subset", "nothing", "--out", tmp_path / "b.json").code == 2
    assert not (tmp_path / "b.json").exists()


def test_the_subset_is_trained_on_and_evaluated_on(store: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert ran("train", store, "--subset", "for-rpc", "--set", "epochs=1", "--out", run).code == 0
    assert json.loads((run / "run.json").read_bytes())["data"]["rows"] == 24
    assert ran("evaluate", run, "--data", store, "--json").json["rows"] == 24
    assert Store.open(store).rows == 36
