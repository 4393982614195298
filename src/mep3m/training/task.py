"""What every training function gets, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.dataset.dataset import Dataset
from mep3m.dataset.splits import split_products
from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.models.classifier import Classifier
from mep3m.settings.run import Hierarchy, RunSettings
from mep3m.store.images import Images
from mep3m.taxonomy import PATH_SEPARATOR, Taxonomy, names_of

#: takes a line of progress
Say = Callable[[str], None]
#: model -> how its levels are joined without --hierarchy; where it is not named, flat (decision 111)
RECOMMENDED: dict[str, Hierarchy] = {"linear": "coarse-to-fine", "pretrained": "coarse-to-fine"}
#: the state of an interrupted network training, in the folder `work` of its run
CHECKPOINT = "checkpoint.pt"


@dataclass(frozen=True)
class Task:
    """Labelled rows, their tree, and which of them are held out for validation.

    `codes` (N, depth) holds the node of each row at each level, -1 where the label is not known:
    that level is masked for the row. `train` and `valid` are row numbers that do not overlap; `valid` is
    empty where the rows are too few. `tags` (N,) are further numbers of each row that pre-training looks at.
    """

    products: pa.Table
    tree: LabelTree
    codes: NDArray[np.int32]
    train: NDArray[np.int64]
    valid: NDArray[np.int64]
    images: Images | None
    settings: RunSettings
    split_id: str
    tags: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def hierarchy(self) -> Hierarchy:
        """How the levels are joined: as the settings say, or as recommended for the model."""
        if self.settings.hierarchy != "auto":
            return self.settings.hierarchy
        return RECOMMENDED.get(self.settings.model, "flat") if self.tree.depth > 1 else "flat"


@dataclass(frozen=True)
class Trained:
    """A classifier, its probabilities (len(valid), C) for the held-out rows, and what to log.

    `valid_proba` comes from a model that has not seen those rows, even where `classifier` has
    then learned from them too. `valid_seen` (len(valid),) tells which of them showed it anything.
    `timings` are what differs from run to run, `remarks` what a reader of the scores has to know, `choices`
    what a run that follows the paper takes and the paper does not say.
    """

    classifier: Classifier
    valid_proba: NDArray[np.float32]
    valid_seen: NDArray[np.bool_]
    log: dict[str, Any]
    timings: dict[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


def make_task(
    dataset: Dataset,
    settings: RunSettings,
    images: Images | None = None,
    taxonomy: Taxonomy | None = None,
) -> Task:
    """Build the label tree and the validation split of a dataset whose rows all have a label.

    Where there are too few rows to hold any out, all are for training. `taxonomy` is the category tree that
    the labels point into; a message needs it.

    Raises:
        UsageError: there is only one class.
    """
    tree = LabelTree.from_paths(dataset.paths)
    if len(tree.leaves) < 2:
        raise UsageError(_one_class(set(dataset.paths), tree, taxonomy or Taxonomy(())))
    coarse = [path[0] for path in dataset.paths]
    split = split_products(
        dataset.products,
        settings.split,
        settings.valid_share,
        settings.seed,
        labels=coarse,
        allow_empty_test=True,
    )
    train, valid = split.rows(dataset.products)
    codes = tree.encode(dataset.paths)
    return Task(dataset.products, tree, codes, train, valid, images, settings, split.id)


def _one_class(paths: set[LabelPath], tree: LabelTree, taxonomy: Taxonomy) -> str:
    """Say that there is nothing to tell apart, by the names of the classes, and what else the tree has."""
    whole = PATH_SEPARATOR.join(names_of(tree.paths[-1], taxonomy))
    if len(paths) > 1:
        return (
            f"all labels lie on one path: '{whole}' or a category above it ({len(paths)} different labels); "
            "a row that ends above may belong to the deepest, so there is nothing to tell apart. "
            "A classifier needs two classes that exclude each other"
        )
    said = f"every label is '{whole}'; a classifier needs at least two classes"
    leaves = sum(not taxonomy.children(node.id) for node in taxonomy)
    if leaves < 2:
        return said
    return (
        f"{said}. The category tree has {leaves:,} (those without others below them), but products of one: "
        "this is an excerpt; take in the rest of the catalogue, or a file with products of other categories"
    )


def clear_checkpoints(run: Path) -> None:
    """Delete the states of a run and of its parts, once everything that the run is for is written."""
    for path in (run / "work" / CHECKPOINT, *run.glob(f"*/work/{CHECKPOINT}")):
        path.unlink(missing_ok=True)
