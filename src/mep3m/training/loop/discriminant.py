"""What class means say, beside what heads learned from their mistakes: one linear layer of both."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn

from mep3m.label_tree.probabilities import deepest
from mep3m.label_tree.tree import LabelTree
from mep3m.models.learned.heads import one_covariance
from mep3m.models.networks.linear_heads import LinearHeads
from mep3m.models.networks.product import LevelHeads, ProductNetwork
from mep3m.settings.training import TrainingSettings
from mep3m.training.examples import Examples
from mep3m.training.loop.whole import Batches, read_whole


def finished(
    heads: ProductNetwork, examples: Examples, tree: LabelTree, training: TrainingSettings
) -> ProductNetwork:
    """Return trained heads as they answer: those fitted at once may be averaged with a discriminant."""
    if training.optimiser == "lbfgs" and training.discriminant is not None:
        heads = with_discriminant(heads, examples, tree, training.discriminant)
    heads.cpu().eval()
    return heads


@torch.no_grad()
def with_discriminant(
    network: ProductNetwork, examples: Examples, tree: LabelTree, shrinkage: float
) -> ProductNetwork:
    """Return a network whose linear heads say the geometric mean of their probabilities and a discriminant's.

    `examples` are the rows that the heads were fitted to. A linear discriminant (LDA; Hastie, Tibshirani,
    Friedman, *Elements of Statistical Learning*, 4.3) has one mean a class and one covariance, of which
    `shrinkage` is replaced by its mean variance, the same in all directions; classes are as frequent as in
    the rows. Of few rows it needs no penalty, and it errs elsewhere than the heads. Its scores are stretched
    until they spread over the classes of a row as the heads' log probabilities do, and then both are linear
    in the features, and so is their mean. Heads with dense layers stay as they are.
    """
    network = deepcopy(network)
    batches = read_whole(examples, next(network.parameters()).device)
    added = [
        (layer, classes, _discriminant(network, batches, classes, level, shrinkage))
        for layer, classes, level in _choices(network.head, tree)
    ]
    for layer in {layer for layer, _, _ in added}:
        layer.weight.mul_(0.5)
        layer.bias.mul_(0.5)
    for layer, classes, (weights, bias) in added:
        layer.weight[classes] += 0.5 * weights
        layer.bias[classes] += 0.5 * bias
    return network


def _choices(head: nn.Module, tree: LabelTree) -> Iterator[tuple[nn.Linear, Tensor, int | None]]:
    """Give a linear layer, the C columns of it of which a row is one, and their level (none: the leaves)."""
    if isinstance(head, LinearHeads):
        yield head.layer, torch.from_numpy(tree.leaves.astype(np.int64)), None
    elif isinstance(head, LevelHeads) and isinstance(head.layers[1], nn.Linear) and len(head.layers) == 2:
        for level in range(tree.depth):
            nodes = tree.nodes(level + 1)
            yield head.layers[1], torch.arange(nodes.start, nodes.stop), level


def _discriminant(
    network: ProductNetwork, batches: Batches, classes: Tensor, level: int | None, shrinkage: float
) -> tuple[Tensor, Tensor]:
    """Return the stretched weights (C, D) and biases (C,) of a discriminant of some classes."""
    device, count = batches[0]["targets"].device, len(classes)
    place = torch.full((int(classes.max()) + 2,), -1)  # the last is that of -1, a label that is not known
    place[classes] = torch.arange(count)

    def rows() -> Iterator[tuple[Tensor, Tensor]]:
        """Give the features (n, D) of the rows that have a class, and its place (n,)."""
        for batch in batches:
            targets = batch["targets"].cpu().numpy()
            nodes = torch.from_numpy(deepest(targets) if level is None else targets[:, level]).long()
            own = place[nodes]
            features = network.encode(batch)[(own >= 0).to(device)]
            yield features, own[own >= 0].to(device)

    sums, products, counts = torch.zeros(()), torch.zeros(()), torch.zeros(count, device=device)
    for features, own in rows():
        empty = torch.zeros(count, features.shape[1], device=device)
        sums = sums + empty.index_add_(0, own, features).double()
        products = products + (features.T @ features).double()
        counts += torch.bincount(own, minlength=count)
    means = (sums / counts.clamp(min=1)[:, None]).cpu().numpy()
    counted = counts.double().cpu().numpy()
    within = (products.cpu().numpy() - (means * counted[:, None]).T @ means) / max(counted.sum(), 1)
    found = one_covariance(means, within, shrinkage)
    frequency = np.log(np.maximum(counted, 0.5) / max(counted.sum(), 1))
    weights = torch.from_numpy(found.weights.T.astype(np.float32)).to(device)
    bias = torch.from_numpy((found.bias + frequency).astype(np.float32)).to(device)
    heads, own_spread = 0.0, 0.0
    for features, _ in rows():
        scores = network.head(features)[:, classes.to(device)]
        heads += float(scores.std(1, correction=0).sum())
        own_spread += float((features @ weights.T + bias).std(1, correction=0).sum())
    stretch = heads / max(own_spread, 1e-12)
    return stretch * weights, stretch * bias
