"""How a network is trained: the paper's preset (§4), the modern one, and every switch between."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mep3m.settings.base import Settings

#: hierarchical, soft_labels and marginal know the tree (`training.tree_losses`)
Loss = Literal[
    "cross_entropy",
    "balanced_softmax",
    "logit_adjustment",
    "focal",
    "hierarchical",
    "soft_labels",
    "marginal",
]

#: minutes = auto: so many for a table of up to so many rows, in proportion above
MINUTES, LARGE = 10.0, 8000


class TrainingSettings(Settings):
    """One run of the loop. The defaults are the modern preset; `PAPER` is the paper's."""

    #: lbfgs fits heads on frozen encoders to all rows at once: `epochs` are passes at most, `weight_decay`
    #: is divided by the number of rows, and rates, batches and averages play no part
    optimiser: Literal["adam", "adamw", "sgd", "lbfgs"] = "adamw"
    #: lbfgs, heads of one linear layer: their answers are averaged with those of a linear discriminant (LDA)
    #: of which this share of the covariance is the same in all directions; `None`: they are not
    discriminant: float | None = Field(default=None, gt=0, le=1)
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.05, ge=0)
    #: one_cycle and cosine span the whole run; halving: every two epochs (§4)
    schedule: Literal["one_cycle", "cosine", "halving", "constant"] = "one_cycle"
    #: `None`: as many as `samples` asks for, between 10 and 80
    epochs: int | None = Field(default=None, ge=1)
    #: rows seen in all, where `epochs` is not set: the same minutes for any small table
    samples: int = Field(default=200_000, ge=1)
    #: minutes that the training takes, within a fifth, whatever `samples` says (`epochs` is not set then).
    #: auto: at most 10 for a table of up to 8,000 rows and in proportion above; `None` for no bound, and so
    #: the same epochs on every machine
    minutes: Annotated[float, Field(gt=0)] | Literal["auto"] | None = "auto"
    batch: int = Field(default=64, ge=2)
    #: batches whose gradients are added before a step
    accumulate: int = Field(default=1, ge=1)
    #: auto: bfloat16 where the processor has instructions for it
    precision: Literal["auto", "float32", "bf16", "fp16"] = "auto"
    clip: float | None = Field(default=1.0, gt=0)
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    loss: Loss = "cross_entropy"
    #: strength of the prior in logit_adjustment
    tau: float = Field(default=1.0, ge=0)
    #: exponent of the focal loss
    gamma: float = Field(default=2.0, ge=0)
    #: decay of the weight of a level with depth in the hierarchical loss
    alpha: float = Field(default=0.0, ge=0)
    #: how fast a soft label falls off with distance in the tree
    beta: float = Field(default=6.0, gt=0)
    #: draw every class of the finest level equally often
    balanced_sampling: bool = False
    #: random crops, flips and colours of the images
    augment: bool = True
    #: share of the area that a random crop keeps at least
    crop: float = Field(default=0.4, gt=0, le=1)
    #: side of the training images in the first epoch, as a share of `pixels`; below 1 they grow
    grow: float = Field(default=1.0, gt=0, le=1)
    #: how far brightness, contrast and colour move
    colour: float = Field(default=0.2, ge=0, lt=1)
    #: degrees by which images are turned at most
    turn: float = Field(default=0.0, ge=0, le=180)
    #: chance that a picture on white gets a part of another one of the batch as its background
    background: float = Field(default=0.0, ge=0, le=1)
    #: chance that the images of a batch get a rectangle of another one, with that share of its label
    paste: float = Field(default=0.0, ge=0, le=1)
    #: decay of a moving average of the weights, which is then what is kept; `None` for none
    average: float | None = Field(default=0.998, gt=0, lt=1)
    #: stop after this many epochs without a better validation loss; needs validation rows
    patience: int | None = Field(default=None, ge=1)
    #: share of the rows (whole duplicate groups) held back for validation; 0 for none
    validation: float = Field(default=0.0, ge=0, lt=0.9)
    seed: int = 0
    #: threads that read batches ahead; 0 reads them when they are needed; `None`: 0 on a processor, which
    #: they would only take time from, and up to 8 beside a GPU
    workers: int | None = Field(default=None, ge=0)
    #: keep resized images on disk, so that JPEG files are decoded once
    cache_images: bool = True
    #: folder of decoded images and of the features of frozen encoders, which runs can share; `None`: the
    #: run's own
    cache: str | None = None
    #: seconds between checkpoints; one more is written at the end
    checkpoint_seconds: float = Field(default=120.0, ge=0)
    tensorboard: bool = False
    wandb: bool = False

    @property
    def budget(self) -> float | None:
        """The minutes that the training has to take, `None` where something else says when it ends."""
        return self.minutes if isinstance(self.minutes, float) else None

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if self.budget is not None and self.epochs is not None:
            raise ValueError(
                f"epochs = {self.epochs} and minutes = {self.minutes:g} both say when training ends: give one"
            )
        return self

    def epochs_for(self, rows: int, seconds: float = 0.0) -> int:
        """Return the epochs for a table of this many rows, of which one takes `seconds`, without a budget."""
        if self.epochs is not None:
            return self.epochs
        wanted = min(max(round(self.samples / max(rows, 1)), 10), 80)
        if self.minutes is None or not seconds:
            return wanted
        allowed = 60 * MINUTES * max(rows / LARGE, 1) / (rows * seconds)
        return max(min(wanted, int(allowed)), 1)


#: "Adam, learning rate 1e-3, halved every 2 epochs, batch 64" (§4); nothing else is stated, and
#: `training.paper_choices` says what else there is
PAPER = TrainingSettings(
    optimiser="adam",
    learning_rate=1e-3,
    weight_decay=0.0,
    schedule="halving",
    epochs=10,
    batch=64,
    precision="float32",
    clip=None,
    label_smoothing=0.0,
    augment=False,
    average=None,
)
MODERN = TrainingSettings()

#: name on the command line -> settings
PRESETS = {"paper": PAPER, "modern": MODERN}
