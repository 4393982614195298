"""File new products: the answer a classifier gives for a row, as JSON values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mep3m.label_tree.probabilities import back_off, make_coherent, top_paths
from mep3m.models.classifier import Classifier
from mep3m.settings.run import MIN_CONFIDENCE
from mep3m.store.images import Images
from mep3m.taxonomy import Taxonomy


@dataclass(frozen=True)
class Assignment:
    """One product filed.

    `path` is the answer from the first level down, as deep as the confidence allows, `names` the same
    as people read it, and `confidence` the probability of each of its nodes. `top` lists the most
    probable full paths with their probabilities. `review` says that a person should decide:
    no level was sure enough, or only one above the leaves. `unreadable` is why its image counted as missing.
    """

    id: str
    path: tuple[str, ...]
    names: tuple[str, ...]
    confidence: tuple[float, ...]
    review: bool
    top: tuple[dict[str, Any], ...]
    unreadable: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


def assign(
    classifier: Classifier,
    products: pa.Table,
    images: Images | None = None,
    top: int = 5,
    min_confidence: float = MIN_CONFIDENCE,
    taxonomy: Taxonomy | None = None,
) -> list[Assignment]:
    """Return one answer a row of `products` (`PRODUCT_SCHEMA`), in order.

    The answer backs off to the deepest node that is at least `min_confidence` probable; at 0 it is always a
    full path. `taxonomy` gives names to paths of ids.
    """

    def named(path: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(taxonomy[key].name if taxonomy is not None and key in taxonomy else key for key in path)

    tree = classifier.tree
    # independent heads may be surer of a class than of what it lies in; an answer must not be
    prediction = classifier.predict(products, images)
    proba = make_coherent(tree, prediction.proba)
    unreadable = {reject.product: reject.reason for reject in prediction.rejects}
    best, chances = top_paths(tree, proba, top)
    answer = back_off(tree, proba, min_confidence) if min_confidence > 0 else best[:, 0]
    whole = np.isin(answer, tree.leaves)
    assignments = []
    for row, key in enumerate(products["id"].to_pylist()):
        path = tree.paths[answer[row]] if answer[row] >= 0 else ()
        nodes = [tree.index(path[:depth]) for depth in range(1, len(path) + 1)]
        ranked = [
            {"path": tree.paths[node], "names": named(tree.paths[node]), "probability": float(chance)}
            for node, chance in zip(best[row], chances[row], strict=True)
        ]
        confidence = tuple(float(proba[row, node]) for node in nodes)
        assignments.append(
            Assignment(key, path, named(path), confidence, not whole[row], tuple(ranked), unreadable.get(key))
        )
    return assignments
