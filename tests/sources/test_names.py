"""Names of classes: one spelling each, entities decoded once, placeholders left out where it is set."""

import unicodedata

import pyarrow as pa
import pytest

from mep3m.sources.names import one_spelling, plain_text, spell


@pytest.mark.parametrize(
    "twin",
    [
        unicodedata.normalize("NFD", "Café A(1)"),
        "Cafe\u0301 A(1)",
        "Café\u200b A(1)\ufeff",
        "Café\u3000Ａ（１）",
        "Café  A(1)\u00ad",
        " Café\u00a0A(1) ",
    ],
)
def test_twins_are_one_class(twin: str) -> None:
    assert spell(twin) == "Café A(1)"
    assert one_spelling(pa.array([twin, "Café A(1)", None])).to_pylist() == ["Café A(1)", "Café A(1)", None]


def test_marks_of_a_chinese_name_stay_and_its_letters_do_not() -> None:
    assert spell("洗（烘）衣机　ＬＧ") == "洗（烘）衣机 LG"


def test_the_sign_between_names_stays_what_it_is() -> None:
    assert spell("家居＞灯具") == "家居＞灯具"


def test_names_that_stand_for_none_are_missing_where_the_user_says_so() -> None:
    names = pa.array(["NULL", "nan", "N/A", "-", "Null & Co", "茶"])
    assert one_spelling(names).null_count == 0
    assert one_spelling(names, ("null", "NaN", "n/a", "-")).to_pylist() == [None] * 4 + ["Null & Co", "茶"]


def test_a_name_of_nothing_that_is_seen_is_missing() -> None:
    assert one_spelling(pa.array(["\u200b", " \u3000", "茶"])).to_pylist() == [None, None, "茶"]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("A &gt; B", "A > B"),
        ("Tom &amp; Co", "Tom & Co"),
        ("&amp;gt;", "&gt;"),
        ("Caf&eacute; &#33590; &#x8336;", "Café 茶 茶"),
        ("AT&T; R&D", "AT&T; R&D"),
        ("?a=1&copy=2", "?a=1&copy=2"),
        (None, None),
    ],
)
def test_entities_are_decoded_once(text: str | None, plain: str | None) -> None:
    assert plain_text(pa.array([text, "x"], pa.string())).to_pylist() == [plain, "x"]
