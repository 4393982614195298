"""What a network learns by in pre-training: labels, titles of images, views of images, and platforms.

Each objective is a module that is called with a network and a batch, and gives the vectors (B', D) of the
products that took part, the places (B',) of these in the batch, and the loss.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from mep3m.models.networks.product import ProductNetwork
from mep3m.training.pretraining.losses import pair_loss, view_loss

Batch = dict[str, Tensor]
#: width of the vectors in which images and titles are compared, and of those of two views
PAIR_WIDTH, VIEW_WIDTH = 256, 512
#: the inverse of the temperature: at the start, and at most (Radford et al. 2021, section 2.5)
SCALE, MOST_SCALE = 1 / 0.07, 100.0
#: width of the dense layer of the head of the platforms
PLATFORM_WIDTH = 128


class ObjectiveLoss(NamedTuple):
    """The vectors (B', D) of products of a batch, which these are (B',), and the loss."""

    vectors: Tensor
    rows: Tensor
    loss: Tensor


def nothing(objective: nn.Module) -> ObjectiveLoss:
    """Return what a batch of one product teaches: there are no others to differ from."""
    zero = torch.stack([value.sum() for value in objective.parameters()]).sum() * 0
    return ObjectiveLoss(zero.expand(0, 0), torch.arange(0), zero)


class LabelObjective(nn.Module):
    """The labels of every level, by the head of the network itself."""

    def __init__(self, loss: nn.Module) -> None:
        """Take the loss (logits (B, C), targets (B, L)) → number."""
        super().__init__()
        self.loss = loss

    def forward(self, product: ProductNetwork, batch: Batch) -> ObjectiveLoss:
        """Return vectors and loss of all products."""
        vectors = product.encode(batch)
        with full_precision(vectors):
            loss = self.loss(product.head(vectors.float()), batch["targets"])
        return ObjectiveLoss(vectors, torch.arange(len(vectors)), loss)


class PairObjective(nn.Module):
    """Images beside their titles (`losses.pair_loss`); products that lack one take no part.

    The batch has `category` and `group` (B,): products that share a number are alike, below 0 is none.
    """

    def __init__(self, image: int, title: int) -> None:
        """Take the widths of the two encoders."""
        super().__init__()
        self.image, self.title = nn.Linear(image, PAIR_WIDTH), nn.Linear(title, PAIR_WIDTH)
        self.scale = nn.Parameter(torch.tensor(SCALE).log())

    def forward(self, product: ProductNetwork, batch: Batch) -> ObjectiveLoss:
        """Return vectors, image and title side by side, and loss of the products that have both."""
        rows = batch["present"].all(1).nonzero()[:, 0]
        if len(rows) < 2:
            return nothing(self)
        here = rows.to(batch["image"].device)
        image, title = (product.encoders[name](batch[name][here]) for name in ("image", "title"))
        with full_precision(image):
            images = F.normalize(self.image(image.float()), dim=1)
            titles = F.normalize(self.title(title.float()), dim=1)
            scale = self.scale.exp().clamp(max=MOST_SCALE)
            loss = pair_loss(images, titles, self.alike(batch, here), scale)
        return ObjectiveLoss(torch.cat([image, title], 1), rows, loss)

    @staticmethod
    def alike(batch: Batch, rows: Tensor) -> Tensor:
        """Return (B', B') which of these rows are alike."""
        same = torch.eye(len(rows), dtype=torch.bool, device=rows.device)
        for name in ("category", "group"):
            value = batch[name][rows]
            same |= (value[:, None] == value) & (value >= 0)[:, None]
        return same


class ViewObjective(nn.Module):
    """Two random views of each image, `image` and `other_view` of the batch (`losses.view_loss`)."""

    def __init__(self, width: int) -> None:
        """Take the width of the encoder."""
        super().__init__()
        self.expander = nn.Sequential(
            *(nn.Linear(width, VIEW_WIDTH), nn.BatchNorm1d(VIEW_WIDTH), nn.ReLU()),
            *(nn.Linear(VIEW_WIDTH, VIEW_WIDTH), nn.BatchNorm1d(VIEW_WIDTH), nn.ReLU()),
            nn.Linear(VIEW_WIDTH, VIEW_WIDTH),
        )

    def forward(self, product: ProductNetwork, batch: Batch) -> ObjectiveLoss:
        """Return vectors of the first views, and loss of all products."""
        if len(batch["image"]) < 2:
            return nothing(self)
        encoder = product.encoders["image"]
        first, second = encoder(batch["image"]), encoder(batch["other_view"])
        with full_precision(first):
            loss = view_loss(self.expander(first.float()), self.expander(second.float()))
        return ObjectiveLoss(first, torch.arange(len(first)), loss)


class PlatformHead(nn.Module):
    """A head that learns from which platform a product comes, each platform counting alike.

    Where it is adversarial, the gradient goes back reversed (Ganin and Lempitsky 2015): the head learns to
    tell platforms, and the encoder to make vectors from which it cannot.
    """

    def __init__(self, width: int, platforms: NDArray[np.int64], adversarial: bool, weight: float) -> None:
        """Take the width of the vectors, the platforms of the rows of training, and how much it counts."""
        super().__init__()
        counts = np.bincount(platforms)
        balance = len(platforms) / (len(counts) * np.maximum(counts, 1))
        self.register_buffer("balance", torch.from_numpy(balance.astype(np.float32)))
        self.adversarial, self.weight = adversarial, weight
        self.layers = nn.Sequential(
            # of what a LayerNorm shows, a reversed gradient left much of the platform in the vectors
            nn.BatchNorm1d(width, affine=False),
            nn.Linear(width, PLATFORM_WIDTH),
            nn.ReLU(),
            nn.Linear(PLATFORM_WIDTH, len(counts)),
        )

    def forward(self, vectors: Tensor, platforms: Tensor) -> Tensor:
        """Map vectors (B, D) and platforms (B,) to one number."""
        with full_precision(vectors):
            vectors = Reversed.apply(vectors.float()) if self.adversarial else vectors.float()
            own = F.cross_entropy(self.layers(vectors), platforms, self.get_buffer("balance"))
        return self.weight * own


class Reversed(torch.autograd.Function):
    """The same values; their gradient has the other sign."""

    @staticmethod
    def forward(context: object, values: Tensor) -> Tensor:
        """Return the values."""
        return values.view_as(values)

    @staticmethod
    def backward(context: object, gradient: Tensor) -> Tensor:
        """Return the gradient, reversed."""
        return -gradient


class PretrainingNetwork(nn.Module):
    """A network with what it learns by: a batch → its loss.

    `criterion` and `views` are what the loop asks for (`loop.fit`).
    """

    def __init__(
        self, product: ProductNetwork, objective: nn.Module, platform: PlatformHead | None, name: str
    ) -> None:
        """Take the network, one of the objectives, the head of the platforms, and a name of all this."""
        super().__init__()
        self.product, self.objective, self.platform = product, objective, platform
        self.views = 2 if isinstance(objective, ViewObjective) else 1
        self.criterion = OwnLoss(name)

    def forward(self, batch: Batch) -> Tensor:
        """Return the loss of a batch."""
        learned: ObjectiveLoss = self.objective(self.product, batch)
        if self.platform is None or len(learned.rows) < 2:
            return learned.loss
        platforms = batch["platform"]
        own: Tensor = self.platform(learned.vectors, platforms[learned.rows.to(platforms.device)])
        return learned.loss + own


class OwnLoss(nn.Module):
    """The criterion of a network that gives its loss itself."""

    def __init__(self, name: str) -> None:
        """Take the name of what is learned: a run that goes on has to learn the same."""
        super().__init__()
        self.name = name

    def forward(self, loss: Tensor, targets: Tensor) -> Tensor:
        """Return the loss."""
        return loss

    def extra_repr(self) -> str:
        """Return the name."""
        return self.name


def full_precision(like: Tensor) -> torch.autocast:
    """Compute in float32 what follows, whatever the run computes in: sums over a batch lose digits."""
    return torch.autocast(like.device.type, enabled=False)
