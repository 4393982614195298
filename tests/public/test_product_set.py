"""Datasets from files, frames, stores and builds: counted, split, narrowed down."""

from pathlib import Path
from typing import Any

import pytest

import mep3m
from mep3m.errors import NotFoundError, StoreError, UsageError
from mep3m.product import Label, Product, to_table
from mep3m.store import Plan, StoreWriter
from mep3m.taxonomy import Category, Taxonomy

COLUMNS = {"id": "sku", "title": "title", "labels": ["kind", "sort"]}


@pytest.fixture
def products(rows: list[dict[str, Any]]) -> mep3m.ProductSet:
    return mep3m.load(rows, **COLUMNS)


def store(folder: Path) -> Path:
    labels = (Label("f", "mapped", "rule", 0.9), Label("f.t", "mapped", "rule", 0.8))
    rows = [Product(f"s:{n}", "s", str(n), title=f"茶 {n}", labels=labels) for n in range(4)]
    rows.append(Product("s:9", "s", "9", title="坏", labels=labels, dropped="quality: empty"))
    writer = StoreWriter.begin(folder, Plan("align", {}, ("p",)))
    writer.write(0, to_table(rows))
    tree = Taxonomy((Category("f", "食品", "Food"), Category("f.t", "茶", parent="f")))
    tree.save(folder / "taxonomy.json")
    writer.finish()
    return folder


def test_a_store_has_names_for_its_ids_and_leaves_out_what_was_dropped(tmp_path: Path) -> None:
    opened = mep3m.load(str(store(tmp_path / "store")))
    assert len(opened) == 4
    assert next(iter(opened)).category(2) == "f.t"
    assert list(opened.classes(2)) == [mep3m.ClassCount("f.t", "茶", 4)]
    counts = opened.statistics()
    assert (counts.rows, counts.kept, counts.dropped) == (5, 4, {"quality: empty": 1})
    assert counts.platforms == {"s": 4}
    assert counts.title_length == 3
    narrowed = opened.subset("f")
    assert [label.confidence for label in next(iter(narrowed)).labels] == [pytest.approx(0.8)]
    assert isinstance(mep3m.Store.open(str(tmp_path / "store")), mep3m.Store)
    assert mep3m.Taxonomy.load(str(tmp_path / "store" / "taxonomy.json"))["f"].name == "食品"


def test_the_folder_of_a_build_is_its_last_store(tmp_path: Path) -> None:
    store(tmp_path / "built" / "5-align")
    assert len(mep3m.load(tmp_path / "built")) == 4
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match=r"holds no store; make one with mep3m\.ingest_catalogue"):
        mep3m.load(tmp_path / "empty")
    with pytest.raises(UsageError, match="columns are named of tables only"):
        mep3m.load(tmp_path / "built", title="title")


def test_a_split_keeps_duplicates_together_and_is_the_same_again(products: mep3m.ProductSet) -> None:
    train, test = products.split(test_share=0.3, seed=4)
    again, _ = products.split(test_share=0.3, seed=4)
    assert train.dataset.ids == again.dataset.ids
    assert not set(train.dataset.ids) & set(test.dataset.ids)
    assert len(train) + len(test) == 60
    assert train.columns == products.columns
    with pytest.raises(NotFoundError, match="no product comes from the platform 'x'"):
        products.split("platform", platforms=["x"])


def test_a_level_and_a_subset_are_tasks_of_their_own(products: mep3m.ProductSet, tmp_path: Path) -> None:
    fine = products.at_level(2)
    assert (fine.depth, fine.dataset.paths[0]) == (1, ("苹果",))
    fruit = products.subset("水果")
    assert (len(fruit), fruit.dataset.paths[0]) == (30, ("苹果",))
    assert mep3m.train(fruit, out=tmp_path / "fruit").labels() == ["苹果", "香蕉"]
    with pytest.raises(NotFoundError, match="did you mean '水果'"):
        products.subset("水果s")
    with pytest.raises(UsageError, match="no level 3"):
        products.classes(3)


def test_counts_of_a_frame(products: mep3m.ProductSet) -> None:
    assert products.levels() == (mep3m.LevelCount(1, 2, 60), mep3m.LevelCount(2, 4, 60))
    assert products.classes()["rows"] == [30, 30]
    assert products.statistics().levels == products.levels()
    assert repr(products) == "<ProductSet of 60 products: 2 classes, 4 classes>"
    assert mep3m.load(products) is products


def test_a_row_that_is_refused_says_why(rows: list[dict[str, Any]]) -> None:
    opened = mep3m.load([*rows, rows[0]], **COLUMNS)
    assert len(opened) == 60
    assert opened.refused[0].reason == "the id is already used by frame, line 1"
    assert opened.statistics().refused == {opened.refused[0].reason: 1}


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"title": "titel"}, NotFoundError, r"the frame has no column 'titel' \(did you mean 'title'\?"),
        ({"titel": "title"}, UsageError, r"no option 'titel' \(did you mean 'title'\?"),
        ({}, UsageError, "name the columns of the frame, at least title= or image="),
        ({"title": "title", "labels": ["sort"], "path": "kind"}, UsageError, "not both"),
    ],
)
def test_wrong_columns_are_named(
    rows: list[dict[str, Any]], given: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        mep3m.load(rows, **given)


def test_a_title_without_a_list_is_not_taken_for_a_file() -> None:
    with pytest.raises(NotFoundError, match=r"a single title is given in a list: \['红富士苹果'\]"):
        mep3m.load("红富士苹果", title="title")
