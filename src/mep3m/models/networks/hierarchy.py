"""The three hierarchical networks of Fig. 10 as heads: (B, D) features to logits (B, C), level by level."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

#: width of the dense layers of a level where the settings name none
WIDTH = 512


class Dense(nn.Module):
    """Dense layers whose input is also led past them: (B, D) to (B, width).

    The result of the layers is added to a projection of their input (the dotted lines of Fig. 10).
    """

    def __init__(self, inputs: int, hidden: Sequence[int], dropout: float) -> None:
        """Take the width D of the input and the widths of the layers, the last being the result's."""
        super().__init__()
        layers: list[nn.Module] = []
        width = inputs
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(dropout)]
            width = size
        self.layers = nn.Sequential(*layers)
        self.skip = nn.Linear(inputs, width, bias=False)
        self.width = width

    def forward(self, vector: Tensor) -> Tensor:
        """Map (B, D) to (B, width)."""
        result: Tensor = self.layers(vector) + self.skip(vector)
        return result


class HierarchyHeads(nn.Module):
    """One classifier a level, connected in one of the orders of §5; any number of levels.

    coarse-to-fine: the dense layers of level 1 see the features, those of every further level the
    features and the hidden state of the level above. fine-to-coarse: the reverse. coarse-and-fine:
    all classifiers on the same dense layers. flat: a tower of its own for each level, nothing
    shared, which is one baseline a level trained in one run.
    """

    def __init__(
        self, width: int, levels: Sequence[int], order: str, hidden: Sequence[int] = (), dropout: float = 0.0
    ) -> None:
        """Take the width D of the features, the number of nodes of each level and the dense widths."""
        super().__init__()
        hidden = tuple(hidden) or (WIDTH,)
        self.order = order
        self.normalise = nn.Sequential(nn.LayerNorm(width), nn.Dropout(dropout))
        chained = order in ("coarse-to-fine", "fine-to-coarse")
        towers: list[Dense] = []
        for place in range(1 if order == "coarse-and-fine" else len(levels)):
            inputs = width + (hidden[-1] if chained and place else 0)
            towers.append(Dense(inputs, hidden, dropout))
        self.towers = nn.ModuleList(towers)
        self.classifiers = nn.ModuleList(nn.Linear(hidden[-1], size) for size in levels)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, D) to logits (B, C), the levels' columns side by side from coarse to fine."""
        features = self.normalise(features)
        states = self._states(features)
        return torch.cat([head(state) for head, state in zip(self.classifiers, states, strict=True)], 1)

    def _states(self, features: Tensor) -> list[Tensor]:
        """Return the hidden state (B, H) that each level's classifier reads, coarse to fine."""
        if self.order == "coarse-and-fine":
            return [self.towers[0](features)] * len(self.classifiers)
        if self.order == "flat":
            return [tower(features) for tower in self.towers]
        states: list[Tensor] = []
        for tower in self.towers:
            states.append(tower(torch.cat([features, states[-1]], 1) if states else features))
        return states if self.order == "coarse-to-fine" else states[::-1]
