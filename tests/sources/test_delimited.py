"""Rows of delimited files: what Python's own readers give for good rows, and one reason for each bad one."""

import csv
import io
from collections.abc import Iterator

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.settings.sources import Columns
from mep3m.sources import delimited
from mep3m.sources.cells import CellError, record_cell
from mep3m.sources.delimited import DecodedLine, Row, csv_rows, decode_lines, json_rows, tsv_rows
from mep3m.sources.lines import FileLine

PLAIN = st.text(
    st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\u2028\u2029\x85"), max_size=8
)
CSV_CELL = st.text(alphabet='茶a ,"\n', max_size=6)


def lines(*texts: str) -> Iterator[DecodedLine]:
    return iter([DecodedLine(number, text) for number, text in enumerate(texts, start=1)])


def test_lines_are_decoded_one_by_one() -> None:
    given_lines = [
        FileLine(1, "茶".encode()),
        FileLine(2, "茶".encode("gb18030")),
        FileLine(3, b"x", "too long"),
    ]
    first, second, third = decode_lines(iter(given_lines), "utf-8")
    assert (first.text, first.problem) == ("茶", None)
    assert second.problem == "not utf-8: byte 0 of the line is wrong"
    assert "\ufffd" in second.text  # what can be read of it is kept for the person who looks
    assert (third.text, third.problem) == ("x", "too long")


@given(st.lists(PLAIN, min_size=1, max_size=5))
def test_a_tab_separates_and_nothing_else_does(cells: list[str]) -> None:
    text = "\t".join(cells)
    found = list(tsv_rows(lines(text)))
    assert found == ([Row(1, cells)] if text.strip() else [])


def test_a_quote_in_tsv_is_a_character() -> None:
    assert [row.cells for row in tsv_rows(lines('5"\t大', '"a\tb"'))] == [['5"', "大"], ['"a', 'b"']]


def test_a_broken_line_of_tsv_keeps_its_problem() -> None:
    (row,) = tsv_rows(iter([DecodedLine(4, "x", "too long")]))
    assert (row.line, row.cells, row.problem, row.text) == (4, [], "too long", "x")


@given(st.lists(st.lists(CSV_CELL, min_size=2, max_size=4), max_size=6))
def test_what_csv_writes_is_read_back_with_the_line_it_began_on(rows: list[list[str]]) -> None:
    rows = [row for row in rows if "".join(row).strip()]
    out = io.StringIO()
    places = []
    for row in rows:
        places.append(out.getvalue().count("\n") + 1)
        csv.writer(out, lineterminator="\n").writerow(row)
    found = list(csv_rows(lines(*out.getvalue().split("\n")[:-1])))
    assert [row.cells for row in found] == rows
    assert [row.line for row in found] == places
    assert not any(row.problem for row in found)


def test_empty_lines_are_no_rows() -> None:
    assert [row.line for row in csv_rows(lines("a,b", "", "c,d", ""))] == [1, 3]
    assert [row.line for row in tsv_rows(lines("a", "", "b"))] == [1, 3]


@given(
    before=st.lists(st.sampled_from(["a,b", "1,2", '"x, y",z']), max_size=3),
    after=st.lists(st.sampled_from(["a,b", "1,2", "茶,米"]), max_size=4),
)
def test_a_quote_that_is_never_closed_costs_its_own_line_only(before: list[str], after: list[str]) -> None:
    found = list(csv_rows(lines(*before, '5,"open', *after)))
    broken = [row for row in found if row.problem]
    assert [(row.line, row.problem, row.text) for row in broken] == [
        (len(before) + 1, "a quote is opened and never closed", '5,"open')
    ]
    assert len(found) == len(before) + len(after) + 1


def test_a_quote_within_a_cell_is_read_leniently() -> None:
    (row,) = csv_rows(lines('"5" wide",x'))
    assert (row.problem, len(row.cells)) == (None, 2)
    (row,) = csv_rows(lines('a 5" pipe,x'))
    assert row.cells == ['a 5" pipe', "x"]


def test_a_line_in_another_encoding_within_quotes_ends_the_row_it_stands_in() -> None:
    given_lines = iter([DecodedLine(1, '1,"a'), DecodedLine(2, "?", "not utf-8"), DecodedLine(3, "2,b")])
    first, second, third = csv_rows(given_lines)
    assert first.problem == "a quote is opened and never closed"
    assert second.problem == "not utf-8"
    assert third.cells == ["2", "b"]


def test_a_quoted_cell_over_the_limit_costs_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "CELL_LIMIT", 50)
    try:
        first, *rest = csv_rows(lines('1,"', *["x" * 20] * 5, '2,"b"'))
    finally:
        monkeypatch.undo()
        csv.field_size_limit(delimited.CELL_LIMIT)
    assert (first.line, first.problem) == (1, "a quote is opened and never closed")
    assert rest[-1].cells == ["2", "b"]


JSON_VALUE = st.none() | st.booleans() | st.integers(-9, 9) | PLAIN


@given(
    st.lists(
        st.dictionaries(st.sampled_from("abc"), JSON_VALUE | st.lists(JSON_VALUE, max_size=3)), max_size=5
    )
)
def test_json_lines_give_the_named_cells_in_their_order(objects: list[dict[str, object]]) -> None:
    columns = Columns(id="b", path="a")
    found = list(json_rows(lines(*(orjson.dumps(value).decode() for value in objects)), columns))
    for row, value in zip(found, objects, strict=True):
        try:
            cells, problem = [record_cell(value, name, columns) for name in ("b", "a")], None
        except CellError as error:
            cells, problem = [], str(error)
        assert (row.cells, row.problem) == (cells, problem)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": ', "not JSON: "),
        ("[1]", "a JSON list, not an object"),
        ("3", "a JSON int, not an object"),
        ('"x"', "a JSON str, not an object"),
        ('{"a": {"b": 1}}', "'a' is an object, not text"),
    ],
)
def test_a_json_line_that_is_no_record_says_what_it_is(text: str, problem: str) -> None:
    (row,) = json_rows(lines(text), Columns(id="a"))
    assert row.problem is not None
    assert row.problem.startswith(problem)
    assert (row.cells, row.text) == ([], text)


def test_lines_of_white_space_between_json_lines_are_skipped() -> None:
    given_lines = [
        DecodedLine(1, " "),
        DecodedLine(2, '{"a": 1}'),
        DecodedLine(3, ""),
        DecodedLine(4, "x", "too long"),
    ]
    found = list(json_rows(iter(given_lines), Columns(id="a")))
    assert [(row.line, row.cells, row.problem) for row in found] == [(2, ["1"], None), (4, [], "too long")]


@pytest.mark.parametrize("text", ["1,a\rb,x", '1,"a",b\rc', '1,"a\nb",c\rd', "1,a\r2,b", '"1"\r"2"', "\r1,a"])
def test_a_lone_carriage_return_outside_quotes_refuses_its_row_and_no_other(text: str) -> None:
    first, *rest = csv_rows(lines(*text.split("\n"), "9,y,z"))
    assert (first.problem, first.line) == (delimited.LONE_CR, 1)
    assert [row.cells for row in rest] == [["9", "y", "z"]]
    (row,) = tsv_rows(lines("1\ta\rb"))
    assert row.problem == delimited.LONE_CR


def test_a_carriage_return_in_quotes_is_text() -> None:
    assert [row.cells for row in csv_rows(lines('1,"a\rb",x'))] == [["1", "a\rb", "x"]]


def test_rows_of_empty_cells_are_no_rows() -> None:
    assert [row.line for row in csv_rows(lines("a,b", ",,", '"",""', " , ", ",x"))] == [1, 5]
    assert [row.line for row in tsv_rows(lines("\t\t", "a\t", "\tb"))] == [2, 3]


def test_lines_with_stray_quotes_are_each_read_a_few_times_only() -> None:
    """What comes after a stray quote is read again once, however many of them there are."""
    handed = 0

    def counted(count: int) -> Iterator[DecodedLine]:
        nonlocal handed
        for number in range(count):
            handed += 1
            yield DecodedLine(number, f'{number},"5 tube,a,b' if number % 3 == 0 else f"{number},tube,a,b")

    assert sum(1 for _ in csv_rows(counted(3000))) == 3000
    assert handed == 3000
