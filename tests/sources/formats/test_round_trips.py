"""What is written in a form of the trade comes back: any text, any order of rows."""

import csv
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.settings.sources import SourceEntry
from mep3m.sources.catalogue import open_source
from mep3m.sources.cells import without_marks
from mep3m.sources.formats.shops import ShopExport, without_html
from tests.sources.spreadsheets.workbooks import write_xlsx

#: text that a cell may hold; control characters are in no workbook
TEXT = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Cf", "Zl", "Zp", "Zs", "Co", "Cn")), max_size=20
)
WORD = st.text(st.sampled_from("abcxyz茶米灯123"), min_size=1, max_size=6)
COLUMNS = {"id": "id", "title": "title", "labels": ["a", "b"]}


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as place:
        yield Path(place)


def read(path: Path, **more: Any) -> pa.Table:
    source = open_source(SourceEntry.parse({"name": "s", "path": str(path), **more}, "test"))
    batches = [batch for part in source.parts() for batch in source.read(part)]
    assert not [reject for batch in batches for reject in batch.rejects]
    return pa.concat_tables([batch.products for batch in batches])


def kept(text: str) -> str | None:
    """Return a cell as every table keeps it."""
    return without_marks(pa.array([text])).to_pylist()[0].strip() or None


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(WORD, TEXT, TEXT), min_size=1, max_size=8, unique_by=lambda row: row[0]))
def test_text_cells_of_a_workbook(rows: list[tuple[str, str, str]]) -> None:
    with folder() as place:
        path = place / "a.xlsx"
        write_xlsx(path, [("id", "title", "a", "b")])
        _write_text(path, rows)
        table = read(path, columns={"id": "id", "title": "title", "labels": ["a"]}, header_row=1)
    assert table["source_id"].to_pylist() == [row[0] for row in rows]
    assert table["title"].to_pylist() == [kept(row[1]) for row in rows]


def _write_text(path: Path, rows: list[tuple[str, str, str]]) -> None:
    """Write cells as text, whatever they look like."""
    from openpyxl import load_workbook

    book = load_workbook(path)
    for number, row in enumerate(rows, start=2):
        for column, value in enumerate(row, start=1):
            cell = book.worksheets[0].cell(number, column)
            cell.value, cell.data_type = value, "s"
    book.save(path)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([",", ";", "|", "\t"]),
    st.lists(st.tuples(WORD, st.text(st.sampled_from('ab,;|\t"\n '), max_size=12)), min_size=1, max_size=8),
)
def test_quoted_cells_with_any_delimiter(delimiter: str, rows: list[tuple[str, str]]) -> None:
    with folder() as place:
        path = place / "a.csv"
        with path.open("w", newline="") as file:
            writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
            writer.writerow(("nr", "title"))
            writer.writerows(rows)
        table = read(path, columns={"title": "title"}, delimiter="tab" if delimiter == "\t" else delimiter)
    assert table["title"].to_pylist() == [kept(title) for _, title in rows]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_rows_of_a_shop_in_any_order_are_the_same_products(data: st.DataObject) -> None:
    """Variants before, between and behind their products: each product once, with the parent's own title."""
    parents = data.draw(st.lists(WORD, min_size=1, max_size=4, unique=True))
    rows = [(f"p{name}", f"title {name}", "", f"Home > {name}") for name in parents]
    rows += [
        (f"v{i}", f"variant {i}", f"id:p{data.draw(st.sampled_from(parents))}", "")
        for i in range(data.draw(st.integers(0, 5)))
    ]
    shuffled = data.draw(st.permutations(rows))
    with folder() as place:
        path = place / "a.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(("ID", "Name", "Parent", "Categories"))
            writer.writerows(shuffled)
        table = read(path, format="woocommerce")
        source = open_source(SourceEntry(name="s", path=str(path), format="woocommerce"))
        assert isinstance(source, ShopExport)
        variants = [value for _, name, _, value in source.extras() if name == "variant"]
    found = dict(zip(table["source_id"].to_pylist(), table["title"].to_pylist(), strict=True))
    assert found == {f"p{name}": f"title {name}" for name in parents}
    assert sorted(variants) == sorted(row[0] for row in rows if row[2])
    assert table["line"].to_pylist() == sorted(table["line"].to_pylist())


@given(TEXT)
def test_text_without_html_loses_nothing(text: str) -> None:
    plain = text.replace("<", "").replace("&", "")
    assert without_html(plain) == " ".join(plain.split())


@given(st.lists(WORD, min_size=1, max_size=4), st.sampled_from(["b", "p", "br/", "span class='x'", "/div"]))
def test_tags_around_words_are_taken_off(words: list[str], tag: str) -> None:
    assert without_html(f"<{tag}>".join(["", *words, ""])) == " ".join(words)


@pytest.mark.parametrize("missing", ["p9", "id:9"])
def test_a_variant_without_its_product_stands_for_it(tmp_path: Path, missing: str) -> None:
    (tmp_path / "a.csv").write_text(
        f"ID,Name,Parent,Categories\n1,Red tee,{missing},Tees\n2,Blue tee,{missing},\n"
    )
    table = read(tmp_path / "a.csv", format="woocommerce")
    assert table["source_id"].to_pylist() == [missing.removeprefix("id:")]
    assert table["title"].to_pylist() == ["Red tee"]
    assert table["source_path"].to_pylist() == [["Tees"]]
