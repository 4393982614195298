"""What a row is scored as does not depend on the rows beside it: gaps are closed from the model's tree."""

from dataclasses import asdict
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mep3m.dataset.dataset import Cells, Dataset
from mep3m.evaluation.evaluate import score
from mep3m.label_tree.tree import LabelTree
from mep3m.product import Label, Product, to_table

PATHS = [("food", "drink", "tea"), ("food", "drink", "milk"), ("food", "rice"), ("home", "gift", "tea")]
TREE = LabelTree.from_paths([*PATHS, ("home", "lamp")])
NAMES = st.sampled_from([None, "food", "home", "drink", "gift", "rice", "lamp", "tea", "milk", "new"])
ROWS = st.lists(st.lists(NAMES, min_size=1, max_size=3).filter(any).map(tuple), min_size=2, max_size=12)


def shelf(rows: list[Cells]) -> Dataset:
    products = [
        Product(str(n), "s", str(n), labels=tuple(Label(name, "given", "s") for name in row))
        for n, row in enumerate(rows)
    ]
    return Dataset.of(to_table(products))


def guesses(rows: list[Cells], seed: int) -> np.ndarray:
    """(N, C) coherent probabilities: all of it on one leaf of each row."""
    proba = np.zeros((len(rows), len(TREE)), dtype=np.float32)
    for row, leaf in enumerate(np.random.default_rng(seed).choice(TREE.leaves, len(rows))):
        proba[row, TREE.ancestors[leaf][TREE.ancestors[leaf] >= 0]] = 1
    return proba


@given(ROWS, st.randoms(use_true_random=False), st.integers(0, 9))
def test_rows_scored_one_by_one_are_the_rows_scored_together_in_any_order(
    rows: list[Cells], random: Random, seed: int
) -> None:
    proba = guesses(rows, seed)
    together = score(TREE, proba, shelf(rows))
    order = list(range(len(rows)))
    random.shuffle(order)
    turned = score(TREE, proba[order], shelf([rows[row] for row in order]))
    assert asdict(turned.hierarchical.scores) == pytest.approx(asdict(together.hierarchical.scores))
    for mine, theirs in zip(turned.levels, together.levels, strict=True):
        assert asdict(mine.scores) == pytest.approx(asdict(theirs.scores))
    alone = [score(TREE, proba[[row]], shelf([rows[row]])) for row in order]
    scored = [one.hierarchical.scores for one in alone if one.hierarchical.scores.n]
    assert len(scored) == together.hierarchical.scores.n
    if scored:
        assert np.mean([one.distance for one in scored]) == pytest.approx(
            together.hierarchical.scores.distance
        )
        assert np.mean([one.lca_depth for one in scored]) == pytest.approx(
            together.hierarchical.scores.lca_depth
        )
    assert sum(one.outside.rows for one in alone) == together.outside.rows
    right = {level.level: level.scores.top1 * level.scores.n for level in together.levels}
    for level, hits in right.items():
        mine = [one.scores.top1 for row in alone for one in row.levels if one.level == level]
        assert sum(mine) == pytest.approx(hits)
