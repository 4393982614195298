"""Random label trees for property tests: any depth up to 4, leaves at any level, single children."""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

from mep3m.label_tree.tree import LabelTree

#: compiled loops take seconds on their first call
settings.register_profile("compiled", deadline=None, max_examples=60)
settings.load_profile("compiled")

names = st.sampled_from(["a", "b", "c", "d", "其他", "x y"])
paths = st.lists(names, min_size=1, max_size=4).map(tuple)
trees = st.lists(paths, min_size=1, max_size=25).map(LabelTree.from_paths)
seeds = st.integers(0, 2**32 - 1)


def random_scores(seed: int, shape: tuple[int, int]) -> np.ndarray:
    """Return scores that are sometimes far apart, so that rounding and overflow are met."""
    rng = np.random.default_rng(seed)
    return (rng.normal(size=shape) * rng.choice([0.1, 3.0, 60.0])).astype(np.float32)
