"""N-gram features: what they count, that they ignore the number of threads, and odd texts."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.models.linear.ngrams import Grams, GramVocabulary, Rows, encode_texts
from mep3m.models.linear.scores import scores

GRAMS = Grams(1, 3, 2, 18)


def features(text: str, vocabulary: GramVocabulary) -> set[int]:
    rows = vocabulary.rows(encode_texts(pa.array([text])), np.array([0]))
    return set(rows.features[rows.starts[0] : rows.stops[0]].tolist())


def fit(texts: list[str | None], grams: Grams = GRAMS, least: int = 1, most: int = 10**6) -> GramVocabulary:
    return GramVocabulary.fit(encode_texts(pa.array(texts)), np.arange(len(texts)), grams, least, most)


def test_the_number_of_features_is_that_of_distinct_grams() -> None:
    # ^a ab b$ ^ab ab$ a b, and the word ab; the constant comes on top
    assert len(fit(["ab"])) == 7 + 1 + 1
    assert len(fit(["ab"], Grams(1, 1, 0, 18))) == 2 + 1


@pytest.mark.parametrize("low", [1, 2, 3])
def test_a_missing_text_has_no_feature_however_many_are_missing(low: int) -> None:
    vocabulary = fit(["ab", None, "", None, "cd"], Grams(low, 3, 2, 18))
    rows = vocabulary.rows(encode_texts(pa.array([None, "", "ab"])), np.arange(3))
    assert (rows.stops - rows.starts > 1).tolist() == [False, False, True]


def test_width_and_case_and_spaces_do_not_matter() -> None:
    vocabulary = fit(["红茶 abc 500ML", "other"])
    assert features("红茶 abc 500ML", vocabulary) == features("红茶   ＡＢＣ 500ml", vocabulary)


def test_words_and_their_pairs_count_across_punctuation() -> None:
    vocabulary = fit(["red shoe"], Grams(8, 8, 2, 18))
    assert len(features("red,shoe", vocabulary)) == 3 + 1
    assert len(features("shoe red", vocabulary)) == 2 + 1


def test_rows_have_unit_length_beside_the_constant() -> None:
    vocabulary = fit(["aab", "xyz aab"])
    rows = vocabulary.rows(encode_texts(pa.array(["aab xyz aab"])), np.array([0]))
    values = rows.values[rows.starts[0] : rows.stops[0]]
    assert np.square(values[:-1]).sum() == pytest.approx(1, abs=1e-5)
    assert values[-1] == 0.5


def test_rare_and_surplus_features_are_left_out() -> None:
    texts = ["aa", "aa", "zz"]
    assert len(fit(texts, least=2)) < len(fit(texts))
    assert len(fit(texts, most=3)) == 3 + 1


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.none(), st.text(max_size=20)), min_size=1, max_size=8))
def test_any_text_can_be_read(texts: list[str | None]) -> None:
    texts = [None if text is None else text.encode("utf-8", "ignore").decode() for text in texts]
    vocabulary = fit(texts)
    rows = vocabulary.rows(encode_texts(pa.array(texts, pa.string())), np.arange(len(texts)))
    for start, stop in zip(rows.starts, rows.stops, strict=True):
        mine = rows.features[start:stop]
        assert len(set(mine.tolist())) == len(mine)
        assert mine.max() == len(vocabulary) - 1
        assert np.isfinite(rows.values[start:stop]).all()


def test_scores_are_the_matrix_product() -> None:
    random = np.random.default_rng(0)
    rows = Rows(
        np.array([0, 3]),
        np.array([2, 5]),
        random.integers(0, 6, 5, dtype=np.int32),
        random.random(5, np.float32),
        6,
    )
    weights = random.random((6, 4), np.float32)
    expected = [
        sum(rows.values[k] * weights[rows.features[k]] for k in range(a, b)) for a, b in ((0, 2), (3, 5))
    ]
    np.testing.assert_allclose(scores(rows, weights), expected, rtol=1e-5)


def test_packed_rows_are_the_same_rows_without_gaps() -> None:
    texts = encode_texts(pa.array(["red tea", "", "lamp lamp", "green tea"] * 3))
    vocabulary = fit(["red tea", "lamp", "green tea"] * 2)
    loose = vocabulary.rows(texts, np.array([3, 1, 2, 0]))
    for packed in (loose.packed(), vocabulary.all_rows(texts, np.array([3, 1, 2, 0]))):
        assert packed.starts[0] == 0
        assert (packed.starts[1:] == packed.stops[:-1]).all()
        assert packed.stops[-1] == len(packed.features) == len(packed.values)
        for row in range(4):
            mine, theirs = (slice(rows.starts[row], rows.stops[row]) for rows in (packed, loose))
            np.testing.assert_array_equal(packed.features[mine], loose.features[theirs])
            np.testing.assert_array_equal(packed.values[mine], loose.values[theirs])
    np.testing.assert_allclose(loose.squares(), [1.25, 0.25, 1.25, 1.25], rtol=1e-5)


def test_rows_taken_keep_their_content_and_order() -> None:
    texts = encode_texts(pa.array(["red tea", "lamp", "green tea"]))
    rows = fit(["red tea", "lamp", "green tea"] * 2).all_rows(texts, np.arange(3))
    taken = rows.take(np.array([2, 0]))
    assert len(taken) == 2
    assert taken.starts.tolist() == [rows.starts[2], rows.starts[0]]
    assert taken.width == rows.width
    assert len(rows.take(np.zeros(0, dtype=np.int64)).packed()) == 0


def drawn_rows(seed: int, count: int, width: int) -> Rows:
    """Return rows of a few of the features each, the constant one (the last) always and at the end."""
    random = np.random.default_rng(seed)
    chosen = [np.sort(random.permutation(width - 1)[: random.integers(0, 5)]) for _ in range(count)]
    features = [np.append(row, width - 1) for row in chosen]
    ends = np.cumsum([len(row) for row in features])
    values = random.random(ends[-1]).astype(np.float32) + 0.1
    starts = np.concatenate([[0], ends[:-1]])
    return Rows(starts, ends, np.concatenate(features).astype(np.int32), values, width)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 30), st.integers(1, 6))
def test_spread_is_the_entropy_of_the_classes_of_a_feature(seed: int, count: int, classes: int) -> None:
    rows = drawn_rows(seed, count, 8)
    mine = np.random.default_rng(seed + 1).integers(0, classes, count).astype(np.int32)
    share = np.bincount(mine) / count
    present = share > 0
    found = rows.spread(mine)
    for feature in range(8):
        own = [
            mine[row] for row in range(count) if feature in rows.features[rows.starts[row] : rows.stops[row]]
        ]
        counts = np.bincount(own, minlength=len(share)) + 2 * share
        part = counts[present] / counts.sum()
        expected = -(part * np.log(part)).sum() / np.log(present.sum()) if present.sum() > 1 else 0.0
        assert found[feature] == pytest.approx(expected, abs=1e-5)
    assert (found >= -1e-6).all()
    assert (found <= 1 + 1e-6).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_weighed_rows_keep_unit_length_and_the_constant(seed: int) -> None:
    rows = drawn_rows(seed, 12, 8)
    before = rows.values.copy()
    weights = np.random.default_rng(seed).random(8).astype(np.float32) + 0.1
    rows.weigh(weights)
    for begin, end in zip(rows.starts, rows.stops, strict=True):
        assert rows.values[end - 1] == before[end - 1]
        if end - begin > 1:
            expected = before[begin : end - 1] * weights[rows.features[begin : end - 1]]
            np.testing.assert_allclose(
                rows.values[begin : end - 1], expected / np.linalg.norm(expected), rtol=1e-5
            )


def test_a_weighed_vocabulary_makes_the_weighed_rows() -> None:
    texts = encode_texts(pa.array(["green tea", "black tea tea", "", "rice", "green rice"]))
    chosen = np.arange(len(texts), dtype=np.int64)
    vocabulary = GramVocabulary.fit(texts, chosen, Grams(1, 3, 2, 16), 1, 1000)
    rows = vocabulary.all_rows(texts, chosen)
    weights = np.random.default_rng(0).random(len(vocabulary)).astype(np.float32) + 0.1
    rows.weigh(weights)
    again = vocabulary.weighed(weights).all_rows(texts, chosen)
    np.testing.assert_array_equal(rows.features, again.features)
    np.testing.assert_allclose(rows.values, again.values, rtol=1e-5)
