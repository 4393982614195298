"""Linear heads averaged with a linear discriminant."""

from copy import deepcopy

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from mep3m.arrays import Floats
from mep3m.label_tree.probabilities import softmax
from mep3m.label_tree.tree import LabelTree
from mep3m.models.inputs.columns import Inputs, Stored
from mep3m.models.networks.product import ProductNetwork
from mep3m.settings.network import NetworkSettings
from mep3m.settings.training import TrainingSettings
from mep3m.training.examples import Examples
from mep3m.training.frozen import heads_over
from mep3m.training.loop.discriminant import finished
from mep3m.training.loop.whole import fit_whole

PATHS = [("a", "x"), ("a", "y"), ("b", "z"), ("b", "w"), ("c", "only")]
TREE = LabelTree.from_paths(PATHS)
ALONE = TrainingSettings(optimiser="lbfgs", weight_decay=5.0, label_smoothing=0.0)
BOTH = ALONE.model_copy(update={"discriminant": 0.2})


def rows(count: int = 200, width: int = 6, spread: float = 1.0, known: int = 5) -> tuple[Examples, Floats]:
    """Return rows of the first so many classes with one covariance, and their features (count, width)."""
    draw = np.random.default_rng(3)
    centres, mix = draw.normal(size=(5, width)), draw.normal(size=(width, width))
    own = draw.integers(0, known, count)
    features = (centres[own] + spread * draw.normal(size=(count, width)) @ mix).astype(np.float32)
    codes = TREE.encode([PATHS[one] for one in own])
    return Examples(Inputs({"image": Stored(features, np.arange(count))}), codes, np.arange(count)), features


def heads(examples: Examples, training: TrainingSettings, **settings: object) -> ProductNetwork:
    torch.manual_seed(0)
    own = NetworkSettings(head="linear").model_copy(update=settings)
    network = heads_over(dict(examples.inputs.parts), TREE, own)  # type: ignore[arg-type]
    fit_whole(network, examples, TREE, training)
    return finished(network, examples, TREE, training)


def scores(network: ProductNetwork, features: Floats) -> Floats:
    with torch.no_grad():
        found: Floats = network.head(torch.from_numpy(features)).numpy()
    return found


@pytest.mark.parametrize("hierarchy", ["coarse-to-fine", "fine-to-coarse", "flat"])
def test_it_is_the_geometric_mean_of_both(hierarchy: str) -> None:
    examples, features = rows()
    alone = scores(heads(examples, ALONE, hierarchy=hierarchy), features)[:, TREE.leaves]
    both = scores(heads(examples, BOTH, hierarchy=hierarchy), features)[:, TREE.leaves]
    found = softmax(2 * both - alone)
    leaves = examples.targets[:, 1]
    # scikit-learn's shrinks the same covariance, of features that it standardises
    peer = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.2).fit(features, leaves)
    # its standardised features are another metric to shrink in, so only answers are compared
    assert np.mean(found.argmax(1) == np.searchsorted(TREE.leaves, peer.predict(features))) > 0.95
    # stretched until it spreads as the heads do
    spread = (2 * both - alone).std(1).mean()
    assert spread == pytest.approx(alone.std(1).mean(), rel=1e-4)


def test_levels_still_agree() -> None:
    examples, features = rows()
    logits = scores(heads(examples, BOTH, hierarchy="coarse-to-fine"), features)
    fine = softmax(logits[:, TREE.nodes(2)])
    coarse = np.stack([fine[:, TREE.parent[TREE.nodes(2)] == node].sum(1) for node in range(3)], 1)
    np.testing.assert_allclose(softmax(logits[:, TREE.nodes(1)]), coarse, atol=1e-5)


def test_rows_whose_spread_is_one_are_told_better_of_few() -> None:
    """Where classes have one covariance, few rows of each suffice to it: heads alone know nothing of that."""
    few, _ = rows(60, 40)
    many, features = rows(3000, 40)
    truth = many.targets[:, 1]

    def right(training: TrainingSettings) -> float:
        answers = TREE.leaves[
            scores(heads(few, training, hierarchy="fine-to-coarse"), features)[:, TREE.leaves].argmax(1)
        ]
        return float(np.mean(answers == truth))

    loose = {"weight_decay": 1e-3}
    assert right(BOTH.model_copy(update=loose)) > right(ALONE.model_copy(update=loose))


@pytest.mark.parametrize("hierarchy", ["coarse-to-fine", "flat"])
def test_a_class_without_rows_is_not_answered(hierarchy: str) -> None:
    examples, features = rows(known=4)
    logits = scores(heads(examples, BOTH, hierarchy=hierarchy), features)
    absent = TREE.nodes(2).stop - 1
    assert (logits[:, TREE.leaves].argmax(1) != np.flatnonzero(TREE.leaves == absent)).all()
    assert np.isfinite(logits).all()


@pytest.mark.parametrize("count", [1, 2])
def test_one_row_or_equal_ones_are_no_fault(count: int) -> None:
    examples, features = rows(count, spread=0.0, known=1)
    assert np.isfinite(scores(heads(examples, BOTH, hierarchy="coarse-to-fine"), features)).all()


def test_rows_without_a_leaf_are_left_out() -> None:
    examples, features = rows()
    part = deepcopy(examples)
    part.targets[::2, 1] = -1
    some = Examples(examples.inputs, examples.targets, examples.rows[1::2])
    assert np.isfinite(scores(heads(part, BOTH, hierarchy="coarse-to-fine"), features)).all()
    found = [scores(heads(one, BOTH, hierarchy="flat"), features)[:, TREE.nodes(2)] for one in (part, some)]
    # heads fitted to half of the rows' second level, and to half of the rows, say the same of it
    assert np.mean(found[0].argmax(1) == found[1].argmax(1)) > 0.97


def test_dense_heads_stay_as_they_are() -> None:
    examples, features = rows()
    dense = {"hierarchy": "flat", "head": "dense", "hidden": (8,)}
    np.testing.assert_array_equal(*(scores(heads(examples, one, **dense), features) for one in (ALONE, BOTH)))
