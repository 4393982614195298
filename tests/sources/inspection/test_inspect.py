"""One look at a file of any format."""

import json
import tomllib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mep3m.engine import make_engine
from mep3m.errors import FormatError, InputError, NotFoundError, UsageError
from mep3m.ingest.run import ingest
from mep3m.settings.project import load_project
from mep3m.settings.sources import SourceEntry
from mep3m.sources.catalogue import open_source
from mep3m.sources.inspection.inspect import Inspection, inspect_file
from tests.sources.test_conformance import MAKERS

ROWS = [(f"S{i}", f"oak table number {i}", f"Home > Room {i % 3}", f"p/{i}.jpg") for i in range(12)]
HEADER = ("sku", "title", "category_path", "photo")


def write(path: Path, delimiter: str = ",", head: str = "", quote: str = "") -> Path:
    lines = [delimiter.join(f"{quote}{cell}{quote}" for cell in row) for row in (HEADER, *ROWS)]
    path.write_text(head + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def pasted(found: Inspection, folder: Path) -> pa.Table:
    """Read the file with what was to be pasted."""
    (entry,) = tomllib.loads(found.toml())["sources"]
    source = open_source(SourceEntry.parse(entry, "pasted"), folder)
    return pa.concat_tables([batch.products for part in source.parts() for batch in source.read(part)])


@pytest.mark.parametrize(
    ("name", "delimiter", "head", "quote", "settings"),
    [
        ("a.csv", ",", "", "", {}),
        ("a.tsv", "\t", "", "", {}),
        ("a.txt", "\t", "", "", {"delimiter": "tab"}),
        ("a.csv", ";", "", "", {"delimiter": ";"}),
        ("a.csv", "|", "", '"', {"delimiter": "|"}),
        ("a.tsv", "\t", "", '"', {"delimiter": "tab"}),
        ("a.csv", "\t", "version 1.00\n", "", {"delimiter": "tab"}),
        ("a.csv", ";", "Export of 2024-01-31\n\n", "", {"delimiter": ";", "skip_lines": 2}),
    ],
)
def test_what_was_proposed_reads_the_file(
    tmp_path: Path, name: str, delimiter: str, head: str, quote: str, settings: dict[str, object]
) -> None:
    found = inspect_file(write(tmp_path / name, delimiter, head, quote))
    assert found.settings == {"encoding": "utf-8", **settings}
    assert found.columns_map == {"id": "sku", "title": "title", "image": "photo", "path": "category_path"}
    assert (found.refused, found.rows_sampled, found.whole) == (0, 12, True)
    table = pasted(found, tmp_path)
    assert table["title"].to_pylist() == [row[1] for row in ROWS]
    assert table["source_path"][0].as_py() == ["Home", "Room 0"]


@pytest.mark.parametrize("name", MAKERS)
def test_every_format_can_be_looked_at(name: str, tmp_path: Path) -> None:
    path, _ = MAKERS[name](tmp_path)
    if name in ("shop", "sql"):  # they are nothing without their settings, and say so
        with pytest.raises(UsageError, match=r"\[sources\.(shop|database)\]"):
            inspect_file(path, name)
        return
    found = inspect_file(path, name)
    assert found.format == name
    assert any(column.kind == "title" or "商品" in "".join(column.samples) for column in found.columns) or (
        name == "folder"
    )
    assert json.loads(json.dumps(found.to_dict()))["format"] == name


def test_category_columns_run_from_coarse_to_fine(tmp_path: Path) -> None:
    rows = "".join(f"oak table number {i}\tfine {i % 8}\tcoarse {i % 8 // 4}\n" for i in range(40))
    (tmp_path / "a.tsv").write_text("name\tsub_category\tcategory\n" + rows)
    assert inspect_file(tmp_path / "a.tsv").columns_map["labels"] == ["category", "sub_category"]


def test_rows_that_would_be_refused_are_named_with_their_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv")
    path.write_text(path.read_text() + "S1,again,Home > Room 1,p/1.jpg\nonly,two\n")
    found = inspect_file(path)
    assert found.refused == 2
    assert {"line": 15, "reason": "the row has 2 fields, the header has 4"} in found.refusals
    assert {"line": 14, "reason": "the id is already used by a.csv, line 3"} in found.refusals
    assert "rows of another width than the header" in found.notes[-1]


def test_no_more_than_the_rows_asked_for_are_read(tmp_path: Path) -> None:
    found = inspect_file(write(tmp_path / "a.csv"), rows=5)
    assert (found.rows_sampled, found.whole) == (5, False)
    assert "the rest was not read" in found.sampled


def test_objects_in_json_lines_are_shown_and_not_proposed(tmp_path: Path) -> None:
    rows = [
        {"id": i, "name": f"oak table number {i}", "categories": [{"id": 1, "name": "Home"}]}
        for i in range(4)
    ]
    (tmp_path / "a.json").write_text("\n".join(map(json.dumps, rows)) + "\n")
    found = inspect_file(tmp_path / "a.json")
    assert found.format == "jsonl"
    assert found.columns_map == {"id": "id", "title": "name"}
    assert found.refused == 0


def test_image_bytes_of_parquet_are_not_read_for_a_look(tmp_path: Path) -> None:
    images = [{"bytes": b"x", "path": f"{i}.png"} for i in range(3)]
    pq.write_table(
        pa.table({"name": ["oak table", "pine rug", "lamp"], "image": images}), tmp_path / "a.parquet"
    )
    assert inspect_file(tmp_path / "a.parquet").columns_map["image"] == "image"


def test_a_table_without_a_header_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("train/1.jpg,0\ntrain/2.jpg,1\n")
    found = inspect_file(tmp_path / "a.csv")
    assert found.columns_map == {}
    assert "looks like a row, not like a header" in found.notes[-1]


def test_a_header_that_names_a_column_twice_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("title,title\noak table,pine rug\nwool lamp,steel rug\n")
    assert (
        "the header names 'title' more than once; rename all but one"
        in inspect_file(tmp_path / "a.csv").notes
    )


def test_what_cannot_be_looked_at_says_why(tmp_path: Path) -> None:
    (tmp_path / "feed.csv").write_text("<!DOCTYPE html><html><h1>503</h1></html>")
    with pytest.raises(FormatError, match="web page"):
        inspect_file(tmp_path / "feed.csv")
    (tmp_path / "a.dat").write_bytes(bytes(range(256)) * 40)
    with pytest.raises(UsageError, match="name one with --format"):
        inspect_file(tmp_path / "a.dat")
    (tmp_path / "b.csv").write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        inspect_file(tmp_path / "b.csv")
    with pytest.raises(NotFoundError):
        inspect_file(tmp_path / "c.csv")


def test_the_encoding_of_a_large_file_is_that_of_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mep3m.sources.inspection.sample.ENCODING_BYTES", 200)
    path = tmp_path / "a.tsv"
    path.write_bytes(b"title\n" + "红富士苹果\n".encode("gb18030") * 100)
    assert inspect_file(path).settings["encoding"] == "gb18030"


CHINESE = [f"{i},红富士苹果 {i} 斤 整箱包邮,生鲜 > 水果" for i in range(12)]


def mixed(folder: Path, *others: bytes) -> Path:
    path = folder / "shop.csv"
    lines = ["id,title,category", *CHINESE]
    path.write_bytes(b"\n".join([*(line.encode("gb18030") for line in lines), *others, b""]))
    return path


@pytest.mark.parametrize("encoding", ["euc_kr", "utf-8"])
def test_what_is_pasted_leaves_the_check_of_lines_on(tmp_path: Path, encoding: str) -> None:
    """Naming gb18030 would take a Korean line, or one in UTF-8, for Chinese words without a word."""
    text = {"euc_kr": "99,보성 녹차 티백 오십개입,차", "utf-8": "99,新疆库尔勒香梨礼盒装,生鲜 > 水果"}[
        encoding
    ]
    path = mixed(tmp_path, text.encode(encoding))
    found = inspect_file(path)
    assert found.settings["encoding"] == "gb18030"
    assert found.refused == 1
    assert "does not read as Chinese" in found.refusals[0]["reason"]
    project = load_project(project_with(tmp_path, found))
    assert project.sources[0].encoding is None
    store = ingest(project.sources, tmp_path, tmp_path / "store", make_engine())
    assert (store.rows, store.manifest["rejects"]) == (12, 1)


def test_an_encoding_that_every_line_is_in_refuses_nothing(tmp_path: Path) -> None:
    found = inspect_file(mixed(tmp_path))
    assert found.refused == 0
    assert "# read as gb18030" in found.toml()
    assert (
        ingest(
            load_project(project_with(tmp_path, found)).sources, tmp_path, tmp_path / "s", make_engine()
        ).rows
        == 12
    )


def project_with(folder: Path, found: Inspection) -> Path:
    path = folder / "mep3m.toml"
    path.write_text('name = "pasted"\n' + found.toml(), encoding="utf-8")
    return path
