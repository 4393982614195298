"""Losses of pre-training: pairs of image and title, and two views of one image."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

#: weights of VICReg's three terms (section 4.2 of the paper)
SAME, SPREAD, APART = 25.0, 25.0, 1.0


def pair_loss(images: Tensor, titles: Tensor, alike: Tensor, scale: Tensor) -> Tensor:
    """Return how far images are from titles of products like theirs (UniCL, Yang et al. 2022, eq. 3 to 5).

    `images` and `titles` (B, D) have unit length. `alike` (B, B) says which products are of one category or
    duplicate group, each with itself: these are positives together, so that captions that say a class do not
    push products of that class apart. `scale` is the inverse of the temperature.
    """
    logits = scale * images @ titles.T
    target = alike.to(logits.dtype)
    one = -(target * logits.log_softmax(1)).sum(1) / target.sum(1)
    other = -(target * logits.log_softmax(0)).sum(0) / target.sum(0)
    return (one.mean() + other.mean()) / 2


def view_loss(first: Tensor, second: Tensor) -> Tensor:
    """Return VICReg's loss of two views (B, D) of each image (Bardes, Ponce, LeCun 2022, eq. 6).

    Views of one image are to be equal (invariance), no column may become constant over the batch (variance),
    and no two columns may say the same (covariance). It needs no negatives, and so no large batches.
    """
    spread, apart = torch.stack([_terms(first), _terms(second)]).unbind(1)
    return SAME * F.mse_loss(first, second) + SPREAD * spread.mean() + APART * apart.sum()


def _terms(vectors: Tensor) -> Tensor:
    """Return the variance and the covariance term of one view."""
    centred = vectors - vectors.mean(0)
    variance = F.relu(1 - (centred.var(0) + 1e-4).sqrt()).mean()
    covariance = centred.T @ centred / (len(vectors) - 1)
    others = covariance.pow(2).sum() - covariance.diagonal().pow(2).sum()
    return torch.stack([variance, others / vectors.shape[1]])
