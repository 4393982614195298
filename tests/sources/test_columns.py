"""From cells to products, column by column: the same as row by row in plain Python."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.product import PRODUCT_SCHEMA, from_table
from mep3m.settings.sources import Columns
from mep3m.sources.columns import (
    PATH_MARK,
    ColumnMap,
    clean,
    given_labels,
    join_levels,
    product_table,
    refuse_repeated_ids,
    split_path,
    stable_ids,
    without,
    wrong_row,
)
from mep3m.sources.delimited import Row

CELL = st.none() | st.sampled_from(["", " ", "茶", " 茶 ", "\u3000米\n", "a b", "0"])
NAME = st.none() | st.sampled_from("茶米酒")


def texts(values: list[str | None]) -> pa.Array:
    return pa.array(values, pa.string())


@given(st.lists(CELL))
def test_cleaning_trims_and_an_empty_cell_is_missing(values: list[str | None]) -> None:
    expected = [(value.strip() or None) if value is not None else None for value in values]
    found = clean(texts(values))
    assert found.to_pylist() == expected
    assert clean(found).equals(found)


def test_numbers_are_cleaned_as_text() -> None:
    assert clean(pa.array([1, None, 30])).to_pylist() == ["1", None, "30"]


def test_a_column_without_anything_to_leave_out_is_not_copied() -> None:
    column = texts(["茶", None])
    assert without(column, pa.array([False, False])) is column
    assert without(column, pa.array([True, False])).to_pylist() == [None, None]


@given(
    st.integers(0, 5).flatmap(
        lambda n: st.lists(st.lists(NAME, min_size=n, max_size=n), min_size=1, max_size=4)
    )
)
def test_levels_join_to_the_deepest_that_is_known(levels: list[list[str | None]]) -> None:
    expected = []
    for row in zip(*levels, strict=True):
        deepest = max((place for place, name in enumerate(row, 1) if name is not None), default=0)
        expected.append(list(row[:deepest]))
    assert join_levels([texts(level) for level in levels]).to_pylist() == expected


@given(st.lists(st.none() | st.lists(st.sampled_from(["茶", " 米", "", "  ", "酒 "])).map(" > ".join)))
def test_a_path_is_split_and_its_empty_names_are_left_out(cells: list[str | None]) -> None:
    expected = [[name.strip() for name in (cell or "").split(">") if name.strip()] for cell in cells]
    assert split_path(texts(cells), ">").to_pylist() == expected
    whole = split_path(texts(["x>y", *cells]), ">")
    assert split_path(texts(["x>y", *cells]).slice(1), ">").to_pylist() == whole.to_pylist()[1:]


@given(st.lists(st.lists(NAME, max_size=3), max_size=6))
def test_labels_are_those_of_the_source_whoever_it_is(paths: list[list[str | None]]) -> None:
    column = pa.array(paths, pa.list_(pa.string()))
    owners = [f"shop{place % 2}" for place in range(len(paths))]
    for by in ("shop0", texts(owners)):
        found = given_labels(column, by).to_pylist()
        names = owners if not isinstance(by, str) else ["shop0"] * len(paths)
        assert found == [
            [{"category": name, "origin": "given", "by": owner, "confidence": None} for name in path]
            for path, owner in zip(paths, names, strict=True)
        ]


def test_a_table_of_products_fills_in_what_was_not_given() -> None:
    table = product_table({"source": texts(["a"]), "source_id": texts(["1"])}, 1)
    assert table.schema == PRODUCT_SCHEMA
    (product,) = from_table(table)
    assert (product.id, product.labels, product.title, product.line) == ("a:1", (), None, None)


def test_labels_that_were_given_are_kept() -> None:
    path = pa.array([["茶"]], pa.list_(pa.string()))
    own = given_labels(pa.array([["L1-1"]], pa.list_(pa.string())), "m")
    columns = {"source": texts(["m"]), "source_id": texts(["1"]), "source_path": path, "labels": own}
    (product,) = from_table(product_table(columns, 1))
    assert (product.category(1), product.source_path) == ("L1-1", ("茶",))


@given(st.lists(CELL, max_size=6))
def test_a_row_without_an_id_gets_its_place(values: list[str | None]) -> None:
    lines = np.arange(2, 2 + len(values), dtype=np.int64)
    found = stable_ids(texts(values), "shop.csv", lines).to_pylist()
    expected = [
        (value or "").strip() or f"shop.csv:{line}" for value, line in zip(values, lines, strict=True)
    ]
    assert found == expected
    assert stable_ids(None, "shop.csv", lines).to_pylist() == [f"shop.csv:{line}" for line in lines]


@pytest.mark.parametrize(
    ("cells", "width", "reason"),
    [
        (["a", "b"], 2, None),
        ([], 0, None),
        (["a"], 2, "the row has 1 fields, the header has 2"),
        (["a", "b", "c"], 2, "the row has 3 fields, the header has 2"),
        (["a", "b\x00"], 2, "a field contains a NUL character"),
    ],
)
def test_a_row_is_refused_for_its_width_or_a_nul(cells: list[str], width: int, reason: str | None) -> None:
    assert wrong_row(cells, width) == reason


HEADER = ("sku", "name", "dept", "kind", "photo", "shop", "words")
COLUMNS = Columns(
    id="sku", title="name", labels=("dept", "kind"), image="photo", platform="shop", ocr="words"
)


def test_every_role_comes_from_its_own_column() -> None:
    row = Row(7, ["1", "红茶", "食品", "茶", "1.jpg", "京", "包邮"])
    (product,) = from_table(ColumnMap(COLUMNS, "file", "a.csv").batch([row], HEADER).products)
    assert (product.id, product.source, product.source_id) == ("京:1", "京", "1")
    assert (product.title, product.ocr, product.image_ref) == ("红茶", "包邮", "1.jpg")
    assert product.source_path == ("食品", "茶")
    assert [(label.category, label.origin, label.by) for label in product.labels] == [
        ("食品", "given", "京"),
        ("茶", "given", "京"),
    ]
    assert (product.file, product.line, product.image, product.dropped) == ("a.csv", 7, None, None)


def test_a_row_that_names_no_shop_is_of_the_file_s() -> None:
    row = Row(7, ["1", "红茶", "", "", "", " ", ""])
    (product,) = from_table(ColumnMap(COLUMNS, "file", "a.csv").batch([row], HEADER).products)
    assert (product.source, product.labels, product.source_path) == ("file", (), ())


def test_refused_rows_keep_their_text_and_take_no_neighbour_along() -> None:
    rows = [
        Row(2, ["1", "茶"]),
        Row(3, [], "a quote is opened and never closed", '2,"米'),
        Row(4, ["3"]),
        Row(5, ["4", "酒"]),
    ]
    batch = ColumnMap(Columns(id="id", title="t"), "shop", "a.csv").batch(
        rows, ("id", "t"), [b"1", b"2", b"3", b"4"]
    )
    assert batch.products["source_id"].to_pylist() == ["1", "4"]
    assert batch.contents == [b"1", b"4"]
    assert [(reject.line, reject.value) for reject in batch.rejects] == [(3, '2,"米'), (4, "3")]
    assert batch.rejects[1].reason == "the row has 1 fields, the header has 2"


def test_a_path_that_is_written_with_the_shop_s_own_separator() -> None:
    columns = Columns(path="p", separator=" / ")
    found = ColumnMap(columns, "s", "f").batch([Row(1, ["食品 / 茶 / "]), Row(2, ["a/b"])], ["p"]).products
    assert found["source_path"].to_pylist() == [["食品", "茶"], ["a/b"]]
    marked = ColumnMap(Columns(path="p", separator=PATH_MARK), "s", "f")
    assert marked.batch([Row(1, [f"食品{PATH_MARK}茶"])], ["p"]).products["source_path"].to_pylist() == [
        ["食品", "茶"]
    ]


@given(st.lists(st.integers(0, 4), max_size=12))
def test_the_first_row_of_an_id_stays_and_every_later_one_names_it(numbers: list[int]) -> None:
    rows = [Row(place, [str(number)]) for place, number in enumerate(numbers, start=2)]
    table = ColumnMap(Columns(id="id"), "s", "f.csv").batch(rows, ["id"]).products
    kept, rejects = refuse_repeated_ids(table)
    first: dict[int, int] = {}
    again = []
    for place, number in enumerate(numbers, start=2):
        if number in first:
            again.append((place, str(number), f"the id is already used by f.csv, line {first[number]}"))
        first.setdefault(number, place)
    assert kept["line"].to_pylist() == sorted(first.values())
    assert [(reject.line, reject.value, reject.reason) for reject in rejects] == again
    assert kept.num_rows + len(rejects) == len(numbers)
