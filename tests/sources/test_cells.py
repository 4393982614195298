"""Values as cells: names, lists of names, lists of categories, numbers; what cannot be text says so."""

from typing import Any

import pyarrow as pa
import pytest

from mep3m.settings.sources import Columns
from mep3m.sources.cells import CellError, cell_text, record_cell, unmarked, value_at, without_marks


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("茶", "茶"),
        (7, "7"),
        (True, "true"),
        (6901234567890.0, "6901234567890"),
        (1.5, "1.5"),
        (2.0**52, "4503599627370496"),
        (["one"], "one"),
        (["one", None], "one"),
        ([], ""),
    ],
)
def test_a_value_as_text(value: object, text: str) -> None:
    assert cell_text(value, "x", names=False) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (["Home", "Shelves"], "Home\x1fShelves"),
        ([["Home", "Shelves"]], "Home\x1fShelves"),
        ([["Home", "Shelves"], ["Sale"]], "Home\x1fShelves\x1eSale"),
        (["Home", None], "Home"),
        ([None], ""),
        ([["Home", None], []], "Home"),
        ([5, "Home"], "5\x1fHome"),
        ("Home > Shelves", "Home > Shelves"),
    ],
)
def test_lists_of_names_and_of_categories(value: object, text: str) -> None:
    assert cell_text(value, "x", names=True) == text


@pytest.mark.parametrize(
    ("value", "names", "words"),
    [
        (
            {"id": 5, "name": "Home"},
            True,
            "is an object, not text; name one of its keys instead: 'x.id', 'x.name'",
        ),
        ([{"id": 5, "name": "Home"}], True, "'x.name'"),
        ({}, False, "it has none"),
        (["a", "b"], False, "is a list of 2, not one text"),
        ([["a"]], False, "lists in lists"),
        (["Home", None, "Shelves"], True, "an empty name above a deeper one"),
        (["Home", " ", "Shelves"], True, "an empty name above a deeper one"),
    ],
)
def test_what_cannot_be_text_says_why(value: object, names: bool, words: str) -> None:
    with pytest.raises(CellError) as caught:
        cell_text(value, "x", names)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("record", "name", "value"),
    [
        ({"a": {"b": 1}}, "a.b", 1),
        ({"a": [{"b": 1}, {"b": 2}]}, "a.b", [1, 2]),
        ({"a": [[{"b": 1}], [{"b": 2}]]}, "a.b", [[1], [2]]),
        ({"a.b": 3, "a": {"b": 1}}, "a.b", 3),
        ({"a": 1}, "a.b", None),
        ({}, "a.b", None),
        ({"a": {"b": {"c": 4}}}, "a.b.c", 4),
    ],
)
def test_keys_inside_objects_are_named_with_dots(record: dict[str, Any], name: str, value: object) -> None:
    assert value_at(record, name) == value


def test_the_first_of_several_images_is_the_image() -> None:
    columns = Columns(image="i", title="t")
    assert record_cell({"i": [None, "1.jpg", "2.jpg"]}, "i", columns) == "1.jpg"
    with pytest.raises(CellError):
        record_cell({"t": ["1", "2"]}, "t", columns)


MARKED = [
    ('="0012"', "0012"), ('=""', ""), ('="a ""b"', 'a ""b'), ("'0012", "0012"), ("'12.50", "12.50"),
    ("'=A1", "=A1"), ("'-5", "-5"), ("'Tis the season", "'Tis the season"), ("'90s lamp", "'90s lamp"),
    ("'", "'"), ("oak", "oak"), ('="open', '="open'), ("", ""),
]  # fmt: skip


@pytest.mark.parametrize(("cell", "text"), MARKED)
def test_marks_of_text_are_taken_off_and_other_apostrophes_are_kept(cell: str, text: str) -> None:
    assert without_marks(pa.array([cell, None])).to_pylist() == [text, None]
    assert unmarked(cell) == text
