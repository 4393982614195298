"""Heads of one linear layer whose levels agree."""

import numpy as np
import pytest
import torch

from mep3m.label_tree.probabilities import from_leaves, from_siblings, softmax
from mep3m.label_tree.tree import LabelTree
from mep3m.models.networks.linear_heads import LinearHeads

TREES = {
    "two levels": [("a", "x"), ("a", "y"), ("b", "z"), ("b", "w"), ("b", "v")],
    "leaves at every level": [
        ("a",),
        ("b", "x"),
        ("b", "y", "deep"),
        ("b", "y", "deeper"),
        ("c", "z", "only"),
    ],
    "one level": [("a",), ("b",), ("c",)],
    "a chain": [("a", "b", "c", "d"), ("e",)],
}


def scored(name: str, order: str) -> tuple[LabelTree, np.ndarray, np.ndarray]:
    """Return a tree, the raw scores (7, C) of its nodes, and the logits of the heads."""
    torch.manual_seed(0)
    tree = LabelTree.from_paths(TREES[name])
    heads = LinearHeads(4, tree, order)
    torch.nn.init.normal_(heads.layer.weight, std=3)
    torch.nn.init.normal_(heads.layer.bias)
    features = torch.randn(7, 4)
    with torch.no_grad():
        return tree, heads.layer(features).numpy(), heads(features).numpy()


@pytest.mark.parametrize("order", ["coarse-to-fine", "fine-to-coarse"])
@pytest.mark.parametrize("name", TREES)
def test_they_are_a_softmax_of_the_leaves_summed_up(name: str, order: str) -> None:
    tree, raw, logits = scored(name, order)
    leaves = raw[:, tree.leaves].copy()
    if order == "coarse-to-fine":
        for place, leaf in enumerate(tree.leaves):
            node = tree.parent[leaf]
            while node >= 0:
                leaves[:, place] += raw[:, node]
                node = tree.parent[node]
    expected = from_leaves(tree, softmax(leaves))
    np.testing.assert_allclose(from_siblings(tree, logits), expected, atol=1e-5)
    # a level's own softmax says the same of the nodes that lie at it
    first = softmax(logits[:, tree.nodes(1)])
    np.testing.assert_allclose(first, expected[:, tree.nodes(1)], atol=1e-5)


def test_scores_far_apart_give_finite_logits_and_slopes() -> None:
    tree = LabelTree.from_paths(TREES["leaves at every level"])
    heads = LinearHeads(2, tree, "coarse-to-fine")
    torch.nn.init.normal_(heads.layer.weight, std=500)
    logits = heads(torch.randn(5, 2))
    (-logits[:, tree.nodes(2)].log_softmax(1)[:, 0]).mean().backward()
    assert logits.isfinite().all()
    assert heads.layer.weight.grad is not None
    assert heads.layer.weight.grad.isfinite().all()
