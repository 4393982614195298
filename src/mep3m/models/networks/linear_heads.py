"""Heads without dense layers, for features that are good already: (B, D) to logits (B, C) that agree."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from mep3m.label_tree.tree import LabelTree


class LinearHeads(nn.Module):
    """One linear layer whose levels agree: the logit of a node is the log of the mass of the leaves below it.

    coarse-to-fine: the score of a leaf is the sum of the scores of all nodes on its path, so that what a
    parent learns helps every child; fine-to-coarse: it is its own score alone. Either way the softmax of a
    level, and that of siblings multiplied down the path, are the same numbers.
    """

    def __init__(self, width: int, tree: LabelTree, order: str) -> None:
        """Take the width D of the features, the tree of C nodes, and one of the two orders."""
        super().__init__()
        self.order = order
        self.layer = nn.Linear(width, len(tree))
        nn.init.zeros_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)
        self.levels = [tree.nodes(level) for level in range(1, tree.depth + 1)]
        for place, nodes in enumerate(self.levels):
            above = self.levels[place - 1].start if place else 0
            self._table(f"parents_{place}", tree.parent[nodes] - above)
            if place + 1 < len(self.levels):
                self._table(f"below_{place}", _below(tree, nodes, self.levels[place + 1]))

    def _table(self, name: str, values: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(values.astype(np.int64)), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, D) to logits (B, C), the levels' columns side by side from coarse to fine."""
        scores = [self.layer(features)[:, nodes] for nodes in self.levels]
        if self.order == "coarse-to-fine":
            for place in range(1, len(scores)):
                scores[place] = scores[place] + scores[place - 1][:, self.get_buffer(f"parents_{place}")]
        for place in range(len(scores) - 2, -1, -1):
            every = pad(torch.cat([scores[place + 1], scores[place]], 1), (0, 1), value=-torch.inf)
            scores[place] = every[:, self.get_buffer(f"below_{place}")].logsumexp(2)
        return torch.cat(scores, 1)


def _below(tree: LabelTree, nodes: slice, deeper: slice) -> np.ndarray:
    """Return (nodes of a level, K) where each finds its children, or itself where it is a leaf.

    A place is one of the columns of the level below, of this level, and one of nothing, side by side.
    """
    children = [np.flatnonzero(tree.parent[deeper] == node) for node in range(nodes.start, nodes.stop)]
    most = max(1, *(len(found) for found in children))
    first, nothing = deeper.stop - deeper.start, deeper.stop - nodes.start
    table = np.full((len(children), most), nothing)
    for place, found in enumerate(children):
        table[place, : max(len(found), 1)] = found if len(found) else first + place
    return table
