"""What is typed is text: it is found where it stands, and no letter of it is an operator."""

import pytest

from mep3m.desk.index.text import question, searchable


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("绿茶500g", "绿茶 茶 500g"),
        ("ＮＩＫＥ Air", "nike air"),
        ("茶", "茶"),
        ("100%_纯-棉", "100 纯 棉"),
        ("", ""),
        ("'\"*()", ""),
    ],
)
def test_words_of_a_text(text: str, words: str) -> None:
    assert searchable(text) == words


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("绿茶", '"绿茶"'),
        ("乌龙茶", '"乌龙 龙茶"'),
        ("茶", '"茶"*'),
        ("green te", '"green" AND "te"*'),
        ("green ", '"green"'),
        ("a AND b*", '"a" AND "and" AND "b"*'),
        ('NEAR("x" y)', '"near" AND "x" AND "y"*'),
        ("% ' \" *", ""),
        ("", ""),
    ],
)
def test_a_question_has_no_operators_of_its_own(text: str, asked: str) -> None:
    assert question(text) == asked


def test_a_long_question_is_asked_by_its_first_words() -> None:
    assert len(question("x1 " * 5000)) < 500
    assert len(question("茶" * 10_000)) < 500
