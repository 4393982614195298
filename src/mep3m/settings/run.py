"""What one training run is made of; saved as the effective configuration beside every result."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from mep3m.settings.base import Settings

Modality = Literal["text", "image", "image+text"]
Hierarchy = Literal["flat", "coarse-to-fine", "fine-to-coarse", "coarse-and-fine"]
#: auto: the order that is recommended for the model (`Task.hierarchy`)
HierarchyStrategy = Literal["auto", Hierarchy]
SplitKind = Literal["grouped", "random", "stratified", "shop"]


class RunSettings(Settings):
    """One training run.

    `hierarchy` auto is the model's recommended order where the labels have several levels, else flat.
    `level` picks one level of the labels as a flat task (`None` trains every level); with `leaf`, a row
    that ends above it keeps its deepest label. `subset` keeps the classes below one category. `valid_share`
    of the rows, drawn as `split` says, is held out to choose temperature and stopping point.
    `options` are the model's own settings, checked by the model.
    """

    modality: Modality = "text"
    model: str = "linear"
    hierarchy: HierarchyStrategy = "auto"
    level: int | None = Field(default=None, ge=1)
    leaf: bool = False
    subset: tuple[str, ...] | None = None
    seed: int = Field(default=0, ge=0, lt=2**32)
    valid_share: float = Field(default=0.1, gt=0, lt=0.9)
    split: SplitKind = "grouped"
    options: dict[str, Any] = Field(default_factory=dict)
