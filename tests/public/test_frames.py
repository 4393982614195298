"""Every form of rows in, every form out."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import mep3m
from mep3m.errors import FormatError, MissingExtraError, NotFoundError, UsageError
from mep3m.public.frames import Frame, needs, to_arrow

COLUMNS = {"id": "sku", "title": "title", "labels": ["kind", "sort"]}


class OnlyStream:
    """A frame of a package that nobody has heard of, with Arrow's C interface."""

    columns = ("title",)

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class OnlyToArrow:
    columns = ("title",)

    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def to_arrow(self) -> pa.Table:
        return self.table


def forms(rows: list[dict[str, Any]]) -> dict[str, Any]:
    table = pa.Table.from_pylist(rows)
    return {
        "dicts": rows,
        "tuple": tuple(rows),
        "columns": table.to_pydict(),
        "table": table,
        "batch": table.combine_chunks().to_batches()[0],
        "stream": OnlyStream(table),
        "to_arrow": OnlyToArrow(table),
    }


@pytest.mark.parametrize("form", ["dicts", "tuple", "columns", "table", "batch", "stream", "to_arrow"])
def test_every_form_of_rows_is_the_same_dataset(rows: list[dict[str, Any]], form: str) -> None:
    products = mep3m.load(forms(rows)[form], **COLUMNS)
    assert len(products) == len(rows)
    assert products.to_arrow().select(["id", "title", "level_1", "level_2"]).to_pylist()[1] == {
        "id": "S01",
        "title": "海南香蕉 0斤 新鲜",
        "level_1": "水果",
        "level_2": "香蕉",
    }


def test_a_pandas_frame_goes_in_and_comes_out(rows: list[dict[str, Any]], run: mep3m.TrainedRun) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows, index=[f"r{n}" for n in range(len(rows))])
    frame["sort"] = frame["sort"].astype("category")
    frame.loc["r0", "kind"] = None
    frame.loc["r1", "kind"] = float("nan")
    products = mep3m.load(frame, **COLUMNS)
    assert products.dataset.cells[0] == (None, "苹果")
    assert [level.rows for level in products.levels()] == [58, 60]
    assert list(products.to_pandas().columns)[:3] == ["id", "platform", "title"]
    answers = run.predict(frame).to_pandas()
    assert isinstance(answers, pandas.DataFrame)
    assert answers["id"].tolist() == frame["sku"].tolist()
    assert (answers["level_2"] == frame["sort"].astype(str).to_numpy()).mean() > 0.9
    assert run.predict(frame["title"])["level_2"] == answers["level_2"].tolist()
    assert [level.n for level in run.evaluate(frame).levels] == [58, 60]


def test_a_polars_frame_goes_in_and_comes_out(rows: list[dict[str, Any]], run: mep3m.TrainedRun) -> None:
    polars = pytest.importorskip("polars")
    frame = polars.DataFrame(rows)
    for form in (frame, frame.lazy(), frame.with_columns(polars.col("sort").cast(polars.Categorical))):
        assert len(mep3m.load(form, **COLUMNS)) == 60
    answers = run.predict(frame)
    assert isinstance(answers.to_polars(), polars.DataFrame)
    assert polars.DataFrame(answers)["level_2"].to_list() == answers["level_2"]
    assert run.predict(frame["title"])["level_2"] == answers["level_2"]
    assert mep3m.load(frame, **COLUMNS).to_polars().columns[2] == "title"


def test_a_package_that_is_not_there_is_named_with_its_install_command(
    rows: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="pip install pandas"):
        mep3m.load(rows, **COLUMNS).to_pandas()
    with pytest.raises(MissingExtraError, match="pip install no_such_frames"):
        needs("no_such_frames")


def test_a_frame_is_columns_rows_and_text() -> None:
    frame = Frame(pa.table({"a": [1, 2], "b": ["x", None]}), lambda row: tuple(row.values()))
    assert list(frame) == [(1, "x"), (2, None)]
    assert frame["b"] == ["x", None]
    assert repr(frame) == "2 rows\na | b\n1 | x\n2 | None"
    assert pa.table(frame).equals(frame.to_arrow())
    with pytest.raises(NotFoundError, match=r"no column 'c'"):
        frame["c"]
    long = Frame(pa.table({"a": list(range(12))}), dict)
    assert repr(long).splitlines()[-1] == "… and 2 more"


def test_a_key_that_the_first_row_lacks_is_a_column(rows: list[dict[str, Any]]) -> None:
    table = to_arrow([{"title": "a"}, {"title": "b", "extra": 1}])
    assert table.to_pydict() == {"title": ["a", "b"], "extra": [None, 1]}


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        ([], UsageError, "the list has no rows"),
        ({"title": []}, UsageError, "the dict has no rows"),
        (7, UsageError, "not int"),
        ([1, 2], UsageError, "holding int"),
        ([{"a": 1}, "b"], UsageError, "holding str"),
        ([{"a": 1}, {"a": "x"}], FormatError, "values of one type"),
        ({"a": [1], "b": [1, 2]}, FormatError, "columns"),
    ],
)
def test_what_is_no_frame_is_refused_with_what_to_give(
    data: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        to_arrow(data)


def test_numbers_lists_and_bytes_in_columns(rows: list[dict[str, Any]]) -> None:
    table = pa.table({"title": ["a", "b"], "where": [["x", "y"], ["x"]], "raw": [b"1", b"2"]})
    assert mep3m.load(table, title="title", path="where").dataset.paths == (("x", "y"), ("x",))
    assert mep3m.load({"title": [1, 2]}, title="title").to_arrow()["title"].to_pylist() == ["1", "2"]
    with pytest.raises(FormatError, match="column 'raw' of the frame holds binary"):
        mep3m.load(table, title="raw")


def test_paths_are_texts_or_paths(table_file: Path) -> None:
    assert len(mep3m.load(str(table_file), **COLUMNS)) == len(mep3m.load(table_file, **COLUMNS)) == 60


def test_the_missing_texts_of_pandas_are_missing(run: mep3m.TrainedRun) -> None:
    nan = float("nan")
    assert to_arrow([{"title": "a"}, {"title": nan}])["title"].to_pylist() == ["a", None]
    assert to_arrow({"title": ["a", nan], "n": [1.5, nan]}).to_pydict() == {
        "title": ["a", None],
        "n": [1.5, None],
    }
    assert to_arrow(["a", nan, None])["title"].to_pylist() == ["a", None, None]
    assert len(run.predict(["苹果", nan])) == 2


def test_records_and_series_of_pandas(rows: list[dict[str, Any]], run: mep3m.TrainedRun) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(rows)
    frame.loc[2, "title"] = None
    frame.loc[3, "price"] = float("nan")
    records = frame.to_dict("records")
    assert mep3m.load(records, **COLUMNS).to_arrow().equals(mep3m.load(frame, **COLUMNS).to_arrow())
    assert run.predict(frame["title"])["level_2"] == run.predict(records)["level_2"]
    assert len(mep3m.load(frame.rename(columns={"title": 0}), title="0")) == 60


@pytest.mark.parametrize(
    "titles",
    [
        ("苹果", "手机"),
        iter(["苹果", "手机"]),
        (title for title in ["苹果", "手机"]),
        pa.array(["苹果", "手机"]),
        pa.chunked_array([["苹果"], ["手机"]]),
        __import__("numpy").array(["苹果", "手机"]),
        {"苹果": 1, "手机": 2}.keys(),
    ],
    ids=["tuple", "iterator", "generator", "array", "chunks", "numpy", "keys"],
)
def test_titles_in_any_sequence(titles: Any) -> None:
    assert to_arrow(titles).to_pydict() == {"title": ["苹果", "手机"]}


def test_a_column_that_is_there_twice_is_refused() -> None:
    table = pa.Table.from_arrays([pa.array(["a"]), pa.array(["b"])], ["title", "title"])
    with pytest.raises(FormatError, match="the Table has the column 'title' twice; rename one"):
        to_arrow(table)


@pytest.mark.parametrize(
    "values",
    [
        pa.array(["a", None, "a"]).dictionary_encode(),
        pa.DictionaryArray.from_arrays(pa.array([0, None, 0]), pa.array(["a"]).cast(pa.string_view())),
        pa.array(["a", None, "a"]).cast(pa.string_view()),
        pa.chunked_array([pa.array(["a", None]).dictionary_encode(), pa.array(["a"]).dictionary_encode()]),
    ],
    ids=["categories", "categories of views", "views", "chunks with their own categories"],
)
def test_encodings_of_other_packages_are_undone(values: Any) -> None:
    table = to_arrow(pa.table({"title": values}))
    assert table["title"].type == pa.string()
    assert table["title"].to_pylist() == ["a", None, "a"]


def test_nothing_of_the_callers_frame_is_changed(rows: list[dict[str, Any]]) -> None:
    before = [dict(row) for row in rows]
    mep3m.load(rows, **COLUMNS)
    assert rows == before


def test_a_frame_of_nothing_has_its_columns(rows: list[dict[str, Any]]) -> None:
    empty = Frame(pa.table({"a": pa.array([], pa.string())}), dict)
    assert (len(empty), list(empty), repr(empty)) == (0, [], "0 rows\na")
    assert empty["a"] == []
