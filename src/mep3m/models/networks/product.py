"""The whole network: one encoder a modality, a fusion, a head over the nodes of the label tree."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn


class LevelHeads(nn.Module):
    """Logits for all C nodes at once; each level's columns are one softmax.

    `hidden=(4096, 4096)` gives the two fully connected layers of Table 5.
    """

    def __init__(self, width: int, nodes: int, hidden: Sequence[int] = (), dropout: float = 0.0) -> None:
        """Take the width of the fused vector, the number of nodes C, and the widths in between."""
        super().__init__()
        layers: list[nn.Module] = [nn.Dropout(dropout)]
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(dropout)]
            width = size
        self.layers = nn.Sequential(*layers, nn.Linear(width, nodes))

    def forward(self, vector: Tensor) -> Tensor:
        """Map (B, width) to logits (B, C)."""
        logits: Tensor = self.layers(vector)
        return logits


class ProductNetwork(nn.Module):
    """Encoders by modality name, fused, then classified.

    A modality that a row does not have never goes through its encoder in training (it would bend
    the batch statistics); a learned 'absent' vector takes its place.
    """

    def __init__(
        self,
        encoders: Mapping[str, nn.Module],
        fusion: nn.Module,
        head: nn.Module,
        modality_dropout: float = 0.0,
    ) -> None:
        """Take encoders with a `width`, a fusion over these widths in order, and any head (B, D) → (B, C)."""
        super().__init__()
        self.names = tuple(encoders)
        self.encoders = nn.ModuleDict(encoders)
        self.absent = nn.ParameterDict(
            {name: nn.Parameter(torch.zeros(int(part.width))) for name, part in encoders.items()}
        )
        self.fusion = fusion
        self.head = head
        self.modality_dropout = modality_dropout
        #: what computes the same vectors as an encoder sooner, in prediction
        self.sooner: dict[str, Callable[[Tensor], Tensor]] = {}

    def encode(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return the fused vector (B, D).

        `inputs` holds one tensor a modality and `present` (B, M) bool in the order of `names`, which may
        stay in main memory: what it decides is then decided without waiting for a GPU.
        """
        present = inputs["present"]
        if self.training and self.modality_dropout > 0 and len(self.names) > 1:
            present = drop_modalities(present, self.modality_dropout)
        vectors = [self._vector(name, inputs[name], present[:, m]) for m, name in enumerate(self.names)]
        fused: Tensor = self.fusion(vectors)
        return fused

    def forward(self, inputs: Mapping[str, Tensor]) -> Tensor:
        """Return logits (B, C)."""
        logits: Tensor = self.head(self.encode(inputs))
        return logits

    def _vector(self, name: str, values: Tensor, present: Tensor) -> Tensor:
        """Return (B, width) of one modality, the learned vector where it is absent."""
        encoder, absent = self.encoders[name], self.absent[name]
        if not self.training:
            encoded = self.sooner.get(name, encoder)(values)
            return torch.where(present[:, None].to(encoded.device), encoded, absent.to(encoded.dtype))
        if bool(present.all()):
            whole: Tensor = encoder(values)
            return whole
        vectors = absent.expand(len(present), -1)
        rows = present.nonzero()[:, 0]
        # one row alone has no batch statistics
        if len(rows) < 2:
            return vectors
        rows = rows.to(values.device)
        encoded = encoder(values[rows])
        return vectors.to(encoded.dtype).index_copy(0, rows, encoded)


def drop_modalities(present: Tensor, probability: float) -> Tensor:
    """Hide one modality of a row with `probability`, where the row has two or more: (B, M) bool."""
    chosen = torch.rand(present.shape, device=present.device).masked_fill(~present, -1).argmax(1)
    drop = (torch.rand(len(present), device=present.device) < probability) & (present.sum(1) > 1)
    hidden = torch.zeros_like(present)
    hidden[torch.arange(len(present), device=present.device), chosen] = drop
    return present & ~hidden
