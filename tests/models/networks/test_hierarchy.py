import numpy as np
import pytest
import torch
from hypothesis import given

from mep3m.label_tree.probabilities import TOLERANCE, from_siblings, incoherence, make_coherent
from mep3m.label_tree.tree import LabelTree
from mep3m.models.networks.build import build_head, build_network
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.networks.hierarchy import HierarchyHeads
from mep3m.models.networks.product import LevelHeads
from mep3m.settings.network import NetworkSettings, TextSettings
from tests.label_tree.trees import random_scores, seeds, trees

ORDERS = ("coarse-to-fine", "fine-to-coarse", "coarse-and-fine", "flat")
TREE = LabelTree.from_paths([("a", "x", "1"), ("a", "x", "2"), ("a", "y"), ("b",)])


def reach(heads: HierarchyHeads, level: int, levels: tuple[int, ...]) -> list[bool]:
    """Return which towers the loss of one level reaches."""
    heads.zero_grad()
    starts = np.cumsum((0, *levels))
    heads(torch.randn(4, 8))[:, starts[level] : starts[level + 1]].sum().backward()
    return [bool(tower.skip.weight.grad.abs().sum() > 0) for tower in heads.towers]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("levels", [(3,), (2, 4), (2, 3, 5, 7)])
def test_logits_for_every_node_at_any_number_of_levels(order: str, levels: tuple[int, ...]) -> None:
    heads = HierarchyHeads(8, levels, order, (16, 12), dropout=0.1).eval()
    assert heads(torch.randn(5, 8)).shape == (5, sum(levels))


def test_the_orders_are_those_of_figure_10() -> None:
    levels = (2, 3, 4)
    seen = {order: [reach(HierarchyHeads(8, levels, order), k, levels) for k in range(3)] for order in ORDERS}
    assert seen["coarse-to-fine"] == [[True, False, False], [True, True, False], [True, True, True]]
    assert seen["fine-to-coarse"] == [[True, True, True], [True, True, False], [True, False, False]]
    assert seen["coarse-and-fine"] == [[True], [True], [True]]
    assert seen["flat"] == [[True, False, False], [False, True, False], [False, False, True]]


def test_skip_connections_reach_past_the_dense_layers() -> None:
    heads = HierarchyHeads(4, (2, 2), "coarse-to-fine", (6,))
    with torch.no_grad():
        for tower in heads.towers:
            tower.layers[0].weight.zero_()
            tower.layers[0].bias.zero_()
    one, two = heads(torch.randn(2, 4)).detach()
    assert not torch.allclose(one, two)


@given(trees, seeds)
def test_what_a_network_answers_is_coherent_on_any_tree(tree: LabelTree, seed: int) -> None:
    settings = NetworkSettings(title=TextSettings(embedding=2, hidden=2), hierarchy="coarse-to-fine")
    network = build_network(settings, tree, {"title": 3})
    classifier = NetworkClassifier(tree, settings, network, {}, np.zeros(len(tree), np.float32))
    proba = classifier.join(torch.from_numpy(random_scores(seed, (4, len(tree)))))
    assert incoherence(tree, proba) <= TOLERANCE
    flat = NetworkClassifier(
        tree, settings.model_copy(update={"hierarchy": "flat"}), network, {}, classifier.frequencies
    )
    loose = flat.join(torch.from_numpy(random_scores(seed, (4, len(tree)))))
    assert incoherence(tree, make_coherent(tree, loose)) <= TOLERANCE


def test_settings_choose_the_head() -> None:
    assert isinstance(build_head(NetworkSettings(), TREE, 8), LevelHeads)
    head = build_head(NetworkSettings(hierarchy="fine-to-coarse", hidden=(5,)), TREE, 8)
    assert isinstance(head, HierarchyHeads)
    logits = head(torch.randn(3, 8))
    assert logits.shape == (3, len(TREE))
    assert incoherence(TREE, from_siblings(TREE, logits.detach().numpy())) <= TOLERANCE
