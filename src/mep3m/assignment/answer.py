"""File new products: the answer a classifier gives for a row, as JSON values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.arrays import Floats
from mep3m.assignment.ends import Ends, by_confidence, under_promise
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.readable import why_unread
from mep3m.assignment.reasons.given_labels import GivenLabel, given_labels
from mep3m.assignment.reasons.novelty import Novelty
from mep3m.assignment.reasons.why import AnswerReasons
from mep3m.assignment.run import Run
from mep3m.dataset.readable import hide_unreadable
from mep3m.imaging.look import Look, looks
from mep3m.label_tree.probabilities import make_coherent, top_paths
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.models.classifier import Classifier, Prediction, learned_of
from mep3m.settings.run import MIN_CONFIDENCE, NONE_SHARE
from mep3m.store.images import Images
from mep3m.taxonomy import Taxonomy, names_of

#: filed: at the end of the path; review: a person should look; none: it belongs to no known category
Decision = Literal["filed", "review", "none"]
#: the columns of a product that an answer looks at
READ = ["id", "source", "source_id", "title", "ocr", "image", "image_ref", "labels"]


@dataclass(frozen=True)
class Assignment:
    """One product filed.

    `id` is the user's own, and `platform` the shop that it is an id of, where the data tells shops apart.
    `path` is the answer from the first level down, as deep as the confidence allows, `names` the same
    as people read it, and `confidence` the probability of each of its nodes. `top` lists the most
    probable full paths with their probabilities.

    `decision` is 'filed', or 'review' (and `review` true) where a person should decide: no level was sure
    enough, without a promise only one above the leaves, its class was learned after training and no promise
    covers it, or the row showed the model nothing (then path and `top` are empty). It is 'none' where the
    product is unlike those of every known category. `reason` says which. `kept` is 'given' or 'reviewed'
    where the product has such a label, which stands: then people filed it, whatever the model says and a
    promise covers; the path is that label's, and `promise` is empty.

    `known` is the p-value of belonging to a known category: the share of known products that are as unlike
    those of training. `unreadable` is why its image counted as missing. `promise` is the id of the promise
    that decided, and `shadow` what the decision would be where filing is held back; `model` and `taxonomy`
    are the versions of both. `why` says what carried the answer, where that was asked for.
    `prediction_set` are the few paths that a product in review under a promise may belong below: one is
    right for the share of products that the promise names. The empty path is any category. `picture` is the
    shorter side and the brightness of a picture that the model has read.
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
    title: str | None = None
    model: str | None = None
    taxonomy: str | None = None
    known: float | None = None
    why: dict[str, Any] | None = None
    prediction_set: tuple[LabelPath, ...] | None = None
    kept: str | None = None
    picture: Look | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return asdict(self)


@dataclass(frozen=True)
class Beside:
    """What decides beside the model, and what an answer says beside its path; `model` is its version.

    With `keep_labels` a given or reviewed label of a product stands, unless filing only adds levels below it.
    With `novelty`, a product that is as unlike known ones as a share `none_share` of them is of no known
    category. With `reasons`, each answer says why.
    """

    model: str | None = None
    keep_labels: bool = False
    novelty: Novelty | None = None
    none_share: float = NONE_SHARE
    reasons: AnswerReasons | None = None

    @classmethod
    def of(cls, run: Run, why: bool = False) -> Beside:
        """Return what all answers of a run have: its version, what is new to it, and that labels stand."""
        reasons = AnswerReasons(run.classifier, run.taxonomy, run.examples) if why else None
        return cls(run.version, keep_labels=True, novelty=run.novelty, reasons=reasons)


NOTHING_BESIDE = Beside()


def assign(
    classifier: Classifier,
    products: pa.Table,
    images: Images | None = None,
    top: int = 5,
    min_confidence: float = MIN_CONFIDENCE,
    taxonomy: Taxonomy | None = None,
    policy: FilingPolicy | None = None,
    beside: Beside = NOTHING_BESIDE,
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
    best, chances = top_paths(tree, proba, top)
    ends = (
        by_confidence(tree, proba, best[:, 0], min_confidence, learned_of(classifier), taxonomy)
        if policy is None
        else under_promise(tree, proba, prediction.before, policy, taxonomy)
    )
    labels = given_labels(tree, products) if beside.keep_labels else {}
    known = None if beside.novelty is None else beside.novelty.known(tree, proba, products["title"])
    why = [None] * len(proba) if beside.reasons is None else beside.reasons.why(products, images, proba)
    pictures = pictures_of_rows(classifier, products, images)
    rows = _AnsweredRows(products, prediction, _Spelling(tree, taxonomy), classifier.reads, labels)
    held_back = policy.why_not() if policy is not None else None
    promise = policy.promise.id if policy is not None else None
    assignments = []
    for row, found in enumerate(rows.found(proba, ends, best, chances)):
        share = None if known is None or not found.ranked else float(known[row])
        if share is not None and share <= beside.none_share:
            found = found.of_no_category(share)
        decided = rows.decide(row, found, held_back)
        by_people = decided.kept is not None
        assignments.append(
            Assignment(
                id=rows.own_ids[row],
                path=decided.path,
                names=rows.spelling.names(decided.path),
                confidence=decided.confidence,
                review=decided.decision == "review",
                top=found.ranked,
                unreadable=rows.unreadable.get(rows.ids[row]),
                decision=decided.decision,
                reason=decided.reason,
                platform=rows.platforms[row] if rows.ids[row] != rows.own_ids[row] else None,
                shadow=decided.would if held_back is not None and not by_people else None,
                title=rows.titles[row],
                known=share,
                why=why[row] if found.ranked else None,
                prediction_set=found.possible if decided.would == "review" else None,
                model=beside.model,
                taxonomy=tree.version,
                promise=None if by_people else promise,
                kept=decided.kept,
                picture=pictures[row],
            )
        )
    return assignments


def pictures_of_rows(classifier: Classifier, products: pa.Table, images: Images | None) -> list[Look | None]:
    """Return what the picture of each product is like, where the model reads pictures at all."""
    if images is None or "image" not in classifier.reads:
        return [None] * products.num_rows
    return looks(products.select(["id", "image", "image_ref"]).to_pylist(), images.locate)


class _Found(NamedTuple):
    """What the model says of one row: path, probability of each of its nodes, and what is ranked.

    `reason` is why it may not be filed, `possible` its prediction set, and `none` says that it belongs to no
    known category.
    """

    path: LabelPath = ()
    confidence: tuple[float, ...] = ()
    ranked: tuple[dict[str, Any], ...] = ()
    reason: str | None = None
    possible: tuple[LabelPath, ...] | None = None
    none: bool = False

    def of_no_category(self, share: float) -> _Found:
        """Return the same without a path: only a `share` of known products is as unlike those of training."""
        reason = f"unlike the products of every known category (so is {share:.2%} of known products)"
        return self._replace(path=(), confidence=(), reason=reason, none=True)


class _Decided(NamedTuple):
    """What becomes of a row, and what would (`would`) if nothing held filing back.

    `kept` is the origin of the label of people that decided, if one did.
    """

    decision: Decision
    would: Decision
    path: LabelPath
    confidence: tuple[float, ...]
    reason: str | None
    kept: str | None = None


class _Spelling:
    """The names of paths of a tree as people read them, each looked up once."""

    def __init__(self, tree: LabelTree, taxonomy: Taxonomy | None) -> None:
        self.tree, self.taxonomy = tree, taxonomy
        self.node_names = [self.names(path) for path in tree.paths]

    def names(self, path: LabelPath) -> LabelPath:
        """Return the names of a path of ids, or of names, which stay what they are."""
        return names_of(path, self.taxonomy)


@dataclass(frozen=True)
class _AnsweredRows:
    """The products of one call as columns, and what is decided for each from what the model says."""

    products: pa.Table
    prediction: Prediction
    spelling: _Spelling
    reads: tuple[str, ...]
    labels: dict[int, GivenLabel]
    ids: list[str] = field(init=False)
    own_ids: list[str] = field(init=False)
    platforms: list[str] = field(init=False)
    titles: list[str | None] = field(init=False)
    unreadable: dict[str | None, str] = field(init=False)

    def __post_init__(self) -> None:
        columns = {"ids": "id", "own_ids": "source_id", "platforms": "source", "titles": "title"}
        for name, column in columns.items():
            object.__setattr__(self, name, self.products[column].to_pylist())
        unreadable = {reject.product: reject.reason for reject in self.prediction.rejects}
        object.__setattr__(self, "unreadable", unreadable)

    def found(self, proba: Floats, ends: Ends, best: NDArray[np.int32], chances: Floats) -> Iterator[_Found]:
        """Yield what the model says of each row."""
        tree, names = self.spelling.tree, self.spelling.node_names
        on_path = tree.ancestors[ends.nodes]
        confidence = np.take_along_axis(proba, np.maximum(on_path, 0), axis=1).tolist()
        ranked = zip(best.tolist(), chances.tolist(), strict=True)
        seen = self.prediction.seen.tolist()
        for row, (node, (nodes, values)) in enumerate(zip(ends.nodes.tolist(), ranked, strict=True)):
            if not seen[row]:
                yield _Found(reason=self._why_unread(row))
                continue
            path = tree.paths[node] if node >= 0 else ()
            top = tuple(
                {"path": tree.paths[one], "names": names[one], "probability": value}
                for one, value in zip(nodes, values, strict=True)
            )
            chosen = ends.sets[row]
            possible = (
                None if chosen is None else tuple(tree.paths[one] if one >= 0 else () for one in chosen)
            )
            shown = tuple(confidence[row][: len(path)])
            yield _Found(path, shown, top, ends.reasons[row], possible)

    def decide(self, row: int, found: _Found, held_back: str | None) -> _Decided:
        """Return what becomes of a row; `held_back` is why nothing is filed at this moment."""
        label = self.labels.get(row)
        if label is not None and not label.is_extended_by(found.path, filed=found.reason is None):
            told = f"its {label.origin} label stands"
            return _Decided("filed", "filed", label.path, (), told, label.origin)
        would: Decision = "filed" if found.reason is None else "none" if found.none else "review"
        reason = found.reason or held_back
        decision: Decision = "review" if would == "filed" and reason is not None else would
        return _Decided(decision, would, found.path, found.confidence, reason)

    def _why_unread(self, row: int) -> str:
        given = self.products.slice(row, 1).to_pylist()[0]
        return why_unread(self.reads, given, self.unreadable.get(self.ids[row]))
