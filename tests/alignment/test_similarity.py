"""S_label and S_content: the paper's own table, difflib's exact values, counts and binary terms."""

import difflib
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mep3m.alignment import similarity
from mep3m.alignment.paper.shared_names import label_pairs
from mep3m.alignment.similarity import content_pairs, content_vectors, label_similarity
from mep3m.settings.align import ContentSettings

TABLE_3 = [
    ("儿童餐具", "儿童餐具", 1.00), ("孕妈奶粉", "孕妈奶粉", 1.00), ("空调", "空调", 1.00),
    ("骑行装备", "骑行装备", 1.00), ("洗澡用具", "洗澡用具", 1.00), ("婴幼奶粉", "婴幼儿奶粉", 0.89),
    ("婴儿湿巾", "湿巾", 0.67), ("咖啡/奶茶", "咖啡", 0.57), ("饮料", "饮料饮品", 0.67),
    ("办公文具", "办公文仪", 0.75),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "expected"), TABLE_3)
def test_s_label_is_that_of_table_3(left: str, right: str, expected: float) -> None:
    assert round(label_similarity(left, right), 2) == expected


def reference(left: Sequence[str], right: Sequence[str], threshold: float) -> dict[tuple[int, int], float]:
    return {
        (i, j): ratio
        for i, one in enumerate(left)
        for j, other in enumerate(right)
        if (ratio := difflib.SequenceMatcher(None, one, other).ratio()) >= threshold
    }


def found(left: Sequence[str], right: Sequence[str], threshold: float) -> dict[tuple[int, int], float]:
    pairs: dict[tuple[int, int], float] = {}
    for rows, columns, ratios in label_pairs(left, right, threshold):
        for i, j, ratio in zip(rows.tolist(), columns.tolist(), ratios.tolist(), strict=True):
            assert (i, j) not in pairs
            pairs[i, j] = ratio
    return pairs


names = st.lists(st.text(alphabet="ab手机壳/ 子", max_size=9), max_size=8)


@given(left=names, right=names, threshold=st.sampled_from([0.5, 0.6, 2 / 3, 0.75, 1.0]))
@example(left=["", "a"], right=["", "a", "a"], threshold=0.5)
@example(left=["ab" * 120], right=["ba" * 110 + "手"], threshold=0.5)
def test_all_pairs_are_identical_to_difflib(left: list[str], right: list[str], threshold: float) -> None:
    """No pair is lost by the bound, none is added, every value is difflib's to the last bit."""
    assert found(left, right, threshold) == reference(left, right, threshold)


@given(left=st.text(alphabet="abc手机", max_size=12), right=st.text(alphabet="abc手机", max_size=12))
def test_the_bound_is_never_below_difflib(left: str, right: str) -> None:
    from rapidfuzz.distance import Indel

    bound = Indel.normalized_similarity(left, right)
    assert bound >= difflib.SequenceMatcher(None, left, right).ratio() - 1e-12


def test_long_names_keep_difflibs_autojunk() -> None:
    """From 200 characters on difflib ignores popular characters; the values follow it."""
    left, right = ["x" + "手机" * 130, "手机壳" * 80], ["手机" * 130 + "y", "壳" * 210 + "手机"]
    assert found(left, right, 0.01) == reference(left, right, 0.01)


def test_the_order_of_the_names_matters_as_in_difflib() -> None:
    left, right = "tide", "diet"
    assert label_similarity(left, right) != label_similarity(right, left)
    assert found([left], [right], 0.1) == {(0, 0): label_similarity(left, right)}


@settings(max_examples=20)
@given(cells=st.integers(1, 30))
def test_the_size_of_the_blocks_changes_nothing(cells: int) -> None:
    left, right = ["手机", "手机壳", "a", "手机"], ["手机", "壳", "手机套", "手机"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "BLOCK_CELLS", cells)
        assert found(left, right, 0.5) == reference(left, right, 0.5)


def test_nothing_on_one_side_gives_nothing() -> None:
    assert found([], ["a"], 0.5) == {}
    assert found(["a"], [], 0.5) == {}


def cosine(texts: list[list[str]], **settings: object) -> float:
    vectors = content_vectors(texts, ContentSettings.parse(settings, "test"))
    return float(content_pairs(vectors, vectors, np.array([0]), np.array([1]))[0])


def test_s_content_counts_terms_as_equation_2_says() -> None:
    texts = [["aa aa bb"], ["aa cc"]]
    assert cosine(texts) == pytest.approx(2 / (5**0.5 * 2**0.5))
    assert cosine(texts, binary=True) == pytest.approx(1 / 2)


def test_s_content_by_characters_and_ngrams() -> None:
    texts = [["手机壳"], ["手机"]]
    assert cosine(texts, tokens="characters") == pytest.approx(2 / (3**0.5 * 2**0.5))
    assert cosine(texts, tokens="ngrams", ngram=2) == pytest.approx(1 / 2**0.5)


def test_only_the_first_characters_of_the_joined_titles_count() -> None:
    texts = [["苹果", "手机"], ["手机"]]
    assert cosine(texts, tokens="characters") > 0
    assert cosine(texts, tokens="characters", characters=3) == 0


def test_categories_without_titles_have_no_content() -> None:
    assert cosine([[], ["手机"]]) == 0
    assert cosine([[], []]) == 0
    assert cosine([["!!"], ["??"]]) == 0
