"""Tables: what is read, and what happens to rows and files that are wrong."""

import gzip
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import FormatError, Mep3mError, NotFoundError, SettingsError, UsageError
from mep3m.product import PRODUCT_SCHEMA
from mep3m.settings.sources import Columns, TableSettings
from mep3m.sources import delimited, lines, tables
from mep3m.sources.tables import TableSource, read_products

COLUMNS = Columns(id="id", title="title", labels=("a", "b"))
HEADER = "id,title,a,b\n"


def write(folder: Path, content: str | bytes, name: str = "shop.csv", encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def categories(table: pa.Table) -> list[list[str | None]]:
    return [[label["category"] for label in row] for row in table["labels"].to_pylist()]


def test_rows_become_products_with_given_labels(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + '7, 咖啡 ,食品,饮料\n8,"a, ""b""\nc",食品,\n')
    products, rejects = read_products(path, COLUMNS)
    assert rejects == []
    assert products.schema == PRODUCT_SCHEMA
    assert products["id"].to_pylist() == ["shop:7", "shop:8"]
    assert products["title"].to_pylist() == ["咖啡", 'a, "b"\nc']
    assert categories(products) == [["食品", "饮料"], ["食品"]]
    assert products["source_path"].to_pylist() == [["食品", "饮料"], ["食品"]]
    assert products["line"].to_pylist() == [2, 3]
    assert products["labels"][0].as_py()[0] | {"category": ""} == {
        "category": "",
        "origin": "given",
        "by": "shop",
        "confidence": None,
    }


def test_an_empty_cell_is_no_label_at_that_level(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "1,x,,b1\n2,y,,\n3,z,a1,\n")
    assert categories(read_products(path, COLUMNS)[0]) == [[None, "b1"], [], ["a1"]]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_encodings_are_detected(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, HEADER + "1,婴幼儿奶粉,母婴,奶粉\n" * 1, encoding=encoding)
    products, rejects = read_products(path, COLUMNS)
    assert rejects == []
    assert products["title"].to_pylist() == ["婴幼儿奶粉"]


@pytest.mark.parametrize("name", ["shop.csv", "shop.tsv", "shop.jsonl", "shop.parquet", "shop.csv.gz"])
def test_all_formats_give_the_same_products(tmp_path: Path, name: str) -> None:
    rows = [{"id": str(i), "title": f"商品{i}", "a": "食品", "b": "" if i % 2 else "饮料"} for i in range(20)]
    path = tmp_path / name
    if name.endswith("parquet"):
        pq.write_table(pa.Table.from_pylist(rows), path, row_group_size=7)
    elif name.endswith("jsonl"):
        path.write_bytes(b"\n".join(orjson.dumps(row) for row in rows))
    else:
        mark = "\t" if name.endswith("tsv") else ","
        text = "\n".join([mark.join(rows[0]), *(mark.join(row.values()) for row in rows)])
        path.write_bytes(gzip.compress(text.encode()) if name.endswith("gz") else text.encode())
    products, rejects = read_products(path, COLUMNS)
    assert rejects == []
    assert products["source_id"].to_pylist() == [row["id"] for row in rows]
    assert categories(products) == [[row["a"], row["b"]] if row["b"] else [row["a"]] for row in rows]


def test_one_path_column_and_a_source_column(tmp_path: Path) -> None:
    path = write(tmp_path, "t\tp\twhere\n糖\t食品 > 糖果\tjd\n茶\t\t\n", "x.tsv")
    columns = Columns(title="t", path="p", platform="where")
    products, _ = read_products(path, columns, source="other")
    assert products["source_path"].to_pylist() == [["食品", "糖果"], []]
    assert products["source"].to_pylist() == ["jd", "other"]
    assert products["id"].to_pylist() == ["jd:x.tsv:2", "other:x.tsv:3"]


def test_json_paths_may_be_lists(tmp_path: Path) -> None:
    path = write(tmp_path, '{"p": ["a>b", "c"], "id": 5}\n', "x.jsonl")
    products, _ = read_products(path, Columns(id="id", path="p"))
    assert products["source_path"].to_pylist() in ([["a>b", "c"]], [["a", "b", "c"]])
    assert products["source_id"].to_pylist() == ["5"]


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    path = write(tmp_path, "id,titel,a,b\n1,x,y,z\n")
    with pytest.raises(NotFoundError, match=r"no column 'title' \(did you mean 'titel'\? allowed: a, b, id"):
        read_products(path, COLUMNS)


def test_the_later_row_with_an_id_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, HEADER + "1,x,a,b\n2,y,a,b\n1,z,a,b\n")
    products, rejects = read_products(path, COLUMNS)
    assert products["title"].to_pylist() == ["x", "y"]
    assert [(r.line, r.field, r.value) for r in rejects] == [(4, "id", "1")]
    assert rejects[0].reason == "the id is already used by shop.csv, line 2"


def test_rows_that_cannot_be_read_are_refused_one_by_one(tmp_path: Path) -> None:
    body = b'1,good,a,b\n2,few\n3,\xff\xfe\xff,a,b\n4,"open,a,b\n5,nul\x00,a,b\n6,good,a,b\n'
    products, rejects = read_products(write(tmp_path, HEADER.encode() + body), COLUMNS)
    assert products["source_id"].to_pylist() == ["1", "6"]
    assert [(reject.line, reject.reason) for reject in rejects] == [
        (3, "the row has 2 fields, the header has 4"),
        (4, "not utf-8: byte 2 of the line is wrong"),
        (5, "a quote is opened and never closed"),
        (6, "a field contains a NUL character"),
    ]


def test_broken_json_lines_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, '{"id": 1}\n{"id": \n\n[1]\n{"id": {"x": 1}}\n{"id": 2}\n', "x.jsonl")
    products, rejects = read_products(path, Columns(id="id"))
    assert products["source_id"].to_pylist() == ["1", "2"]
    assert [reject.line for reject in rejects] == [2, 4, 5]


def test_a_huge_line_is_skipped_and_never_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "LINE_LIMIT", 1000)
    for name in ("x.csv", "x.tsv"):
        mark = "," if name == "x.csv" else "\t"
        path = write(tmp_path, f"id{mark}t\n1{mark}a\n2{mark}{'x' * 5000}\n3{mark}b\n", name)
        products, rejects = read_products(path, Columns(id="id", title="t"))
        assert products["source_id"].to_pylist() == ["1", "3"]
        assert rejects[0].line == 3
        assert "longer than 1,000 bytes" in rejects[0].reason
        assert len(rejects[0].value or "") <= 1000


def test_a_quoted_cell_over_the_limit_costs_only_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delimited, "CELL_LIMIT", 100)
    body = '1,"open,a,b\n' + "".join(f"{i},t,a,b\n" for i in range(2, 60))
    products, rejects = read_products(write(tmp_path, HEADER + body), COLUMNS)
    assert products.num_rows == 58
    assert [reject.line for reject in rejects] == [2]


@pytest.mark.parametrize(
    ("name", "content", "error", "words"),
    [
        ("x.csv", b"", FormatError, "empty"),
        ("x.parquet", b"", FormatError, "empty"),
        ("x.parquet", b"PAR1 nonsense", FormatError, "not a Parquet file"),
        ("x.jsonl", b"", FormatError, "no JSON object"),
        ("x.jsonl", b'[{"id": 1}]', FormatError, "one JSON array"),
        ("x.csv", "id,title,a,b\n".encode("utf-16"), FormatError, "UTF-16"),
        ("x.csv", b"PK\x03\x04" + bytes(200), FormatError, "binary"),
        ("x.csv", b"id,title,a,b\n" + b"\xff\xff,x,a,b\n" * 5, FormatError, "neither UTF-8 nor GB18030"),
        ("x.foo", b"id\n", UsageError, "does not say the format"),
    ],
)
def test_files_that_cannot_be_read_say_why(
    tmp_path: Path, name: str, content: bytes, error: type[Mep3mError], words: str
) -> None:
    with pytest.raises(error, match=words):
        read_products(write(tmp_path, content, name), COLUMNS)


def test_missing_files_folders_and_unknown_encodings(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="does not exist"):
        read_products(tmp_path / "no.csv", COLUMNS)
    (tmp_path / "dir.csv").mkdir()
    with pytest.raises(FormatError, match="is a folder"):
        read_products(tmp_path / "dir.csv", COLUMNS)
    path = write(tmp_path, HEADER)
    with pytest.raises(SettingsError, match="unknown"):
        read_products(path, COLUMNS, encoding="klingon")
    with pytest.raises(SettingsError, match="not supported"):
        read_products(path, COLUMNS, encoding="utf-16")


def test_labels_and_path_together_are_a_setting_error() -> None:
    with pytest.raises(SettingsError, match="not both"):
        Columns.parse({"labels": ["a"], "path": "p"}, "mep3m.toml [source]")


@pytest.mark.parametrize("size", [1, 50, 173, 10_000])
def test_parts_cover_every_line_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(tables, "PART_BYTES", size)
    path = write(tmp_path, "id\ttitle\n" + "".join(f"{i}\t{'长' * (i % 30)}\n" for i in range(100)), "x.tsv")
    source = TableSource(path, TableSettings(columns=Columns(id="id", title="title")))
    read = [batch.products for part in source.parts() for batch in source.read(part)]
    whole = pa.concat_tables(read)
    assert whole["source_id"].to_pylist() == [str(i) for i in range(100)]
    assert whole["line"].to_pylist() == list(range(2, 102))


CELL = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters='"'), max_size=8)


@given(rows=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=20))
def test_csv_text_survives_the_round_trip(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    text = "t,u\n" + "".join(f'"{a}","{b}"\n' for a, b in rows)
    path = write(tmp_path_factory.mktemp("csv"), text)
    products, rejects = read_products(path, Columns(title="t", ocr="u"), encoding="utf-8")
    assert rejects == []
    assert [t or "" for t in products["title"].to_pylist()] == [a.strip() for a, _ in rows]
