import numpy as np
import pytest
import torch
from torch.nn import functional as F

from mep3m.models.labels import LabelTree
from mep3m.models.tree import deepest, from_siblings, marginal_log_loss
from mep3m.settings.training import TrainingSettings
from mep3m.training.losses import LevelLoss, make_loss
from mep3m.training.tree_losses import SiblingLoss, SoftLabelLoss

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


def test_the_default_is_the_joint_cross_entropy() -> None:
    assert isinstance(make_loss(TREE, np.ones(len(TREE), np.int64), TrainingSettings()), LevelLoss)
