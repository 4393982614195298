"""Keywords for columns, paths, and where a dataset lies."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mep3m.dataset.reading import store_folder
from mep3m.errors import NotFoundError, StoreError, UsageError
from mep3m.public.inputs import (
    ColumnNames,
    column_fields,
    existing,
    image_root_of,
    is_path,
    open_any,
    open_frame,
    open_path,
)
from mep3m.settings.sources import Columns
from mep3m.store import FolderImages, Plan, StoreWriter


def finished(folder: Path, step: str = "ingest") -> Path:
    """An empty store that is finished."""
    StoreWriter.begin(folder, Plan(step, {}, ())).finish()
    return folder


def test_every_keyword_is_a_field_of_the_column_map_or_the_folder_of_images() -> None:
    given = {**dict.fromkeys(ColumnNames.__annotations__, "x"), "lists": "path"}
    del given["path"]
    fields = column_fields({**given, "labels": ["a", "b"]})
    assert set(fields) == set(Columns.model_fields) - {"path"}
    assert Columns.parse(fields, "test").platform == "x"
    assert Columns.parse(column_fields({"path": "p", "separator": "/"}), "test").separator == "/"


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({}, {}),
        ({"title": None}, {}),
        ({"labels": "kind"}, {"labels": ("kind",)}),
        ({"labels": ["a", "b"]}, {"labels": ["a", "b"]}),
        ({"platform": "shop", "image_root": "pictures"}, {"platform": "shop"}),
    ],
)
def test_keywords_become_fields(given: dict[str, Any], fields: dict[str, Any]) -> None:
    assert column_fields(given) == fields


@pytest.mark.parametrize(
    ("wrong", "near"), [("lables", "labels"), ("images", "image"), ("plattform", "platform"), ("ids", "id")]
)
def test_a_wrong_keyword_names_the_nearest(wrong: str, near: str) -> None:
    with pytest.raises(UsageError, match=rf"no option '{wrong}' \(did you mean '{near}'\?"):
        column_fields({wrong: "x"})


def test_paths_are_texts_and_path_objects(tmp_path: Path) -> None:
    class Own(os.PathLike[str]):
        def __fspath__(self) -> str:
            return str(tmp_path)

    assert [is_path(data) for data in ("a", Path("a"), Own(), ["a"], pa.table({"a": [1]}), None)] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]
    assert existing(Own()) == existing(str(tmp_path)) == tmp_path
    with pytest.raises(
        NotFoundError, match=r"'红富士苹果 5斤' is no file or folder; a single title is given in a list"
    ):
        existing("红富士苹果 5斤")


def test_the_folder_of_images_is_made_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert image_root_of({}) is None
    assert image_root_of({"image_root": "pictures"}) == tmp_path / "pictures"
    opened = open_frame(pa.table({"photo": ["a.png"]}), Columns(image="photo"))
    assert isinstance(opened.images, FolderImages)
    assert opened.images.locate({"image_ref": "a.png"}) == tmp_path / "a.png"


def test_a_build_is_its_last_step_and_a_store_is_itself(tmp_path: Path) -> None:
    for place, step in (("1-ingest", "ingest"), ("5-align", "align"), ("3-dedupe", "dedupe")):
        finished(tmp_path / "built" / place, step)
    (tmp_path / "built" / "model").mkdir()
    assert store_folder(tmp_path / "built").name == "5-align"
    assert store_folder(tmp_path / "built" / "3-dedupe").name == "3-dedupe"


def test_an_unfinished_store_is_said_to_be_so(tmp_path: Path) -> None:
    StoreWriter.begin(tmp_path / "store", Plan("ingest", {}, ("p", "q")))
    with pytest.raises(StoreError, match=r"is unfinished \(0 of 2 shards\)"):
        open_path(tmp_path / "store", Columns())


def test_an_empty_store_has_no_rows(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no rows to work on"):
        open_path(finished(tmp_path / "store"), Columns())


def test_a_list_of_titles_is_the_column_that_the_caller_names() -> None:
    opened = open_any(["茶", None, "米"], Columns(title="name"))
    assert opened.products["title"].to_pylist() == ["茶", None, "米"]
    assert opened.images is None
    assert opened.taxonomy is None


def test_a_frame_without_named_columns_lists_those_it_has() -> None:
    with pytest.raises(UsageError, match=r"at least title= or image= \(it has name, price\)"):
        open_frame(pa.table({"name": ["a"], "price": [1]}), Columns())


def test_a_file_is_read_as_the_commands_read_it(table_file: Path) -> None:
    opened = open_any(table_file, Columns(title="title", labels=("kind",), id="sku"))
    assert opened.products.num_rows == 60
    with pytest.raises(NotFoundError, match="did you mean 'title'"):
        open_any(str(table_file), Columns(title="titel"))
