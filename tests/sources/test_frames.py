"""Frames through a column map: the same products as the same table in a file."""

import datetime
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import FormatError, NotFoundError
from mep3m.product import PRODUCT_SCHEMA
from mep3m.settings.sources import Columns
from mep3m.sources.frames import products_of_frame
from mep3m.sources.tables import read_products

COLUMNS = Columns(id="sku", title="name", labels=("one", "two"), image="photo", ocr="read", source="shop")
TEXTS = st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6))


def frame(**columns: Any) -> pa.Table:
    return pa.table(columns)


def products(table: pa.Table, **columns: Any) -> list[dict[str, Any]]:
    found, rejects = products_of_frame(table, Columns(**columns))
    assert rejects == []
    assert found.schema.equals(PRODUCT_SCHEMA)
    return list(found.to_pylist())


@given(
    st.lists(
        st.fixed_dictionaries(dict.fromkeys(("name", "one", "two", "photo", "read", "shop"), TEXTS)),
        min_size=1,
        max_size=6,
    )
)
def test_a_frame_and_the_same_parquet_file_are_the_same_products(rows: list[dict[str, str | None]]) -> None:
    import tempfile

    table = pa.Table.from_pylist(
        [{"sku": f"k{n}", **row} for n, row in enumerate(rows)],
        schema=pa.schema([(name, pa.string()) for name in COLUMNS.names()]),
    )
    of_frame, refused = products_of_frame(table, COLUMNS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "frame.parquet"
        pq.write_table(table, path)
        of_file, refused_too = read_products(path, COLUMNS, source="frame")
    apart = ["file"]
    assert of_frame.drop_columns(apart).equals(of_file.drop_columns(apart))
    assert len(refused) == len(refused_too) == 0


def test_cells_are_trimmed_and_empty_ones_are_missing() -> None:
    rows = products(frame(name=["  茶 ", "   ", None]), title="name")
    assert [row["title"] for row in rows] == ["茶", None, None]


def test_rows_are_numbered_from_one_and_named_after_the_frame() -> None:
    rows = products(frame(name=["a", "b"]), title="name")
    assert [(row["id"], row["file"], row["line"]) for row in rows] == [
        ("frame:frame:1", "frame", 1),
        ("frame:frame:2", "frame", 2),
    ]


def test_labels_end_at_the_deepest_and_keep_a_gap() -> None:
    rows = products(
        frame(name=["a"] * 4, one=["x", None, "x", None], two=["y", "y", None, None]), labels=("one", "two")
    )
    assert [row["source_path"] for row in rows] == [["x", "y"], [None, "y"], ["x"], []]
    assert [[label["category"] for label in row["labels"]] for row in rows] == [
        ["x", "y"],
        [None, "y"],
        ["x"],
        [],
    ]
    assert rows[0]["labels"][0]["origin"] == "given"


@pytest.mark.parametrize(
    "where",
    [
        pa.array([["x", "y"], ["x"]]),
        pa.array([["x", "y"], ["x"]], pa.large_list(pa.large_string())),
        pa.array(["x > y", "x"]),
        pa.array(["x>y", " x > "]),
    ],
    ids=["list", "large list", "text", "text without spaces"],
)
def test_a_path_is_a_list_or_a_text(where: pa.Array) -> None:
    rows = products(frame(name=["a", "b"], where=where), title="name", path="where")
    assert [row["source_path"] for row in rows] == [["x", "y"], ["x"]]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (pa.array([7, None]), ["7", None]),
        (pa.array([True, None]), ["true", None]),
        (pa.array(["a", None], pa.large_string()), ["a", None]),
        (pa.array([datetime.date(2026, 1, 2), None]), ["2026-01-02", None]),
        (pa.nulls(2), [None, None]),
    ],
    ids=["whole numbers", "truth values", "large text", "dates", "nothing"],
)
def test_what_is_no_text_is_read_as_text(values: pa.Array, text: list[str | None]) -> None:
    assert [row["title"] for row in products(frame(name=values), title="name")] == text


def test_the_chunks_of_a_column_are_joined() -> None:
    chunked = pa.table({"name": pa.chunked_array([["a"], [], ["b", "c"]])})
    assert [row["title"] for row in products(chunked, title="name")] == ["a", "b", "c"]


def test_class_numbers_get_the_names_that_the_metadata_has() -> None:
    features = {"info": {"features": {"kind": {"names": ["茶", "米"], "_type": "ClassLabel"}}}}
    table = frame(name=["a", "b", "c"], kind=[1, 0, -1]).replace_schema_metadata(
        {"huggingface": json.dumps(features)}
    )
    rows = products(table, title="name", labels=("kind",))
    assert [row["source_path"] for row in rows] == [["米"], ["茶"], []]


def test_a_repeated_id_is_refused_with_the_row_of_the_first() -> None:
    table = frame(sku=["1", "2", "1"], name=["a", "b", "c"])
    found, rejects = products_of_frame(table, Columns(id="sku", title="name"))
    assert found["title"].to_pylist() == ["a", "b"]
    assert [(reject.line, reject.value, reject.reason) for reject in rejects] == [
        (3, "1", "the id is already used by frame, line 1")
    ]


def test_the_platform_is_a_column_or_the_frame() -> None:
    table = frame(sku=["1", "1"], name=["a", "b"], shop=["x", None])
    rows = products(table, id="sku", title="name", source="shop")
    assert [row["id"] for row in rows] == ["x:1", "frame:1"]
    assert rows[0]["source"] == "x"


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        (
            frame(nam=["a"]),
            NotFoundError,
            r"the frame has no column 'name' \(did you mean 'nam'\? allowed: nam\)",
        ),
        (
            frame(name=[b"a"]),
            FormatError,
            "column 'name' of the frame holds binary; give text or image paths",
        ),
        (
            frame(name=[{"bytes": b"a", "path": "x"}]),
            FormatError,
            "holds struct<bytes: binary, path: string>",
        ),
        (frame(name=[[["a"]]]), Exception, "list"),
    ],
    ids=["no column", "bytes", "embedded images", "lists of lists"],
)
def test_what_cannot_be_read_is_said(table: pa.Table, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        products_of_frame(table, Columns(title="name"))
