"""What editors and spreadsheets do to a table must not change what is read."""

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.sheet import Sheet, read_sheet
from mep3m.errors import FormatError, NotFoundError

TEXT = '#title: x\nid\tname\tnote\n1\t手机\ta, "b"\n2\t电视\t\n'
ROWS = [{"id": "1", "name": "手机", "note": 'a, "b"'}, {"id": "2", "name": "电视", "note": ""}]


def saved(separator: str, end: str, quoting: int) -> str:
    """Return the table as a spreadsheet would write it."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator=end, quoting=quoting)
    writer.writerows([["#title: x", "", ""], ["id", "name", "note"], *(row.values() for row in ROWS)])
    return file.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode("utf-16"),
        TEXT.encode("gb18030"),
        TEXT.replace("电视\t\n", "电视").encode(),
        TEXT.replace("\n2", "\n\n\t\t\n2").encode(),
        saved(",", "\r\n", csv.QUOTE_MINIMAL).encode("utf-8-sig"),
        saved(";", "\r\n", csv.QUOTE_ALL).encode(),
        saved("\t", "\r\n", csv.QUOTE_ALL).encode("utf-16"),
    ],
)
def test_reads_what_was_saved(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "t.tsv"
    path.write_bytes(data)
    sheet = read_sheet(path, ["id", "name"])
    assert sheet.rows == ROWS
    assert sheet.comments == ["#title: x"]
    assert sheet.lines[0] == 3


def test_lines_count_what_an_editor_counts(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text('id\tnote\n1\t"two\nlines"\n\n2\tx\n', encoding="utf-8")
    assert read_sheet(path, ["id"]).lines == [2, 5]


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("", FormatError, "no header line"),
        ("#only\n", FormatError, "no header line"),
        ("id\tname\n", NotFoundError, "no column 'note'; the header has: id, name"),
        ("id\tnote\tid\n", FormatError, "'id' twice"),
        ("id\tnote\n1\tx\n2\ty\tz\n", FormatError, "line 3: 3 cells"),
        ('id\tnote\n1\t"x\n2\ty\n', FormatError, "line 2: a quote"),
        ("PK\x03\x04", FormatError, "workbook"),
    ],
)
def test_a_bad_table_is_named(tmp_path: Path, text: str, error: type[Exception], message: str) -> None:
    path = tmp_path / "t.tsv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(error, match=message):
        read_sheet(path, ["id", "note"])


def test_a_quote_that_swallows_a_long_file_is_named_by_its_line(tmp_path: Path) -> None:
    """Python's csv stops after 131,072 characters of one cell: the line is that of the quote."""
    path = tmp_path / "t.tsv"
    rows = [f"{n}\tnote {n}" for n in range(20_000)]
    rows[7] = '7\t"never closed'
    path.write_text("\n".join(["id\tnote", *rows]) + "\n", encoding="utf-8")
    before = csv.field_size_limit(131_072)  # other readers raise it for their whole process
    try:
        with pytest.raises(
            FormatError, match=r'line 9: a quote \("\) is opened and not closed, or a cell has more'
        ):
            read_sheet(path, ["id", "note"])
    finally:
        csv.field_size_limit(before)


cells = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), max_size=8).map(str.strip)


@given(rows=st.lists(st.tuples(cells.map(lambda text: "k" + text), cells), max_size=6))
def test_write_and_read_are_inverse(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("sheet") / "t.tsv"
    sheet = Sheet(["#c"], ["id", "note"], [dict(zip(("id", "note"), row, strict=True)) for row in rows])
    sheet.write(path)
    again = read_sheet(path, ["id", "note"])
    assert (again.rows, again.columns, again.lines) == (sheet.rows, sheet.columns, sheet.lines)
    before = path.read_bytes()
    again.write(path)
    assert path.read_bytes() == before
