"""Fusion of modality vectors: [(B, D1), (B, D2), ...] to one vector (B, width)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Concatenation(nn.Module):
    """The vectors side by side (VGG+BiLSTM of Table 4); with one modality, that vector itself."""

    def __init__(self, widths: Sequence[int]) -> None:
        """Take the width of each modality's vector."""
        super().__init__()
        self.width = sum(widths)

    def forward(self, vectors: Sequence[Tensor]) -> Tensor:
        """Map vectors (B, D_m) to (B, sum of D_m)."""
        return torch.cat(list(vectors), 1)


class Standardised(nn.Module):
    """Another fusion, each entry of whose vector has mean 0 and spread 1 over the training rows."""

    def __init__(self, fusion: nn.Module) -> None:
        """Take the fusion, which has a `width`."""
        super().__init__()
        self.fusion = fusion
        self.width = int(fusion.width)
        self.norm = nn.BatchNorm1d(self.width, momentum=None, affine=False)
        #: whether mean and spread stay as they are in training too
        self.settled = False

    def train(self, mode: bool = True) -> Standardised:
        """Set the fusion to training or prediction."""
        super().train(mode)
        self.norm.train(mode and not self.settled)
        return self

    def forward(self, vectors: Sequence[Tensor]) -> Tensor:
        """Map vectors (B, D_m) to (B, width)."""
        standardised: Tensor = self.norm(self.fusion(vectors))
        return standardised


def _with_one(vector: Tensor) -> Tensor:
    """Append a 1 to each row: (B, D) to (B, D + 1)."""
    return torch.cat([vector, vector.new_ones(vector.shape[0], 1)], 1)


class TensorFusion(nn.Module):
    """TFN (Zadeh et al. 2017): the outer product of the vectors, each with a 1 appended.

    Each vector is first projected to `inner`, so that the product has (inner + 1)^M entries.
    """

    def __init__(self, widths: Sequence[int], inner: int = 32) -> None:
        """Take the width of each modality's vector and the width it is projected to."""
        super().__init__()
        self.projections = nn.ModuleList(nn.Linear(width, inner) for width in widths)
        self.norms = nn.ModuleList(nn.LayerNorm(inner) for _ in widths)
        self.width = (inner + 1) ** len(widths)

    def forward(self, vectors: Sequence[Tensor]) -> Tensor:
        """Map vectors (B, D_m) to (B, (inner + 1)^M)."""
        product = vectors[0].new_ones(vectors[0].shape[0], 1)
        for vector, projection, norm in zip(vectors, self.projections, self.norms, strict=True):
            factor = _with_one(norm(projection(vector)).relu())
            product = (product[:, :, None] * factor[:, None, :]).flatten(1)
        return product


class LowRankFusion(nn.Module):
    """LMF (Liu et al. 2018): the tensor fusion with its weight tensor factored into `rank` terms.

    h = Σ_r w_r · Π_m (W_m^r [z_m; 1]); the outer product is never made.
    """

    def __init__(self, widths: Sequence[int], width: int = 256, rank: int = 4) -> None:
        """Take the width of each modality's vector, of the result, and the number of terms."""
        super().__init__()
        self.factors = nn.ModuleList(nn.Linear(part, rank * width) for part in widths)
        self.norms = nn.ModuleList(nn.LayerNorm(part) for part in widths)
        self.weights = nn.Parameter(torch.full((rank,), 1 / rank))
        self.bias = nn.Parameter(torch.zeros(width))
        self.rank = rank
        self.width = width

    def forward(self, vectors: Sequence[Tensor]) -> Tensor:
        """Map vectors (B, D_m) to (B, width)."""
        product = vectors[0].new_ones(1)
        for vector, factor, norm in zip(vectors, self.factors, self.norms, strict=True):
            # the bias of the linear layer is the appended 1
            product = product * factor(norm(vector)).unflatten(1, (self.rank, self.width))
        return torch.einsum("brw,r->bw", product, self.weights.to(product.dtype)) + self.bias
