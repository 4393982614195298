from random import Random

from hypothesis import given
from hypothesis import strategies as st

from mep3m.stages.ocr.lines import TextLine, is_vertical, joined, reading_order


def at(x: float, y: float, text: str, width: float = 100, height: float = 20) -> TextLine:
    return TextLine(((x, y), (x + width, y), (x + width, y + height), (x, y + height)), text, 0.9)


def texts(lines: list[TextLine]) -> list[str]:
    return [line.text for line in lines]


def test_rows_from_the_top_and_left_to_right_within_a_row() -> None:
    lines = [at(120, 53, "d"), at(0, 50, "c"), at(120, 0, "b"), at(0, 4, "a")]
    assert texts(reading_order(lines)) == ["a", "b", "c", "d"]


def test_a_tall_line_shares_a_row_only_when_both_middles_agree() -> None:
    price = at(0, 0, "99", width=100, height=60)
    assert texts(reading_order([at(120, 48, "note"), price, at(120, 25, "yuan")])) == ["99", "yuan", "note"]


def test_vertical_columns_run_from_right_to_left() -> None:
    right, left = at(200, 40, "右边", 20, 120), at(160, 40, "左边", 20, 120)
    assert is_vertical(right)
    assert texts(reading_order([left, right, at(0, 0, "title")])) == ["title", "右边", "左边"]


def test_joined_is_none_without_text() -> None:
    assert joined([]) is None
    assert joined([at(0, 0, "a"), at(0, 50, "b")]) == "a b"


boxes = st.builds(
    at,
    st.integers(0, 500),
    st.integers(0, 500),
    st.sampled_from(["a", "bb", "纯棉"]),
    st.integers(1, 300),
    st.integers(1, 300),
)


@given(st.lists(boxes, max_size=12), st.randoms())
def test_order_keeps_every_line_and_does_not_depend_on_the_input_order(
    lines: list[TextLine], random: Random
) -> None:
    ordered = reading_order(lines)
    assert sorted(map(repr, ordered)) == sorted(map(repr, lines))
    distinct = len({(line.box[1] + line.box[3], line.box[0], line.box[1]) for line in lines}) == len(lines)
    shuffled = random.sample(lines, len(lines))
    assert not distinct or texts(reading_order(shuffled)) == texts(ordered)


@given(boxes)
def test_a_line_survives_json(line: TextLine) -> None:
    assert TextLine.from_dict(line.to_dict()) == line
