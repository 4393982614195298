"""Losses that know the tree: mistakes inside a family cost less than mistakes across the tree."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mep3m.label_tree.tree import LabelTree


class SiblingLoss(nn.Module):
    """Hierarchical cross-entropy (Bertinetto et al. 2020, eq. 3) of conditional probabilities.

    -Σ over levels of exp(-alpha · (level - 1)) · log P(node | its parent), each a softmax among
    siblings; with alpha > 0 the coarse decisions weigh more. Unknown levels are masked.
    """

    def __init__(self, tree: LabelTree, alpha: float) -> None:
        """Take the tree and the decay of the weights with depth."""
        super().__init__()
        self.alpha = alpha
        self.register_buffer("parent", torch.from_numpy(tree.parent.astype(np.int64)))
        self.levels = [tree.nodes(level) for level in range(1, tree.depth + 1)]

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Map logits (B, C) and targets (B, L), node columns or -1, to one number."""
        total = logits.sum() * 0
        for level, nodes in enumerate(self.levels):
            rows = (targets[:, level] >= 0).nonzero()[:, 0]
            if not len(rows):
                continue
            target = targets[rows, level]
            parent = self.get_buffer("parent")
            cross_parent = parent[nodes][None, :] != parent[target][:, None]
            local = logits[rows, nodes].masked_fill(cross_parent, -torch.inf)
            weight = float(np.exp(-self.alpha * level))
            total = total + weight * F.cross_entropy(local, target - nodes.start)
        return total


class SoftLabelLoss(nn.Module):
    """Soft labels (Bertinetto et al. 2020, eq. 5), at every level.

    The target of a level is a softmax of -beta times the tree distance to the true node:
    d = 1 - (level of the lowest common ancestor) / level, 0 for the node itself, 1 across the root.
    """

    def __init__(self, tree: LabelTree, beta: float) -> None:
        """Take the tree and how fast the target falls off with distance."""
        super().__init__()
        self.beta = beta
        self.register_buffer("ancestors", torch.from_numpy(tree.ancestors.astype(np.int64)))
        self.levels = [tree.nodes(level) for level in range(1, tree.depth + 1)]

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Map logits (B, C) and targets (B, L), node columns or -1, to one number."""
        total = logits.sum() * 0
        for level, nodes in enumerate(self.levels):
            rows = (targets[:, level] >= 0).nonzero()[:, 0]
            if len(rows):
                soft = self.soft_targets(targets[rows, level], level)
                total = total + F.cross_entropy(logits[rows, nodes], soft)
        return total

    def soft_targets(self, target: Tensor, level: int) -> Tensor:
        """Return (B, nodes of the level) target probabilities of true columns (B,); `level` counts from 0."""
        table = self.get_buffer("ancestors")[:, : level + 1]
        shared = (table[self.levels[level]][None] == table[target][:, None]).sum(2)
        distance = 1 - shared / (level + 1)
        return (-self.beta * distance).softmax(1)


class MarginalLoss(nn.Module):
    """Marginal likelihood at every level: -log of the softmax mass below the deepest known node.

    Cross-entropy where the level is known. A row that is known down to a coarser node pulls up all nodes
    below it together; where a leaf below it ends above the level, there may be no label and it is masked.
    """

    def __init__(self, tree: LabelTree) -> None:
        """Take the tree; the last row of its tables stands for -1, nothing known."""
        super().__init__()
        table = np.vstack([tree.ancestors, np.full((1, tree.depth), -1)]).astype(np.int64)
        reaches = np.ones((len(tree) + 1, tree.depth), dtype=bool)
        reaches[-1] = False
        for leaf in tree.leaves:
            above = tree.ancestors[leaf][tree.ancestors[leaf] >= 0]
            reaches[above, tree.levels[leaf] :] = False
        self.register_buffer("ancestors", torch.from_numpy(table))
        self.register_buffer("reaches", torch.from_numpy(reaches))
        self.levels = [tree.nodes(level) for level in range(1, tree.depth + 1)]

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Map logits (B, C) and targets (B, L), node columns or -1, to one number."""
        ancestors, reaches = self.get_buffer("ancestors"), self.get_buffer("reaches")
        total = logits.sum() * 0
        known = torch.full_like(targets[:, 0], -1)
        depth = torch.zeros_like(known)
        for level, nodes in enumerate(self.levels):
            here = targets[:, level] >= 0
            known, depth = known.where(~here, targets[:, level]), depth.where(~here, level)
            rows = reaches[known, level].nonzero()[:, 0]
            if len(rows):
                below = ancestors[nodes].T[depth[rows]] == known[rows, None]
                local = logits[rows, nodes]
                mass = local.masked_fill(~below, -torch.inf).logsumexp(1)
                total = total + (local.logsumexp(1) - mass).mean()
        return total
