"""What the first bytes and lines of a file say."""

from pathlib import Path

import pytest

from mep3m.errors import FormatError, UsageError
from mep3m.sources.inspection.column_kinds import look_at
from mep3m.sources.inspection.inspect import propose_map
from mep3m.sources.inspection.sample import guess_format, sniff, take_sample


@pytest.mark.parametrize(
    ("name", "content", "format"),
    [
        ("a.csv", b"id,title\n", "csv"),
        ("a.tsv", b"id\ttitle\n", "tsv"),
        ("a.txt", b"id\ttitle\n", "csv"),
        ("a.dat", b"id;title\n", "csv"),
        ("a", b'{"id": 1}\n{"id": 2}\n', "jsonl"),
        ("a.json", b'{"id": 1}\n{"id": 2}\n', "jsonl"),
        ("a.json", b'{"images": [],\n"annotations": []}', "rpc"),
        ("a.json", b'[{"id": 1}]', "mep3m"),
        ("a.csv", b"PAR1....", "parquet"),
        ("a.xml", b"<rss></rss>", "merchant"),
        ("a.html", b"<!doctype html>", "jsonld"),
        ("a.xlsx", b"PK\x03\x04", "spreadsheet"),
        ("a.sql", b"SELECT 1", "sql"),
    ],
)
def test_the_format_of_a_file(tmp_path: Path, name: str, content: bytes, format: str) -> None:  # noqa: A002
    (tmp_path / name).write_bytes(content)
    assert guess_format(tmp_path / name) == format


@pytest.mark.parametrize("name", ["a.csv", "feed.tsv", "feed.xml", "a.jsonl"])
@pytest.mark.parametrize("page", [b"<!DOCTYPE html><h1>503</h1>", b"\n <HTML><body>login</body></HTML>"])
def test_a_web_page_in_place_of_an_export_is_told(tmp_path: Path, name: str, page: bytes) -> None:
    (tmp_path / name).write_bytes(page)
    with pytest.raises(FormatError, match="is a web page"):
        guess_format(tmp_path / name)


def test_binary_bytes_without_a_name_say_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(b"\x00\x01\x02" * 100)
    with pytest.raises(UsageError, match="does not say the format"):
        guess_format(tmp_path / "a.bin")


@pytest.mark.parametrize(
    ("text", "skip", "delimiter"),
    [
        ("id,title,x\n1,oak,2\n", 0, ","),
        ("id;title;x\n1;oak, large;2\n", 0, ";"),
        ("id\ttitle\tx\n1\toak, large\t2\n", 0, "\t"),
        ("id|title|x\n1|oak|2\n", 0, "|"),
        ('id;title;x\n1;"oak; large";2\n2;"rug; small";3\n', 0, ";"),
        ("Export\nof 2024\nid,title,x\n1,oak,2\n2,rug,3\n", 2, ","),
        ("Export\n\nid,title,x\n1,oak,2\n2,rug,3\n", 2, ","),
        ("\n\nid,title,x\n1,oak,2\n", 0, ","),
        ("version 1.00\nid,title,x\n1,oak,2\n", 0, ","),
        ("title\noak\nrug\n", 0, ","),
        ("title\noak, large\nrug\n", 0, ","),
    ],
)
def test_delimiter_and_lines_before_the_header(tmp_path: Path, text: str, skip: int, delimiter: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert sniff(tmp_path / "a.csv", "utf-8", ",") == (skip, delimiter)


def test_a_sample_ends_where_its_characters_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mep3m.sources.inspection.sample.SAMPLE_CHARACTERS", 100)
    (tmp_path / "a.tsv").write_text("title\n" + "x" * 60 + "\n" + "y" * 60 + "\nz\n")
    sample = take_sample(tmp_path / "a.tsv")
    assert len(sample.rows) == 2
    assert not sample.whole


@pytest.mark.parametrize("ending", ["csv.gz", "tsv.gz", "jsonl.gz"])
def test_a_packed_table(tmp_path: Path, ending: str) -> None:
    import gzip

    texts = {
        "csv.gz": "id,title\n1,oak\n",
        "tsv.gz": "id\ttitle\n1\toak\n",
        "jsonl.gz": '{"id": 1, "title": "oak"}\n',
    }
    (tmp_path / f"a.{ending}").write_bytes(gzip.compress(texts[ending].encode()))
    sample = take_sample(tmp_path / f"a.{ending}")
    assert sample.columns == ["id", "title"]
    assert [row.cells for row in sample.rows] == [["1", "oak"]]


def proposed(**columns: list[str]) -> dict[str, object]:
    looked = [look_at(name, cells) for name, cells in columns.items()]
    return propose_map(looked, list(zip(*columns.values(), strict=True)))


TITLES = ["oak table large", "pine rug round", "steel lamp black", "wool scarf red"]


def test_the_title_is_the_column_of_that_name_before_others() -> None:
    assert proposed(subtitle=TITLES, title=TITLES[::-1])["title"] == "title"
    assert proposed(product_name=TITLES, tender_title=TITLES)["title"] == "product_name"
    assert proposed(text=TITLES)["title"] == "text"


def test_the_id_is_the_shops_own_before_a_barcode() -> None:
    codes = ["6901234567892", "4006381333931", "0012345678905", "4006381333948"]
    assert proposed(ean=codes, sku=["A1", "A2", "A3", "A4"])["id"] == "sku"
    assert proposed(ean=codes)["id"] == "ean"


def test_numbered_levels_stand_in_their_order() -> None:
    fine, coarse = ["a", "b", "c", "c"], ["x", "x", "y", "y"]
    assert proposed(category_2=fine, category_1=coarse)["labels"] == ["category_1", "category_2"]


def test_a_path_is_taken_where_there_are_no_levels() -> None:
    paths = ["Home > A", "Home > B", "Home > A", "Home > C"]
    assert proposed(title=TITLES, breadcrumb=paths)["path"] == "breadcrumb"
    other = [path.replace(">", "»") for path in paths]
    assert proposed(title=TITLES, breadcrumb=other)["separator"] == "»"


def test_attributes_are_no_categories() -> None:
    assert "labels" not in proposed(title=TITLES, colour=["red", "red", "blue", "red"])


def test_columns_that_do_not_nest_are_not_joined_into_one_path() -> None:
    cells = {"type": ["a", "b", "a", "b"] * 3, "class": ["x", "x", "y", "y"] * 3}
    assert proposed(**cells)["labels"] == ["type"]
