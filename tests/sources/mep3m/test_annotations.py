"""MEP-3M's own files: the annotation array whole, in parts and broken; its spreadsheet; the way back."""

import json
import os
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from mep3m.errors import FormatError, NotFoundError, TaxonomyError
from mep3m.exports.mep3m import write_annotations
from mep3m.product import PRODUCT_SCHEMA, from_table
from mep3m.sources.base import Batch
from mep3m.sources.mep3m import records
from mep3m.sources.mep3m.annotations import Mep3mSource
from mep3m.sources.mep3m.spreadsheet import read_taxonomy, taxonomy_from_records
from mep3m.store.rejects import Reject

DATA = Path(os.environ.get("MEP3M_DATA", "../shared/data")) / "mep3m"


def record(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "class_id": "7",
        "class_name": "母婴/玩具/童装",
        "sub_class_id": "301",
        "sub_class_name": "奶粉",
        "subsub_class_id": "FALSE",
        "subsub_class_name": "FALSE",
        "img_path": f"Images/301/{number}.jpg",
        "img_resolution": [220, 200, 3],
        "title": f"奶粉 {number}",
        "OCR": "FALSE",
    } | fields


def read(path: Path, part_bytes: int = 2**26) -> tuple[pa.Table, list[Reject]]:
    source = Mep3mSource(path, part_bytes=part_bytes)
    batches: list[Batch] = [batch for part in source.parts() for batch in source.read(part)]
    table = pa.concat_tables([PRODUCT_SCHEMA.empty_table(), *(batch.products for batch in batches)])
    return table, [reject for batch in batches for reject in batch.rejects]


def write(folder: Path, rows: list[dict[str, Any]], indent: int | None = None) -> Path:
    path = folder / "annotations.json"
    path.write_text(json.dumps(rows, ensure_ascii=False, indent=indent), encoding="utf-8")
    return path


def test_a_record_becomes_a_product(tmp_path: Path) -> None:
    fine = {"subsub_class_id": "600", "subsub_class_name": "进口奶粉", "OCR": "净含量 800克"}
    table, rejects = read(write(tmp_path, [record(1), record(2, **fine)], indent=4))
    first, second = from_table(table)
    assert rejects == []
    assert first.source_path == ("母婴/玩具/童装", "奶粉")
    assert [label.category for label in first.labels] == ["L1-7", "L2-301"]
    assert first.ocr is None
    assert (first.image_height, first.image_width, first.image_format) == (220, 200, "jpg")
    assert first.id == "mep3m:Images/301/1.jpg"
    assert [label.category for label in second.labels] == ["L1-7", "L2-301", "L3-600"]
    assert second.source_path[2] == "进口奶粉"
    assert (second.ocr, second.line) == ("净含量 800克", 2)


@pytest.mark.parametrize("missing", ["FALSE", "FLASE", False, None, ""])
def test_every_sentinel_is_missing(tmp_path: Path, missing: Any) -> None:
    rows = [record(1, subsub_class_id=missing, subsub_class_name=missing, OCR=missing)]
    table, rejects = read(write(tmp_path, rows))
    assert rejects == []
    assert table["ocr"].to_pylist() == [None]
    assert len(table["labels"][0]) == 2


@pytest.mark.parametrize("missing", ["FALSE", "FLASE", False, None, ""])
def test_a_missing_image_is_no_id(tmp_path: Path, missing: Any) -> None:
    table, _ = read(write(tmp_path, [record(1, img_path=missing), record(2), record(3, img_path=missing)]))
    assert table["source_id"].to_pylist() == ["annotations.json:1", "Images/301/2.jpg", "annotations.json:3"]
    assert table["image_ref"].to_pylist() == [None, "Images/301/2.jpg", None]


def test_ids_may_be_integers(tmp_path: Path) -> None:
    strings, _ = read(write(tmp_path, [record(1), record(2)]))
    integers, _ = read(write(tmp_path, [record(1, class_id=7), record(2, class_id=7, sub_class_id=301)]))
    assert integers.equals(strings)


@pytest.mark.parametrize("part_bytes", [200, 1000, 5000])
@pytest.mark.parametrize("indent", [None, 4])
def test_any_size_of_part_gives_the_same_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_bytes: int, indent: int | None
) -> None:
    monkeypatch.setattr(records, "BLOCK_BYTES", 700)
    rows = [record(i, title='说 "x}, {" 与 {"a": 1}, \\' * (i % 3)) for i in range(40)]
    path = write(tmp_path, rows, indent)
    table, rejects = read(path, part_bytes)
    assert rejects == []
    assert table["line"].to_pylist() == list(range(1, 41))
    assert [title or "" for title in table["title"].to_pylist()] == [row["title"] for row in rows]


BROKEN = [
    ('{"title": "cut', "not JSON"),
    ('{"title": "x" "OCR": 1}', "not JSON"),
    ('{"title": "\\ud800"}', "not JSON"),
    ('{"title": {"zh": "x"}}', "not JSON"),
    ('{"title": ["x"]}', "'title' is a list, not text"),
]


@pytest.mark.parametrize(("text", "reason"), BROKEN)
def test_a_broken_record_is_refused_with_its_number(tmp_path: Path, text: str, reason: str) -> None:
    good = [json.dumps(record(i), ensure_ascii=False) for i in range(3)]
    path = tmp_path / "a.json"
    path.write_text("[" + ", ".join([good[0], text, good[1], good[2]]) + "]", encoding="utf-8")
    table, rejects = read(path)
    assert table["title"].to_pylist() == ["奶粉 0", "奶粉 1", "奶粉 2"]
    assert rejects[0].line == 2
    assert reason in rejects[0].reason


@pytest.mark.parametrize(
    ("item", "refused"), [('"a text"', 1), ("17", 1), ("null", 1), ("[1, 2]", 1), ('"<title>",  "two"', 2)]
)
def test_an_item_that_is_no_object_takes_no_record_with_it(tmp_path: Path, item: str, refused: int) -> None:
    good = [json.dumps(record(i), ensure_ascii=False) for i in range(3)]
    path = tmp_path / "a.json"
    path.write_text("[" + ",\n".join([good[0], item, good[1], good[2]]) + "]", encoding="utf-8")
    table, rejects = read(path)
    assert table["title"].to_pylist() == ["奶粉 0", "奶粉 1", "奶粉 2"]
    assert [reject.line for reject in rejects] == [1] * refused
    assert all("not an object" in reject.reason for reject in rejects)


def test_a_truncated_file_keeps_its_whole_records(tmp_path: Path) -> None:
    path = write(tmp_path, [record(i) for i in range(3)])
    path.write_bytes(path.read_bytes()[:-60])
    table, rejects = read(path)
    assert table.num_rows == 2
    assert rejects[0].line == 3


def test_a_missing_comma_and_wrong_bytes_cost_nothing_more(tmp_path: Path) -> None:
    rows = [json.dumps(record(i)).encode() for i in range(4)]
    rows[2] = rows[2].replace(b'"OCR": "FALSE"', b'"OCR": "\xff"')
    path = tmp_path / "a.json"
    path.write_bytes(b"[" + rows[0] + rows[1] + b"," + rows[2] + b"," + rows[3] + b"]")
    table, rejects = read(path)
    assert table["line"].to_pylist() == [1, 2, 4]
    assert [reject.line for reject in rejects] == [3]


@pytest.mark.parametrize("part_bytes", [600, 2**26])
def test_a_huge_field_is_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part_bytes: int) -> None:
    monkeypatch.setattr(records, "RECORD_LIMIT", 2000)
    monkeypatch.setattr(records, "BLOCK_BYTES", 800)
    path = write(tmp_path, [record(0), record(1, title="长" * 3000), record(2), record(3)])
    table, rejects = read(path, part_bytes)
    assert table["line"].to_pylist() == [1, 3, 4]
    assert [(reject.line, reject.reason) for reject in rejects] == [(2, "the record is too long")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n ", "is empty"),
        (b'{"a": 1}', "--format jsonl"),
        (b"id,title", "does not begin with"),
        ("[\n" + '{"a": "奶粉"}\n' * 9, "is not UTF-8"),
    ],
)
def test_files_that_are_no_array_say_so(tmp_path: Path, content: bytes | str, words: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content.encode("gbk") if isinstance(content, str) else content)
    with pytest.raises(FormatError, match=words):
        read(path)


def test_an_empty_array_has_no_parts(tmp_path: Path) -> None:
    assert Mep3mSource(write(tmp_path, [])).parts() == []


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(
    titles=st.lists(TEXT, max_size=8), part_bytes=st.integers(50, 900), indent=st.sampled_from([None, 1, 4])
)
def test_any_text_survives(
    tmp_path_factory: pytest.TempPathFactory, titles: list[str], part_bytes: int, indent: int | None
) -> None:
    path = write(tmp_path_factory.mktemp("a"), [record(i, title=t) for i, t in enumerate(titles)], indent)
    table, rejects = read(path, part_bytes)
    assert rejects == []
    assert table["line"].to_pylist() == list(range(1, len(titles) + 1))


def sheet(path: Path, rows: list[list[Any]]) -> Path:
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(path)
    return path


HEADER = ["class_id", "class_name", "sub_class_id", "sub_class_name", "subsub_class_id", "subsub_class_name"]


def test_the_spreadsheet_becomes_a_taxonomy(tmp_path: Path) -> None:
    rows = [HEADER, [7, "母婴", 1, "奶粉", False, False], [7, "母婴", 301, "肉", 600, "牛肉"], [None] * 6]
    taxonomy = read_taxonomy(sheet(tmp_path / "t.xlsx", rows))
    assert [node.id for node in taxonomy] == ["L1-7", "L2-1", "L2-301", "L3-600"]
    assert [node.name for node in taxonomy.path("L3-600")] == ["母婴", "肉", "牛肉"]


def test_spreadsheets_that_are_wrong_say_why(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        read_taxonomy(tmp_path / "no.xlsx")
    (tmp_path / "bad.xlsx").write_bytes(b"PK nonsense")
    with pytest.raises(FormatError, match="not a spreadsheet"):
        read_taxonomy(tmp_path / "bad.xlsx")
    with pytest.raises(FormatError, match="lacks the columns class_name"):
        read_taxonomy(sheet(tmp_path / "t.xlsx", [["class_id"], [1]]))
    with pytest.raises(TaxonomyError, match="give one of them another id"):
        read_taxonomy(
            sheet(tmp_path / "u.xlsx", [HEADER, [1, "a", 1, "x", False, False], [1, "b", 2, "y", 0, 0]])
        )


def test_products_written_back_are_the_records_read(tmp_path: Path) -> None:
    rows = [record(1), record(2, subsub_class_id="600", subsub_class_name="进口", OCR="文字")]
    table, _ = read(write(tmp_path, rows))
    written = write_annotations(from_table(table), taxonomy_from_records(rows), tmp_path / "back.json")
    assert written.products == 2
    assert orjson.loads((tmp_path / "back.json").read_bytes()) == rows


@pytest.mark.skipif(not DATA.exists(), reason="the real MEP-3M excerpt is not here (MEP3M_DATA)")
def test_the_real_excerpt() -> None:
    table, rejects = read(DATA / "annotations-1k.json", 50_000)
    assert (table.num_rows, rejects) == (1000, [])
    assert table["line"].to_pylist() == list(range(1, 1001))
    taxonomy = read_taxonomy(DATA / "dataset_info.xlsx")
    assert [len(taxonomy.at_level(level)) for level in (1, 2, 3)] == [14, 599, 89]
