"""File new products: the answer a classifier gives for a row, as JSON values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.arrays import Floats
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.readable import why_unread
from mep3m.dataset.readable import hide_unreadable
from mep3m.label_tree.likely_path import likely_paths
from mep3m.label_tree.probabilities import back_off, make_coherent, top_paths
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.models.classifier import Classifier
from mep3m.settings.run import MIN_CONFIDENCE
from mep3m.store.images import Images
from mep3m.taxonomy import Taxonomy

#: filed: at the end of the path; review: a person should look; none: it belongs to no known category,
#: which no model says yet
Decision = Literal["filed", "review", "none"]
#: the columns of a product that an answer looks at
READ = ["id", "source", "source_id", "title", "ocr", "image", "image_ref"]


@dataclass(frozen=True)
class Assignment:
    """One product filed.

    `id` is the user's own, and `platform` the shop that it is an id of, where the data tells shops apart.
    `path` is the answer from the first level down, as deep as the confidence allows, `names` the same
    as people read it, and `confidence` the probability of each of its nodes. `top` lists the most
    probable full paths with their probabilities. `decision` is 'review', and `review` true, where a person
    should decide: no level was sure enough, without a promise only one above the leaves, or the row showed
    the model nothing (then path and `top` are empty). `reason` says which. `unreadable` is why its image
    counted as missing. `promise` is the id of the promise that decided, and `shadow` what the decision would
    be where filing is held back.
    """

    id: str
    path: tuple[str, ...]
    names: tuple[str, ...]
    confidence: tuple[float, ...]
    review: bool
    top: tuple[dict[str, Any], ...]
    unreadable: str | None = None
    decision: Decision = "filed"
    reason: str | None = None
    platform: str | None = None
    promise: str | None = None
    shadow: Decision | None = None

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
    policy: FilingPolicy | None = None,
) -> list[Assignment]:
    """Return one answer a row of `products` (`PRODUCT_SCHEMA`), in order.

    The answer backs off to the deepest node that is at least `min_confidence` probable; at 0 it is always a
    full path. A row with nothing that the classifier can read gets no path, whatever `min_confidence` is.
    `taxonomy` gives names to paths of ids. With a `policy`, its promise decides what is filed, at a leaf or
    above one, and `min_confidence` counts for nothing.
    """
    tree = classifier.tree
    # independent heads may be surer of a class than of what it lies in; an answer must not be
    prediction = classifier.predict(hide_unreadable(products), images)
    proba = make_coherent(tree, prediction.proba)
    unreadable = {reject.product: reject.reason for reject in prediction.rejects}
    best, chances = top_paths(tree, proba, top)
    ends = (
        _ends(tree, proba, best[:, 0], min_confidence) if policy is None else _promised(tree, proba, policy)
    )
    held_back = policy.why_not() if policy is not None else None
    assignments = []
    for row, given in enumerate(products.select(READ).to_pylist()):
        broken = unreadable.get(given["id"])
        if prediction.seen[row]:
            path = tree.paths[ends.nodes[row]] if ends.nodes[row] >= 0 else ()
            nodes = [tree.index(path[:depth]) for depth in range(1, len(path) + 1)]
            ranked = zip((tree.paths[node] for node in best[row]), chances[row].tolist(), strict=True)
            found = _Found(path, tuple(proba[row, nodes].tolist()), tuple(ranked))
            reason = None if ends.sure[row] else _unsure(path, ends.threshold)
        else:
            found, reason = _Found(), why_unread(classifier.reads, given, broken)
        would: Decision = "filed" if reason is None else "review"
        answer = _assignment(given, found, reason or held_back, broken, taxonomy)
        if policy is not None:
            shadow = would if held_back is not None else None
            answer = replace(answer, promise=policy.promise.id, shadow=shadow)
        assignments.append(answer)
    return assignments


class _Ends(NamedTuple):
    """Where each path ends (N,), -1 at the root, and whether (N,) that is sure enough to file."""

    nodes: NDArray[np.int32]
    sure: NDArray[np.bool_]
    threshold: float


def _ends(tree: LabelTree, proba: Floats, best: NDArray[np.int32], min_confidence: float) -> _Ends:
    nodes = back_off(tree, proba, min_confidence) if min_confidence > 0 else best
    return _Ends(nodes, np.isin(nodes, tree.leaves), min_confidence)


def _promised(tree: LabelTree, proba: Floats, policy: FilingPolicy) -> _Ends:
    paths, promise = likely_paths(tree, proba), policy.promise
    filed = paths.until(promise.threshold, promise.min_level) >= 0
    return _Ends(paths.until(promise.threshold), filed, promise.threshold)


class _Found(NamedTuple):
    """What the model says of one row: path, probability of each of its nodes, and what is ranked."""

    path: LabelPath = ()
    confidence: tuple[float, ...] = ()
    ranked: tuple[tuple[LabelPath, float], ...] = ()


def _unsure(path: LabelPath, min_confidence: float) -> str:
    where = f"below '{path[-1]}'" if path else "at the first level"
    return f"no category {where} has a probability of {min_confidence:g}"


def _assignment(
    given: Mapping[str, Any], found: _Found, reason: str | None, unreadable: str | None, tree: Taxonomy | None
) -> Assignment:
    """Return the answer for a row; with a `reason` it goes to review."""

    def named(path: LabelPath) -> LabelPath:
        return tuple(tree[key].name if tree is not None and key in tree else key for key in path)

    return Assignment(
        id=given["source_id"],
        path=found.path,
        names=named(found.path),
        confidence=found.confidence,
        review=reason is not None,
        top=tuple({"path": path, "names": named(path), "probability": p} for path, p in found.ranked),
        unreadable=unreadable,
        decision="filed" if reason is None else "review",
        reason=reason,
        platform=given["source"] if given["id"] != given["source_id"] else None,
    )
