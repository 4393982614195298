import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.stages.dedupe.titles import HASHES, agreement, jaccard, normalise, shingle, signatures, title_keys

TITLES = st.lists(st.text("红蓝手机壳保护套abc123 ", max_size=24), min_size=1, max_size=8)


def column(titles: list[str | None]) -> pa.Array:
    return pa.array(titles, pa.string())


def grams(title: str) -> set[str]:
    text = normalise(column([title]))[0].as_py()
    return {text[i : i + 3] for i in range(len(text) - 2)} if len(text) >= 3 else {text} - {""}


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("安满（Anmum）奶粉 800ｇ", "安满(ANMUM)奶粉800G"),
        ("【包邮】手机壳", "包邮 手机壳!"),
        ("Ａ５ 笔记本", "a5笔记本"),
    ],
)
def test_normalised_titles_are_equal(left: str, right: str) -> None:
    keys = title_keys(normalise(column([left, right])))
    assert keys[0] == keys[1] != 0


def test_empty_titles_have_no_key_and_no_shingles() -> None:
    normalised = normalise(column([None, "", "。。。", "好"]))
    assert title_keys(normalised).tolist()[:3] == [0, 0, 0]
    assert shingle(normalised).counts.tolist() == [0, 0, 0, 1]


@given(TITLES)
@settings(deadline=None, max_examples=40)
def test_jaccard_is_that_of_the_sets(titles: list[str]) -> None:
    cut = shingle(normalise(column(list(titles))))
    left = np.repeat(np.arange(len(titles)), len(titles))
    right = np.tile(np.arange(len(titles)), len(titles))
    sets = [grams(title) for title in titles]
    for a, b, value in zip(left, right, jaccard(cut, left, right, block=5), strict=True):
        one, other = sets[a], sets[b]
        expected = len(one & other) / len(one | other) if one | other else 0.0
        assert value == pytest.approx(expected)


@given(TITLES)
@settings(deadline=None, max_examples=40)
def test_a_column_is_cut_as_each_title_alone(titles: list[str]) -> None:
    together = shingle(normalise(column(list(titles))))
    signed = signatures(together)
    for i, title in enumerate(titles):
        alone = shingle(normalise(column([title])))
        assert together.flat[together.offsets[i] : together.offsets[i + 1]].tolist() == alone.flat.tolist()
        assert signed[i].tolist() == signatures(alone)[0].tolist()


def test_agreement_estimates_jaccard() -> None:
    rng = np.random.default_rng(0)
    letters = np.array(
        list("的一是在不了有和人这中大为上个国我以要他时来用们生到作地于出就分对成会可主发年动")
    )
    titles = ["".join(rng.choice(letters, 40)) for _ in range(200)]
    edited = [title[: 40 - cut] + "".join(rng.choice(letters, cut)) for cut, title in enumerate(titles[:40])]
    cut = shingle(normalise(column(titles + edited)))
    signed = signatures(cut)
    left, right = np.arange(40), np.arange(200, 240)
    true, estimate = jaccard(cut, left, right), agreement(signed[left], signed[right])
    assert signed.shape == (240, HASHES)
    assert np.abs(true - estimate).mean() < 0.06
    assert abs((true - estimate).mean()) < 0.03
    assert agreement(signed[:1], signed[1:2])[0] < 0.15
