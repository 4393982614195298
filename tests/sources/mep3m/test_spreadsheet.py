"""MEP-3M's spreadsheet and its annotation format: what is written back is what was read, for any tree."""

from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import TaxonomyError
from mep3m.exports.mep3m import write_annotations
from mep3m.product import Label, Product
from mep3m.sources.mep3m.spreadsheet import (
    LEVELS,
    SENTINELS,
    category_id,
    read_taxonomy,
    taxonomy_from_records,
)
from mep3m.taxonomy import Category, Taxonomy
from tests.sources.mep3m.test_annotations import HEADER, sheet


def record(*levels: tuple[object, object], **more: Any) -> dict[str, Any]:
    pairs = [*levels, *[("FALSE", "FALSE")] * 3][:3]
    return {
        f"{name}_{part}": value
        for name, pair in zip(LEVELS, pairs, strict=True)
        for part, value in zip(("id", "name"), pair, strict=True)
    } | more


@pytest.mark.parametrize("missing", [None, False, *SENTINELS])
def test_a_missing_level_ends_the_path_however_it_is_written(missing: object) -> None:
    tree = taxonomy_from_records([record((7, "母婴"), (301, "奶粉"), (missing, missing))])
    assert [node.id for node in tree] == ["L1-7", "L2-301"]
    assert tree["L2-301"].parent == "L1-7"


def test_numbers_may_repeat_across_levels_and_be_text_or_not() -> None:
    tree = taxonomy_from_records([record((7, "母婴"), (7, "奶粉")), record(("7", "母婴"), ("8", "尿裤"))])
    assert [node.id for node in tree] == ["L1-7", "L2-7", "L2-8"]
    assert category_id(2, 7) == category_id(2, "7") == "L2-7"


@pytest.mark.parametrize(
    "other",
    [
        record((7, "玩具"), (301, "奶粉")),
        record((8, "食品"), (301, "奶粉")),
        record((7, "母婴"), (301, "肉")),
    ],
)
def test_a_category_with_two_names_or_two_parents_is_named(other: dict[str, Any]) -> None:
    with pytest.raises(
        TaxonomyError, match=r"category 'L\d-\d+' is .* and also .*; give one of them another id"
    ):
        taxonomy_from_records([record((7, "母婴"), (301, "奶粉")), other])


def test_english_names_are_read_where_there_are_any(tmp_path: Path) -> None:
    columns = ["class_name_en", "sub_class_name_en"]
    rows = [[*HEADER, *columns], [7, "母婴", 301, "奶粉", False, False, "Baby", None]]
    tree = read_taxonomy(sheet(tmp_path / "t.xlsx", rows))
    assert (tree["L1-7"].name_en, tree["L2-301"].name_en) == ("Baby", None)


def test_columns_may_stand_in_any_order_beside_others(tmp_path: Path) -> None:
    order = [5, 0, 3, 1, 4, 2]
    row = [7, "母婴", 301, "奶粉", 600, "进口"]
    rows = [["note", *(HEADER[n] for n in order)], ["x", *(row[n] for n in order)]]
    assert [node.id for node in read_taxonomy(sheet(tmp_path / "t.xlsx", rows))] == [
        "L1-7",
        "L2-301",
        "L3-600",
    ]


TREE = Taxonomy(
    (
        Category("food", "食品", "Food"),
        Category("tea", "茶", "Tea", "food"),
        Category("black", "红茶", None, "tea"),
        Category("home", None, "Home"),
        Category("lamp", "灯", "Lamp", "home"),
    )
)


def written(path: Path, products: list[Product], tree: Taxonomy) -> list[dict[str, Any]]:
    count = write_annotations(products, tree, path)
    rows: list[dict[str, Any]] = orjson.loads(path.read_bytes())
    assert count.products == len(rows)
    return rows


def labelled(*ids: str | None, **more: Any) -> Product:
    return Product("s:1", "s", "1", labels=tuple(Label(key, "mapped", "x") for key in ids), **more)


def test_categories_of_another_tree_are_numbered_in_its_order(tmp_path: Path) -> None:
    """The first level counts from 1; the third level goes on after the second, as in MEP-3M."""
    (row,) = written(tmp_path / "a.json", [labelled("food", "tea", "black")], TREE)
    assert [(row[f"{name}_id"], row[f"{name}_name"]) for name in LEVELS] == [
        ("1", "食品"), ("1", "茶"), ("3", "红茶"),
    ]  # fmt: skip
    (row,) = written(tmp_path / "b.json", [labelled("home", "lamp")], TREE)
    assert [(row[f"{name}_id"], row[f"{name}_name"]) for name in LEVELS] == [
        ("2", "Home"), ("2", "灯"), ("FALSE", "FALSE"),
    ]  # fmt: skip


def test_what_is_missing_has_mep3m_s_words(tmp_path: Path) -> None:
    (row,) = written(tmp_path / "a.json", [labelled()], TREE)
    assert {row[key] for key in row if key.endswith(("_id", "_name"))} == {"FALSE"}
    assert (row["img_path"], row["img_resolution"], row["title"], row["OCR"]) == ("FALSE", [], "", "FALSE")
    product = labelled("food", title="茶", ocr="包邮", image_ref="1.jpg", image_width=220, image_height=293)
    (row,) = written(tmp_path / "b.json", [product], TREE)
    assert (row["img_path"], row["img_resolution"], row["title"], row["OCR"]) == (
        "1.jpg",
        [293, 220, 3],
        "茶",
        "包邮",
    )


def test_dropped_products_are_left_out(tmp_path: Path) -> None:
    rows = [labelled("food", title=str(n), dropped="x" if n % 2 else None) for n in range(5)]
    assert [row["title"] for row in written(tmp_path / "a.json", rows, TREE)] == ["0", "2", "4"]
    assert written(tmp_path / "b.json", [], TREE) == []


def test_labels_that_no_tree_has_are_numbered_and_keep_their_names(tmp_path: Path) -> None:
    (row,) = written(tmp_path / "a.json", [labelled("服装", None, "裙")], Taxonomy(()))
    assert [row[f"{name}_id"] for name in LEVELS] == ["1", "FALSE", "1"]
    assert [row[f"{name}_name"] for name in LEVELS] == ["服装", "FALSE", "裙"]


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(0, 4)), min_size=1, max_size=8))
def test_a_tree_of_mep3m_s_own_numbers_comes_back_whole(
    tmp_path_factory: pytest.TempPathFactory, paths: list[tuple[int, int, int]]
) -> None:
    """The second level is numbered apart from the first, the third apart from both."""
    records = []
    for first, second, third in paths:
        sub, subsub = 10 * first + second, 100 * first + 10 * second + third
        levels = [(first, f"类{first}"), (sub, f"子{sub}"), *([(subsub, f"孙{subsub}")] if third else [])]
        records.append(record(*levels, img_path="FALSE", img_resolution=[], title="茶", OCR="FALSE"))
    tree = taxonomy_from_records(records)
    numbers = [[row[f"{name}_id"] for name in LEVELS] for row in records]
    ids = [[category_id(level, n) for level, n in enumerate(row, 1) if n != "FALSE"] for row in numbers]
    products = [labelled(*row, title="茶") for row in ids]
    found = written(tmp_path_factory.mktemp("m") / "a.json", products, tree)
    text = [{key: str(value) if "_id" in key else value for key, value in row.items()} for row in records]
    assert found == text
    assert taxonomy_from_records(found).version == tree.version


names = st.text(
    st.characters(categories=["L", "N", "P", "Z", "S"], exclude_characters="\u2028\u2029"),
    min_size=1,
    max_size=8,
)
written_texts = names.map(str.strip).filter(lambda text: text and text not in SENTINELS)
leaves = st.sampled_from(
    [(), ("food",), ("food", "tea"), ("food", "tea", "black"), ("home",), ("home", "lamp")]
)


@given(rows=st.lists(st.tuples(leaves, written_texts, st.none() | written_texts), min_size=1, max_size=8))
def test_any_products_come_back_from_the_file_with_their_names(
    rows: list[tuple[tuple[str, ...], str, str | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Ids become MEP-3M's numbers; names, titles and texts are the same after reading."""
    folder = tmp_path_factory.mktemp("back")
    products = [
        Product(
            f"s:{n}",
            "s",
            str(n),
            title=title,
            ocr=ocr,
            labels=tuple(Label(key, "mapped", "x") for key in path),
        )
        for n, (path, title, ocr) in enumerate(rows)
    ]
    assert write_annotations(products, TREE, folder / "a.json").products == len(rows)
    records = orjson.loads((folder / "a.json").read_bytes())
    for record, (path, title, ocr) in zip(records, rows, strict=True):
        shown = [record[f"{level}_name"] for level in LEVELS if record[f"{level}_name"] != "FALSE"]
        assert shown == [TREE[key].name for key in path]
        assert (record["title"], record["OCR"]) == (title, ocr or "FALSE")
    tree = taxonomy_from_records(records)
    used = {path[:depth] for path, *_ in rows for depth in range(1, len(path) + 1)}
    assert len(tree) == len(used)
    assert {tuple(node.name for node in tree.path(one.id)) for one in tree} == {
        tuple(TREE[key].name for key in path) for path in used
    }
