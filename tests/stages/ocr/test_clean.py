import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.stages.ocr.lines import TextLine, clean, clean_lines


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("満減１００　元", "100 元"),
        ("華帝 vatti", "帝 vatti"),
        ("净含量：500ｍｌ", "净含量:500ml"),
        ("￥1,199\n起", "¥1,199 起"),
        ("かわいい ABC", "ABC"),
        ("Привет 你好", "你好"),
        ("37.5℃", "37.5℃"),
        ("\u200b纯\u0007棉", "纯棉"),
    ],
)
def test_paper_keeps_simplified_chinese_and_english(raw: str, cleaned: str) -> None:
    assert clean(raw, "paper") == cleaned


def test_modes() -> None:
    assert clean(" 華  帝 ", "spaces") == "華 帝"
    assert clean(" 華  帝 ", "none") == " 華  帝 "


@given(st.text())
def test_cleaning_twice_changes_nothing(text: str) -> None:
    once = clean(text, "paper")
    assert clean(once, "paper") == once


def test_lines_of_signs_alone_are_dropped_and_raw_is_kept() -> None:
    box = ((0, 0), (1, 0), (1, 1), (0, 1))
    lines = clean_lines([TextLine(box, "華帝", 0.9), TextLine(box, "***", 0.9)], "paper")
    assert [(line.text, line.raw) for line in lines] == [("帝", "華帝")]
