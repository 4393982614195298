import numpy as np
import pytest
import torch
from hypothesis import given
from torch.nn import functional as F

from mep3m.label_tree.probabilities import deepest, from_siblings, marginal_log_loss
from mep3m.label_tree.tree import LabelTree
from mep3m.settings.training import TrainingSettings
from mep3m.training.losses import LevelLoss, make_loss
from mep3m.training.tree_losses import MarginalLoss, SiblingLoss, SoftLabelLoss
from tests.label_tree.trees import random_scores, seeds, trees

TREE = LabelTree.from_paths(
    [("a", "x", "1"), ("a", "x", "2"), ("a", "y", "3"), ("b", "z", "4"), ("b", "z", "5")]
)
PATHS = [("a", "x", "2"), ("b", "z"), ("a",)]
CODES = TREE.encode(PATHS)


def logits() -> torch.Tensor:
    return torch.randn(3, len(TREE), generator=torch.Generator().manual_seed(0), requires_grad=True)


def test_hierarchical_loss_of_one_row_is_its_marginal_likelihood() -> None:
    """The product of the conditionals down to the known node is the marginal over the leaves below it."""
    values = logits()
    for row in range(3):
        codes = CODES[row : row + 1]
        loss = SiblingLoss(TREE, alpha=0.0)(values[row : row + 1], torch.from_numpy(codes.astype(np.int64)))
        proba = from_siblings(TREE, values[row : row + 1].detach().numpy())
        assert float(loss.detach()) == pytest.approx(marginal_log_loss(TREE, proba, deepest(codes)), rel=1e-4)


def test_marginal_loss_by_hand() -> None:
    """Row 0 is known to its leaf, row 1 to the second level, row 2 to the first."""
    values = logits().detach()
    shares = [values[:, TREE.nodes(level)].softmax(1).numpy() for level in (1, 2, 3)]
    first = -np.log([shares[0][0, 0], shares[0][1, 1], shares[0][2, 0]]).mean()
    second = -np.log([shares[1][0, 0], shares[1][1, 2], shares[1][2, :2].sum()]).mean()
    third = -np.log([shares[2][0, 1], shares[2][1, 3:].sum(), shares[2][2, :3].sum()]).mean()
    loss = MarginalLoss(TREE)(values, torch.from_numpy(CODES.astype(np.int64)))
    assert float(loss) == pytest.approx(first + second + third, rel=1e-5)


def test_a_level_that_a_product_may_not_have_is_masked() -> None:
    """Below b some leaves end at the second level, so that a b may have no third level."""
    tree = LabelTree.from_paths([("a", "x", "1"), ("a", "x", "2"), ("b", "y", "3"), ("b", "z")])
    values = torch.zeros(1, len(tree), requires_grad=True)
    MarginalLoss(tree)(values, torch.from_numpy(tree.encode([("b",)]).astype(np.int64))).backward()
    assert torch.any(values.grad[0, tree.nodes(2)] != 0)
    assert torch.all(values.grad[0, tree.nodes(3)] == 0)


@given(trees, seeds)
def test_marginal_loss_is_cross_entropy_where_all_is_known_and_less_where_not(
    tree: LabelTree, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    values = torch.from_numpy(random_scores(seed, (4, len(tree))))
    codes = torch.from_numpy(
        tree.ancestors[tree.leaves[rng.integers(0, len(tree.leaves), 4)]].astype(np.int64)
    )
    plain = LevelLoss(tree, np.ones(len(tree), np.int64), TrainingSettings(label_smoothing=0.0))
    whole = MarginalLoss(tree)(values, codes)
    assert float(whole) == pytest.approx(float(plain(values, codes)), rel=1e-3, abs=1e-4)
    for row in range(4):
        mine, known = values[row : row + 1], codes[row : row + 1].clone()
        known[0, rng.integers(1, tree.depth + 1) :] = -1
        loss = float(MarginalLoss(tree)(mine, known))
        assert -1e-3 <= loss <= float(MarginalLoss(tree)(mine, codes[row : row + 1])) + 1e-3


def test_alpha_takes_weight_from_the_fine_levels() -> None:
    targets = torch.from_numpy(CODES.astype(np.int64))
    assert SiblingLoss(TREE, 1.0)(logits(), targets) < SiblingLoss(TREE, 0.0)(logits(), targets)


def test_soft_targets_fall_with_distance_and_are_hard_in_the_limit() -> None:
    target = torch.tensor([TREE.index(("a", "x", "2"))])
    columns = [
        TREE.index(path) - TREE.nodes(3).start
        for path in [("a", "x", "2"), ("a", "x", "1"), ("a", "y", "3"), ("b", "z", "4")]
    ]
    soft = SoftLabelLoss(TREE, 3.0).soft_targets(target, 2)[0]
    assert soft.sum() == pytest.approx(1.0)
    assert soft[columns].tolist() == sorted(soft[columns].tolist(), reverse=True)
    assert soft[columns[1]] > soft[columns[2]] > soft[columns[3]]
    hard = SoftLabelLoss(TREE, 200.0)(logits(), torch.from_numpy(CODES.astype(np.int64)))
    plain = sum(
        F.cross_entropy(
            logits()[rows][:, nodes], torch.tensor(CODES[rows, level].astype(np.int64)) - nodes.start
        )
        for level, (rows, nodes) in enumerate(
            [([0, 1, 2], TREE.nodes(1)), ([0, 1], TREE.nodes(2)), ([0], TREE.nodes(3))]
        )
    )
    assert float(hard) == pytest.approx(float(plain), rel=1e-4)


@pytest.mark.parametrize("loss", ["cross_entropy", "hierarchical", "soft_labels"])
def test_every_loss_masks_unknown_levels_and_has_a_gradient(loss: str) -> None:
    criterion = make_loss(TREE, np.ones(len(TREE), np.int64), TrainingSettings(loss=loss))
    values = logits()
    criterion(values, torch.from_numpy(CODES.astype(np.int64))).backward()
    assert torch.isfinite(values.grad).all()
    assert torch.all(values.grad[2, TREE.nodes(2).start :] == 0)
    nothing = criterion(logits(), torch.full((3, 3), -1))
    assert float(nothing) == 0.0


def test_marginal_likelihood_moves_the_mass_below_the_known_node_and_not_within_it() -> None:
    criterion = make_loss(TREE, np.ones(len(TREE), np.int64), TrainingSettings(loss="marginal"))
    values = logits()
    criterion(values[2:], torch.from_numpy(CODES[2:].astype(np.int64))).backward()
    down, up = -values.grad[2, TREE.nodes(3)][3:], -values.grad[2, TREE.nodes(3)][:3]
    assert torch.all(up > 0)
    assert torch.all(down < 0)
    assert float(criterion(logits(), torch.full((3, 3), -1))) == 0.0


def test_the_default_is_the_joint_cross_entropy() -> None:
    assert isinstance(make_loss(TREE, np.ones(len(TREE), np.int64), TrainingSettings()), LevelLoss)
