"""What a run is asked about: its own columns, every row, the caller's ids."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import mep3m
from mep3m.assignment.run import Run
from mep3m.errors import NotFoundError, UsageError
from mep3m.product import Label, Product, to_table
from mep3m.public.rows import ask
from mep3m.settings.sources import Columns
from mep3m.store import Plan, StoreWriter


def with_columns(run: mep3m.TrainedRun, **columns: Any) -> Run:
    """The run as if it had been trained with other columns."""
    return replace(run.run, columns=Columns(**columns))


def titles(asked: Any) -> list[str | None]:
    found: list[str | None] = asked.opened.products["title"].to_pylist()
    return found


def test_the_columns_are_those_of_training(run: mep3m.TrainedRun) -> None:
    asked = ask(run.run, [{"title": "茶", "sku": "k", "kind": "食品"}], {})
    assert (titles(asked), asked.ids) == (["茶"], ["k"])
    assert asked.opened.products["source_path"].to_pylist() == [None]


def test_labels_are_read_only_where_they_are_asked_for(run: mep3m.TrainedRun) -> None:
    row = {"title": "茶", "kind": "食品", "sort": None}
    assert ask(run.run, [row], {}, labels=True).opened.products["source_path"].to_pylist() == [["食品"]]
    with pytest.raises(NotFoundError, match=r"the frame has no column 'kind'"):
        ask(run.run, [{"title": "茶", "sort": "绿茶"}], {}, labels=True)
    given = {"labels": ("sort",)}
    asked = ask(run.run, [{"title": "茶", "sort": "绿茶"}], given, labels=True)
    assert asked.opened.products["source_path"].to_pylist() == [["绿茶"]]


@pytest.mark.parametrize(
    ("rows", "ids"),
    [
        ([{"title": "a"}, {"title": "b"}], ["0", "1"]),
        ([{"title": "a", "sku": 7}, {"title": "b", "sku": None}], ["7", "1"]),
        ([{"title": "a", "sku": "x"}, {"title": "b", "sku": "x"}], ["x", "x"]),
        ([{"title": "a", "sku": 1.5}], ["1.5"]),
    ],
    ids=["none", "some", "repeated", "numbers"],
)
def test_the_ids_are_the_callers(run: mep3m.TrainedRun, rows: list[dict[str, Any]], ids: list[str]) -> None:
    asked = ask(run.run, rows, {})
    assert asked.ids == ids
    assert len(titles(asked)) == len(rows)


def test_a_run_trained_on_a_store_reads_a_column_called_title(run: mep3m.TrainedRun) -> None:
    asked = ask(with_columns(run), [{"title": "茶"}], {})
    assert titles(asked) == ["茶"]
    assert titles(ask(with_columns(run), ["茶", None], {})) == ["茶", None]
    with pytest.raises(NotFoundError, match="no column 'title'"):
        ask(with_columns(run), [{"name": "茶"}], {})


def test_titles_alone_leave_out_what_else_the_run_reads(run: mep3m.TrainedRun, tmp_path: Path) -> None:
    both = with_columns(run, title="name", image="photo", ocr="read", id="sku", platform="shop")
    asked = ask(both, ["茶"], {})
    assert titles(asked) == ["茶"]
    assert asked.opened.images is None
    with pytest.raises(NotFoundError, match="no column 'photo'"):
        ask(both, [{"name": "茶", "read": "x"}], {})


def test_a_platform_column_may_be_missing_unless_it_is_named(run: mep3m.TrainedRun) -> None:
    known = with_columns(run, title="title", platform="shop")
    assert ask(known, [{"title": "茶", "shop": "a"}], {}).opened.products["source"].to_pylist() == ["a"]
    assert ask(known, [{"title": "茶", "n": 1}], {}).opened.products["source"].to_pylist() == ["frame"]
    with pytest.raises(NotFoundError, match="no column 'shop'"):
        ask(known, [{"title": "茶", "n": 1}], {"platform": "shop"})


def test_images_are_below_the_folder_given_or_that_of_training(run: mep3m.TrainedRun, tmp_path: Path) -> None:
    seeing = replace(with_columns(run, image="photo"), image_root=tmp_path / "trained")
    row = {"photo": "a.png"}
    for given, root in (({}, "trained"), ({"image_root": tmp_path / "new"}, "new")):
        images = ask(seeing, [row], given).opened.images
        assert images is not None
        assert images.path({"image_ref": "a.png"}) == tmp_path / root / "a.png"


def test_what_a_stage_dropped_is_not_asked_about(run: mep3m.TrainedRun, tmp_path: Path) -> None:
    label = (Label("食品", "given", "s"),)
    rows = [
        Product("s:1", "s", "1", title="茶", labels=label),
        Product("s:2", "s", "2", dropped="quality: empty"),
    ]
    writer = StoreWriter.begin(tmp_path / "store", Plan("quality", {}, ("p",)))
    writer.write(0, to_table(rows))
    writer.finish()
    for data in (tmp_path / "store", str(tmp_path / "store"), mep3m.load(tmp_path / "store")):
        assert ask(run.run, data, {}).ids == ["1"]


def test_a_text_is_a_path_and_wrong_keywords_are_refused(run: mep3m.TrainedRun) -> None:
    with pytest.raises(NotFoundError, match="is no file or folder"):
        ask(run.run, "红富士苹果", {})
    with pytest.raises(UsageError, match="did you mean 'title'"):
        ask(run.run, ["红富士苹果"], {"titel": "name"})
    with pytest.raises(UsageError, match="the Table has no rows"):
        ask(run.run, pa.table({"title": pa.array([], pa.string())}), {})
