from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.stages.dedupe.pairs import bucket_pairs, near_hashes, near_signatures, unique_pairs
from mep3m.stages.dedupe.titles import normalise, shingle, signatures


def as_set(pairs: np.ndarray) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for a, b in pairs}


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=12))
def test_small_buckets_give_all_their_pairs(keys: list[int]) -> None:
    array = np.array(keys, dtype=np.int64)
    pairs = unique_pairs(list(bucket_pairs(array, np.arange(len(keys)))), len(keys))
    counts = np.bincount(array, minlength=1)
    if counts.max(initial=0) <= 9:
        expected = {p for p in combinations(range(len(keys)), 2) if keys[p[0]] == keys[p[1]]}
        assert as_set(pairs) == expected


def test_a_huge_bucket_stays_linear() -> None:
    keys = np.zeros(5000, dtype=np.int64)
    assert sum(len(pairs) for pairs in bucket_pairs(keys, np.arange(5000))) < 8 * 5000


@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=3, unique=True),
    st.integers(0, 6),
    st.randoms(use_true_random=False),
)
@settings(deadline=None, max_examples=40)
def test_near_hashes_are_all_found(values: list[int], most: int, random: object) -> None:
    hashes = [*values]
    for value in values[:3]:  # plant neighbours
        for _ in range(2):
            flipped = value
            for bit in random.sample(range(64), most):  # type: ignore[attr-defined]
                flipped ^= 1 << bit
            hashes.append(flipped)
    array = np.array(hashes, dtype=np.uint64)
    expected = {
        (i, j) for i, j in combinations(range(len(hashes)), 2) if (hashes[i] ^ hashes[j]).bit_count() <= most
    }
    assert as_set(near_hashes(array, most)) == expected


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_pair(count: int) -> None:
    assert near_hashes(np.zeros(count, np.uint64), 4).shape == (0, 2)
    assert near_signatures(np.zeros((count, 64), np.uint8), 0.6).shape == (0, 2)


def test_near_titles_meet_and_others_do_not() -> None:
    rng = np.random.default_rng(1)
    letters = np.array([chr(0x4E00 + k) for k in range(800)])
    titles = ["".join(rng.choice(letters, 40)) for _ in range(2000)]
    titles += [title[:-4] + "".join(rng.choice(letters, 4)) for title in titles[:300]]
    cut = shingle(normalise(pa.array(titles)))
    pairs = as_set(near_signatures(signatures(cut), 0.6))
    planted = {(i, 2000 + i) for i in range(300)}
    assert len(planted & pairs) >= 297  # similarity about 0.8: missed with probability 0.0002
    assert len(pairs - planted) < 20
