"""What one training run is made of (saved beside every result), and how sure its answers have to be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from mep3m.settings.base import Settings, Several

Modality = Literal["text", "image", "image+text"]
Hierarchy = Literal["flat", "coarse-to-fine", "fine-to-coarse", "coarse-and-fine"]
#: auto: the one that is recommended for the model (`Task.hierarchy`)
HierarchyStrategy = Literal["auto", Hierarchy]
SplitKind = Literal["grouped", "random", "stratified", "platform"]
#: kinds of splits as an earlier version called them -> what they are called now
OLD_SPLIT_KINDS: Mapping[str, str] = {"shop": "platform"}

#: what an encoder learns from, before it is used for something else
Objective = Literal["supervised", "image-text", "self-supervised"]
#: whether a head also learns from what platform a product comes; adversarial: so that vectors do not tell it
PlatformSignal = Literal["none", "auxiliary", "adversarial"]

#: The answer for a product ends at the level where its probability falls below this, and the product goes to
#: review. One value for the command line, the service, its page and `assign`: decision 159 has the figures.
#: With 0 every product gets a full path and none goes to review, however little its probability.
MIN_CONFIDENCE = 0.9

#: A product is of no known category where its p-value of being known is no larger: of products that are like
#: those of training, at most this share is called so. Decision 253 has the figures.
NONE_SHARE = 0.02


class RunSettings(Settings):
    """One training run.

    `hierarchy` auto is what is recommended for the model where the labels have several levels, else flat.
    `level` picks one level of the labels as a flat task (`None` trains every level); with `leaf`, a row
    that ends above it keeps its deepest label. `subset` keeps the classes below one category, or those of a
    published subset (`for-rpc`). `valid_share`
    of the rows, drawn as `split` says, is held out to choose temperature and stopping point.
    `options` are the model's own settings, checked by the model.
    """

    old_values: ClassVar[Mapping[str, Mapping[str, str]]] = {"split": OLD_SPLIT_KINDS}

    modality: Modality = "text"
    model: str = "linear"
    hierarchy: HierarchyStrategy = "auto"
    level: int | None = Field(default=None, ge=1)
    leaf: bool = False
    subset: Several[str] | None = None
    seed: int = Field(default=0, ge=0, lt=2**32)
    valid_share: float = Field(default=0.1, gt=0, lt=0.9)
    split: SplitKind = "grouped"
    options: dict[str, Any] = Field(default_factory=dict)


class PretrainSettings(RunSettings):
    """One pre-training of an encoder: a training run with another purpose.

    `hierarchy`, `level`, `leaf`, `subset`, `seed`, `valid_share`, `split` and `options` are those of a run.
    `model` is chosen by what is read (`modality`) and by where it begins. `objective` says what is learned
    by, `platform_signal` whether platforms are, too.

    `weights` says where the image network begins: none, packaged, hub, auto, or a file, folder or run.
    Products of the platform `leave_out` are not learned from; the card says how well they are recognised.
    `platform_weight` is how much the head of the platforms counts beside the objective.
    """

    modality: Modality = "image"
    model: str = ""
    objective: Objective = "supervised"
    platform_signal: PlatformSignal = "none"
    platform_weight: float = Field(default=0.3, gt=0)
    leave_out: str | None = None
    weights: str = "none"
