"""Words of the trade: synonyms and both languages meet, and traps do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.alignment.names.compare import plain
from mep3m.alignment.names.concepts import (
    NO_MEANING,
    agreement,
    clash,
    concept_terms,
    excluded,
    lexicon,
    meanings,
    read_lexicon,
)


def agree(left: str, right: str) -> tuple[float, float, float]:
    return agreement(plain(left), plain(right))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("移动电话", "手机"), ("电视机", "电视"), ("宝宝推车", "婴幼儿推车"), ("凉拖", "拖鞋"),
        ("手机壳", "Mobile Phone Cases"), ("婴儿推车", "Baby Strollers"), ("男士衬衫", "Men's Shirts"),
        ("Laptops", "Notebook Computers"),
    ],
)  # fmt: skip
def test_synonyms_and_translations_mean_the_same(left: str, right: str) -> None:
    assert agree(left, right) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("手机", "手机壳"), ("电视", "电视柜"), ("男装", "女装"), ("猫粮", "狗粮"), ("Cat Food", "狗粮"),
        ("电视", "TV Stands"), ("男鞋", "Women's Shoes"), ("奶粉", "牛奶"),
    ],
)  # fmt: skip
def test_traps_do_not_mean_the_same(left: str, right: str) -> None:
    inner, outer, _ = agree(left, right)
    assert min(inner, outer) < 1


def test_what_goes_on_has_another_head_and_covers_the_shorter_name() -> None:
    assert agree("手机", "手机壳") == (1.0, 0.5, 0.0)
    assert agree("手机壳", "手机") == (0.5, 1.0, 0.0)
    assert agree("运动鞋", "儿童运动鞋") == (1.0, 0.5, 1.0)


def test_the_longest_word_counts_and_unknown_units_stand_for_themselves() -> None:
    known = lexicon().words
    assert meanings("鱼缸") == (known["鱼", "缸"],)
    assert meanings(plain("Nothing 手机")) == (("nothing",), known["手", "机"])
    assert meanings("") == ()
    assert agreement("", "手机") == NO_MEANING


def test_a_word_of_several_lines_has_every_concept() -> None:
    read = read_lexicon("# a remark\n盒 = box, cases\n套 = case\n")
    assert read.words[("case",)] == ("c1", "c2")
    assert read.words[("盒",)] == ("c1",)
    assert read.longest == 1


def test_a_phrase_is_more_than_its_words() -> None:
    phone, cover = lexicon().words["手", "机"], lexicon().words["壳",]
    terms = concept_terms(plain("手机壳"))
    assert set(phone) | set(cover) < set(terms)
    assert f"{phone[0]}+{cover[0]}" in terms


def test_every_line_of_the_lexicon_has_both_languages_and_no_word_is_left_of_nothing() -> None:
    from importlib import resources

    text = resources.files("mep3m.alignment.names").joinpath("concepts.txt").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith(("#", "!"))]
    assert len(lines) > 1000
    for line in lines:
        chinese, equals, english = line.partition(" = ")
        assert all((chinese.strip(), equals, english.strip())), line
        assert all(plain(word) for word in [*chinese.split(), *english.split(",")]), line
    assert len(lines) == len(set(lines))


@pytest.mark.parametrize(
    ("left", "right", "apart"),
    [
        ("男装", "女装衬衫", True), ("猫粮", "Dog Food", True), ("男士衬衫", "衬衫", False),
        ("男女通用", "女装", False), ("红茶", "茶叶", False), ("红茶", "绿茶", True),
        ("手机", "笔记本", False),        ("Men's Shoes", "Women's Shoes", True), ("手机壳", "相机包", True),
    ],
)  # fmt: skip
def test_words_that_exclude_each_other(left: str, right: str, apart: bool) -> None:
    one, other = (excluded([plain(name)]) for name in (left, right))
    assert clash(one, other).tolist() == clash(other, one).tolist() == [float(apart)]
    assert clash(one, one).tolist() == [0.0]


@given(st.text(alphabet="手机壳电视柜男女鞋包iphone tv ", max_size=12), st.text(max_size=12))
def test_agreement_turned_around_is_the_same(left: str, right: str) -> None:
    one, other = agree(left, right), agree(right, left)
    assert one == pytest.approx((other[1], other[0], other[2]), nan_ok=True)
    assert agree(left, left) == pytest.approx(
        (1.0, 1.0, 1.0) if plain(left) else (float("nan"),) * 3, nan_ok=True
    )
