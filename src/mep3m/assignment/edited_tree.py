"""A trained run after edits of its category tree: its answers are the categories of today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.alignment.edits.edit import Record, replay, successor
from mep3m.arrays import Floats
from mep3m.errors import UsageError
from mep3m.label_tree.probabilities import make_coherent, own_mass, sum_up
from mep3m.label_tree.tree import LabelPath as Nodes
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Classifier, Prediction, learned_of
from mep3m.store.images import Images
from mep3m.taxonomy import Taxonomy


@dataclass(frozen=True)
class EditedTreeClassifier:
    """A classifier whose answers are moved into another tree.

    `place` (C,) is the node of `tree` that each node of the trained tree has become, -1 where there is
    none: what the model thinks of it then belongs nowhere.
    """

    trained: Classifier
    tree: LabelTree
    place: NDArray[np.int32]

    @property
    def reads(self) -> tuple[str, ...]:
        """What the trained model reads."""
        return self.trained.reads

    @property
    def learned(self) -> frozenset[Nodes]:
        """The nodes that only classes learned after training have become."""
        marked = learned_of(self.trained)
        old = {
            int(new)
            for new, path in zip(self.place, self.trained.tree.paths, strict=True)
            if path not in marked
        }
        new = {
            int(new) for new, path in zip(self.place, self.trained.tree.paths, strict=True) if path in marked
        }
        return frozenset(self.tree.paths[node] for node in new - old if node >= 0)

    def predict(self, products: pa.Table, images: Images | None = None) -> Prediction:
        """Return coherent probabilities of the nodes of `tree`, and what the trained model did not see."""
        prediction = self.trained.predict(products, images)
        before = make_coherent(self.trained.tree, prediction.proba)
        return prediction._replace(proba=self._moved(before), before=before)

    def predict_proba(self, products: pa.Table, images: Images | None = None) -> Floats:
        """Return coherent (N, C) probabilities of the nodes of `tree`."""
        return self.predict(products, images).proba

    def save(self, folder: Path) -> None:
        """Write the classifier as it was trained: edits are named again where it is used."""
        self.trained.save(folder)

    def _moved(self, proba: Floats) -> Floats:
        """Move to its new node what each node has beyond its children, and add up the new tree."""
        own = own_mass(self.trained.tree, proba)
        moved = np.zeros((len(proba), len(self.tree)), dtype=np.float32)
        for old, new in enumerate(self.place.tolist()):
            if new >= 0:
                moved[:, new] += own[:, old]
        return np.minimum(sum_up(self.tree, moved), 1.0)


def apply_edits(
    trained: Classifier,
    taxonomy: Taxonomy | None,
    records: Sequence[Record],
    counts: Sequence[dict[str, int]],
) -> tuple[Classifier, Taxonomy, list[dict[str, int]], dict[str, Any]]:
    """Return the classifier, its taxonomy and its training counts after the edits, and what they did.

    A class that was merged answers as the one it was merged into, a moved one at its new place. One that
    was split or archived gives way to the category above it; `gone` says why. `broken` are the edits
    that do not fit the run's tree, such as those of categories that came later. `counts` are the
    training rows a level of each class.

    Raises:
        UsageError: the run was not trained on ids, or the edits leave nothing of it.
    """
    ids = [path[-1] for path in trained.tree.paths if taxonomy is not None and path[-1] in taxonomy]
    if taxonomy is None or not ids:
        raise UsageError(
            "edits name ids, and the classes of this run are names: train it on a store that "
            "'mep3m align apply' wrote"
        )
    edited, held, broken = replay(taxonomy, records)
    now = {category: successor(category, held) for category in ids}
    paths = [_new_path(path, taxonomy, edited, now) for path in trained.tree.paths]
    tree = LabelTree.from_paths(path for path in paths if path)
    if not len(tree):
        raise UsageError("the edits leave none of the run's classes; train again")
    told = {
        "edits": len(held),
        "now": {old: new for old, (new, _) in now.items() if new not in (None, old)},
        "gone": {old: why for old, (new, why) in now.items() if new is None},
        "broken": broken,
    }
    if tree.paths == trained.tree.paths and not told["now"]:
        return trained, edited, list(counts), told
    place = np.array([tree.index(path) for path in paths], dtype=np.int32)
    return EditedTreeClassifier(trained, tree, place), edited, _new_counts(counts, now, tree.depth), told


def _new_path(
    path: Nodes, before: Taxonomy, after: Taxonomy, now: dict[str, tuple[str | None, str]]
) -> Nodes:
    """Return where a class lies now: its successor's path, or that of the nearest class above with one.

    A class that is no id of the tree stays as it is.
    """
    if path[-1] not in before:
        return path
    whole = tuple(category.id for category in before.path(path[-1]))
    skipped = len(whole) - len(path)  # the levels above the task of the run
    for category in reversed(path):
        following, _ = now.get(category, (None, ""))
        if following is not None:
            return tuple(category.id for category in after.path(following))[skipped:]
    return ()


def _new_counts(
    counts: Sequence[dict[str, int]], now: dict[str, tuple[str | None, str]], depth: int
) -> list[dict[str, int]]:
    """Return the training rows of each class of today; ids are unique, so that every level has all."""
    total: dict[str, int] = {}
    for old, rows in ((old, rows) for level in counts for old, rows in level.items()):
        new = now.get(old, (None, ""))[0]
        if new is not None:
            total[new] = total.get(new, 0) + rows
    return [total] * depth
