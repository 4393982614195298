"""New products cut into shards are the rows of the whole table, whatever it is and however it is cut."""

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mep3m
from mep3m.assignment.answer import READ
from mep3m.assignment.run import Run
from mep3m.errors import FormatError, NotFoundError, UsageError
from mep3m.recipes.filing import shards as module
from mep3m.recipes.filing.assign import NewProducts
from mep3m.recipes.filing.shards import Shards, look_of
from tests.assignment.audited import train
from tests.ingest.shop import picture

ROWS = [
    ("1", "红富士苹果", "jd"),
    ("2", "", "tmall"),
    ("", "手机壳", "jd"),
    ("1", "香蕉", "jd"),
    ("5", "耳机", ""),
]
#: cells that tables have trouble with; a table of tabs cannot hold two of them
CELLS = st.sampled_from(["苹果", "", " ", "a,b", '"q"', "x'y", "手机壳 1", "5"])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tmp_path_factory.mktemp("shards"))


def whole(run: Run, path: Path, columns: dict[str, str]) -> tuple[list[dict[str, object]], list[str]]:
    opened = run.read(path, False, columns)
    return opened.products.select(READ).to_pylist(), [one.reason for one in opened.rejects]


def cut(
    run: Run, path: Path, columns: dict[str, str], folder: Path
) -> tuple[list[dict[str, object]], Shards]:
    shards = NewProducts(run, path, columns).shards(folder)
    rows = [row for number in range(len(shards.files)) for row in shards.read(number).to_pylist()]
    return rows, shards


def write_as(kind: str, path: Path, rows: list[tuple[str, str, str]]) -> Path:
    names = ("sku", "title", "shop")
    path = path.with_suffix(f".{kind}")
    if kind == "jsonl":
        lines = [json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False) for row in rows]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    elif kind == "parquet":
        columns = [pa.array(list(column)) for column in zip(*rows, strict=True)]
        pq.write_table(pa.table(columns, names=list(names)), path, row_group_size=2)
    elif kind == "tsv.gz":
        text = "\n".join("\t".join(row) for row in (names, *rows)) + "\n"
        path.write_bytes(gzip.compress(text.encode()))
    else:
        mark = "," if kind == "csv" else "\t"
        text = "\n".join(mark.join(row) for row in (names, *rows)) + "\n"
        path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("columns", [{}, {"id": "sku"}, {"id": "sku", "platform": "shop"}])
@pytest.mark.parametrize("kind", ["csv", "tsv", "jsonl", "parquet", "tsv.gz"])
def test_every_kind_of_table_cut_anywhere(
    run: Run, tmp_path: Path, kind: str, columns: dict[str, str], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROWS", size)
    path = write_as(kind, tmp_path / "n", ROWS)
    expected, reasons = whole(run, path, {"title": "title", **columns})
    rows, shards = cut(run, path, {"title": "title", **columns}, tmp_path / "in")
    assert rows == expected
    assert (shards.refused, [one.reason for one in shards.first]) == (len(reasons), reasons)
    assert shards.platforms == ("platform" in columns)
    assert max(shards.rows) <= size


@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12), st.integers(1, 5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_table_of_commas(
    run: Run, tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], size: int
) -> None:
    import csv

    folder = tmp_path_factory.mktemp("any")
    with (folder / "n.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("sku", "title"), *rows])
    columns = {"id": "sku", "title": "title"}
    before, module.ROWS = module.ROWS, size
    try:
        try:
            expected, reasons = whole(run, folder / "n.csv", columns)
        except UsageError:
            with pytest.raises(UsageError):
                cut(run, folder / "n.csv", columns, folder / "in")
            return
        found, shards = cut(run, folder / "n.csv", columns, folder / "in")
    finally:
        module.ROWS = before
    assert found == expected
    assert shards.refused == len(reasons)


def test_an_earlier_cut_is_read_and_not_made_again(run: Run, tmp_path: Path) -> None:
    path = write_as("tsv", tmp_path / "n", ROWS)
    first, _ = cut(run, path, {"title": "title"}, tmp_path / "in")
    before = {one.name: one.stat().st_mtime_ns for one in (tmp_path / "in").iterdir()}
    again, _ = cut(run, path, {"title": "title"}, tmp_path / "in")
    assert again == first
    assert {one.name: one.stat().st_mtime_ns for one in (tmp_path / "in").iterdir()} == before


def test_a_cut_that_was_not_finished_is_made_again(run: Run, tmp_path: Path) -> None:
    path = write_as("tsv", tmp_path / "n", ROWS)
    expected, _ = cut(run, path, {"title": "title"}, tmp_path / "in")
    (tmp_path / "in" / "cut.json").unlink()
    (tmp_path / "in" / "00000.parquet").write_bytes(b"half")
    assert cut(run, path, {"title": "title"}, tmp_path / "in")[0] == expected


def test_the_shards_of_a_store_are_its_own(tmp_path: Path) -> None:
    world = mep3m.simulate(tmp_path / "world", products=60, images=False, seed=5)
    built = mep3m.build(world.project, tmp_path / "built", workers=1)
    run = Run.open(tmp_path / "built/model")
    rows, shards = cut(run, built.store.folder, {}, tmp_path / "in")
    assert not (tmp_path / "in").exists()
    assert shards.platforms
    assert [row["id"] for row in rows] == run.read(built.store.folder, False).products["id"].to_pylist()
    assert sum(shards.rows) == len(rows)


def test_pictures_are_products(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in ("b.png", "in/a.png"):
        (tmp_path / name).write_bytes(picture(1))
    (tmp_path / "c.heic").write_bytes(b"x")
    shards = module.picture_shards(tmp_path, tmp_path / "cut")
    table = shards.read(0)
    assert sorted(table["source_id"].to_pylist()) == ["b.png", "in/a.png"]
    assert shards.images is not None
    assert shards.images.locate(table.to_pylist()[0]) is not None
    assert shards.refused == 1


@pytest.mark.parametrize(
    ("name", "content", "columns", "error", "said"),
    [
        ("gone.tsv", None, {"title": "title"}, NotFoundError, "does not exist"),
        ("n.tsv", "title\n苹果\n", {"title": "titel"}, NotFoundError, "did you mean 'title'"),
        ("n.tsv", "title\n", {"title": "title"}, UsageError, "has no rows to work on"),
        ("n.tsv", "", {"title": "title"}, FormatError, "has no header line"),
        ("n.tsv", "title\ttitle\na\tb\n", {"title": "title"}, FormatError, "twice"),
    ],
)
def test_tables_that_cannot_be_read(
    run: Run, tmp_path: Path, name: str, content: str | None, columns: dict[str, str], error: type, said: str
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(error, match=said):
        cut(run, tmp_path / name, columns, tmp_path / "in")


def test_a_change_of_the_table_is_seen_without_reading_it(tmp_path: Path) -> None:
    path = write_as("tsv", tmp_path / "n", ROWS)
    before = look_of(path)
    assert look_of(path) == before
    path.write_text(path.read_text(encoding="utf-8") + "9\t苹果\tjd\n", encoding="utf-8")
    assert look_of(path) != before
    (tmp_path / "a.png").write_bytes(picture(1))
    assert [one[0] for one in look_of(tmp_path)] == [str((tmp_path / "a.png").resolve())]
