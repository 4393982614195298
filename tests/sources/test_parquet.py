"""Parquet: images in every form, lists, objects, class numbers, numbers as text, columns named twice."""

from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mep3m.errors import FormatError
from mep3m.settings.sources import Columns, TableSettings
from mep3m.sources.tables import TableSource, read_products

IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
PHOTO = b"\xff\xd8photo"


def write(folder: Path, table: pa.Table) -> Path:
    pq.write_table(table, folder / "t.parquet")
    return folder / "t.parquet"


def column(folder: Path, array: pa.Array, name: str = "c", **columns: Any) -> tuple[list[Any], list[str]]:
    """Return the paths of rows with one column, and the reasons of what was refused."""
    path = write(folder, pa.table({"id": [str(i) for i in range(len(array))], "c": array}))
    products, rejects = read_products(path, Columns(id="id", path=name, **columns))
    return products["source_path"].to_pylist(), [reject.reason for reject in rejects]


@pytest.mark.parametrize(
    "array",
    [
        pa.array([{"bytes": PHOTO, "path": "1.jpg"}, None], IMAGE),
        pa.array(
            [[{"bytes": PHOTO, "path": "1.jpg"}, {"bytes": b"2", "path": "2.jpg"}], []], pa.list_(IMAGE)
        ),
        pa.array([[None, {"bytes": PHOTO, "path": None}], None], pa.large_list(IMAGE)),
        pa.array([PHOTO, None], pa.binary()),
        pa.array([PHOTO, None], pa.large_binary()),
        pa.array([[PHOTO, b"2"], []], pa.list_(pa.binary())),
    ],
)
def test_images_in_every_form_are_taken(tmp_path: Path, array: pa.Array) -> None:
    path = write(tmp_path, pa.table({"image": array}))
    source = TableSource(path, TableSettings(columns=Columns(image="image")))
    (batch,) = source.read(source.parts()[0])
    assert list(batch.contents or []) == [PHOTO, None]


def test_texts_written_as_bytes_are_paths(tmp_path: Path) -> None:
    path = write(tmp_path, pa.table({"image": pa.array([b"1.jpg", None], pa.binary())}))
    source = TableSource(path, TableSettings(columns=Columns(image="image")))
    (batch,) = source.read(source.parts()[0])
    assert (batch.contents, batch.products["image_ref"].to_pylist()) == (None, ["1.jpg", None])


@pytest.mark.parametrize(
    ("values", "kind", "paths"),
    [
        ([["Home", "Shelves"], None, []], pa.list_(pa.string()), [["Home", "Shelves"], [], []]),
        ([["Home", None], [None]], pa.list_(pa.string()), [["Home"], []]),
        ([[["Home", "Shelves"]], []], pa.list_(pa.list_(pa.string())), [["Home", "Shelves"], []]),
        ([["Home", "A > B"]], pa.large_list(pa.string()), [["Home", "A > B"]]),
        ([["Home", "Shelves"]], pa.list_(pa.string(), 2), [["Home", "Shelves"]]),
    ],
)
def test_lists_are_paths(
    tmp_path: Path, values: list[Any], kind: pa.DataType, paths: list[list[str]]
) -> None:
    assert column(tmp_path, pa.array(values, kind)) == (paths, [])


def test_a_list_is_several_categories_by_a_setting(tmp_path: Path) -> None:
    array = pa.array([["Home > Shelves", "Sale"]])
    assert column(tmp_path, array, lists="categories") == (
        [["Home", "Shelves"]],
        ["a further category of the product; its first one is taken"],
    )


def test_objects_are_refused_and_their_keys_read_where_they_are_named(tmp_path: Path) -> None:
    array = pa.array([[{"id": 5, "name": "Home"}, {"id": 6, "name": "Shelves"}]])
    paths, (reason,) = column(tmp_path, array)
    assert paths == []
    assert reason == "'c' is an object, not text; name one of its keys instead: 'c.id', 'c.name'"
    assert column(tmp_path, array, "c.name") == ([["Home", "Shelves"]], [])
    assert column(tmp_path, pa.array([{"name": "Home"}]), "c.name") == ([["Home"]], [])


def test_a_gap_in_a_list_is_refused_with_its_line(tmp_path: Path) -> None:
    paths, (reason,) = column(tmp_path, pa.array([["Home", None, "Oak"], ["Home"]]))
    assert (paths, reason) == (
        [["Home"]],
        "'c' has an empty name above a deeper one; write every name of the path",
    )


def test_class_names_are_kept_beside_a_list_feature(tmp_path: Path) -> None:
    features = {"label": {"names": ["tea", "lamp"], "_type": "ClassLabel"}, "tags": [{"dtype": "string"}]}
    meta = {b"huggingface": orjson.dumps({"info": {"features": features}})}
    table = pa.table({"label": [1, 0, -1], "tags": [["a"], [], None]}).replace_schema_metadata(meta)
    products, _ = read_products(write(tmp_path, table), Columns(path="label"))
    assert products["source_path"].to_pylist() == [["lamp"], ["tea"], []]


@pytest.mark.parametrize(
    ("values", "kind", "texts"),
    [
        ([6901234567890.0, 1.5, None], pa.float64(), ["6901234567890", "1.5"]),
        ([float("nan"), 7.0, 0.1], pa.float32(), ["7", "0.1"]),
        ([-3.0, 2.0**52], pa.float64(), ["-3", "4503599627370496"]),
    ],
)
def test_whole_numbers_are_written_whole(
    tmp_path: Path, values: list[Any], kind: pa.DataType, texts: list[str]
) -> None:
    path = write(tmp_path, pa.table({"c": pa.array(values, kind)}))
    products, _ = read_products(path, Columns(title="c"))
    assert [title for title in products["title"].to_pylist() if title is not None] == texts


def test_columns_named_twice_are_an_error(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array(["1"]), pa.array(["a"]), pa.array(["b"])], ["id", "c", "c"])
    with pytest.raises(FormatError, match="the header names the column 'c' twice; keep one"):
        read_products(write(tmp_path, table), Columns(title="c"))
