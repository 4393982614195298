"""Losses over the levels of a label tree; missing labels are masked, never guessed."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mep3m.label_tree.tree import LabelTree
from mep3m.settings.training import Loss, TrainingSettings
from mep3m.training.tree_losses import MarginalLoss, SiblingLoss, SoftLabelLoss

#: the target that PyTorch's cross entropy leaves out
MASKED = -100
#: losses that compare a node with its family or its distance to others
TREE_LOSSES = ("hierarchical", "marginal", "soft_labels")


def class_counts(targets: NDArray[np.int32], nodes: int) -> NDArray[np.int64]:
    """Return (C,) how many rows carry each node, from targets (N, L) with -1 for missing."""
    known = targets[targets >= 0]
    return np.bincount(known, minlength=nodes)


def learned_codes(codes: NDArray[np.int32], tree: LabelTree, hierarchy: str, loss: Loss) -> NDArray[np.int32]:
    """Return the columns (N, L) to learn: with flat heads and a `LevelLoss`, names compete and not nodes.

    A name below several parents is then learned in the first of its columns (`LabelTree.first_of_name`);
    prediction adds its columns up.
    """
    if hierarchy != "flat" or loss in TREE_LOSSES:
        return codes
    return np.where(codes >= 0, tree.first_of_name[codes], codes).astype(np.int32)


class LevelLoss(nn.Module):
    """The sum over levels of the mean loss of the rows labelled there (joint loss of §5).

    cross_entropy, with label smoothing; balanced_softmax (Ren et al. 2020): logits plus the log of
    the class counts; logit_adjustment (Menon et al. 2021, eq. 10): the same with a factor tau;
    focal (Lin et al. 2017): cross-entropy times (1 - p)^gamma.
    """

    log_prior: Tensor

    def __init__(self, tree: LabelTree, counts: NDArray[np.int64], settings: TrainingSettings) -> None:
        """Take the tree and the training counts (C,) of its nodes."""
        super().__init__()
        self.levels = [tree.nodes(level) for level in range(1, tree.depth + 1)]
        self.kind = settings.loss
        self.smoothing = settings.label_smoothing
        self.gamma = settings.gamma
        strength = settings.tau if settings.loss == "logit_adjustment" else 1.0
        prior = np.zeros(len(tree), np.float32)
        if settings.loss in ("balanced_softmax", "logit_adjustment"):
            for nodes in self.levels:
                # a class without a row counts as half a row, so that its logarithm exists
                level = np.maximum(counts[nodes], 0.5)
                prior[nodes] = strength * np.log(level / level.sum())
        self.register_buffer("log_prior", torch.from_numpy(prior))

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Map logits (B, C) and targets (B, L), node columns or -1, to one number."""
        adjusted = logits.float() + self.log_prior
        losses = [
            self._one(adjusted[:, nodes], targets[:, level] - nodes.start)
            for level, nodes in enumerate(self.levels)
        ]
        return torch.stack(losses).sum()

    def _one(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the mean over the rows whose target (B,) is a column of the level; 0 where all are below 0.

        Nothing here looks at a value, which would make the host wait for a GPU.
        """
        known = target >= 0
        loss = F.cross_entropy(
            logits,
            target.where(known, MASKED),
            reduction="none",
            ignore_index=MASKED,
            label_smoothing=self.smoothing,
        )
        if self.kind == "focal":
            # a row without a label is sure of nothing: below an exponent of 1 certainty has no slope at 1
            certainty = logits.softmax(1).gather(1, target.clamp(min=0)[:, None])[:, 0].where(known, 0)
            loss = (1 - certainty) ** self.gamma * loss
        return loss.sum() / known.sum().clamp(min=1)


def make_loss(tree: LabelTree, counts: NDArray[np.int64], settings: TrainingSettings) -> nn.Module:
    """Return the loss (logits (B, C), targets (B, L)) -> number that the settings name."""
    if settings.loss == "hierarchical":
        return SiblingLoss(tree, settings.alpha)
    if settings.loss == "marginal":
        return MarginalLoss(tree)
    if settings.loss == "soft_labels":
        return SoftLabelLoss(tree, settings.beta)
    return LevelLoss(tree, counts, settings)
