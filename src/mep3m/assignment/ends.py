"""Where the path of each product ends, and why it may not be filed there, if so.

What a promise does not cover at a category is filed at the deepest one above it that it covers. A filing is
right where its node is the truth or lies above it, so that one further up is never wrong where the one below
was right; and a node above is at least as probable. Thus falling back adds no errors to what was proven.
Where nothing above is covered a person decides. Decision 270.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mep3m.arrays import Floats
from mep3m.assignment.edited_promise import MovedTree
from mep3m.assignment.parts import NEVER
from mep3m.assignment.policy import FilingPolicy
from mep3m.evaluation.promises.sets import sets
from mep3m.label_tree.likely_path import likely_paths
from mep3m.label_tree.probabilities import back_off, make_coherent
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.taxonomy import Taxonomy, name_of

Nodes = NDArray[np.int32]
#: the nodes of a prediction set; -1 is the root: any category
NodeSet = list[int]


class Ends(NamedTuple):
    """The node where each of N paths ends, -1 at the root, and why it is not filed (`None`: it may be).

    `sets` has the prediction set of each row that is not filed, `None` without one.
    """

    nodes: NDArray[np.int32]
    reasons: list[str | None]
    sets: list[NodeSet | None]


def by_confidence(
    tree: LabelTree,
    proba: Floats,
    best: NDArray[np.int32],
    min_confidence: float,
    learned: Collection[LabelPath] = (),
    taxonomy: Taxonomy | None = None,
) -> Ends:
    """End each path where it falls below `min_confidence`; `best` (N,) are the most probable leaves.

    At classes that were `learned` after training nothing is filed: no audit has proven them. `taxonomy` gives
    the names of categories of which the tree has ids.
    """
    nodes = back_off(tree, proba, min_confidence) if min_confidence > 0 else best
    leaf = np.isin(nodes, tree.leaves).tolist()
    paths = (tree.paths[node] if node >= 0 else () for node in nodes.tolist())
    reasons = [
        _unproven(path, learned, taxonomy) or (None if sure else _unsure(path, min_confidence, taxonomy))
        for sure, path in zip(leaf, paths, strict=True)
    ]
    return Ends(nodes, reasons, [None] * len(nodes))


def under_promise(
    tree: LabelTree,
    proba: Floats,
    before: Floats | None,
    policy: FilingPolicy,
    taxonomy: Taxonomy | None = None,
) -> Ends:
    """End each path where a promise says; `before` are the probabilities in the tree before edits, if any.

    The promise decides in the tree that it was made for: what it files is then moved to its new place. Where
    a category is not covered any more, a row falls back to the deepest one above it that is. A row whose
    likely path leads to a learned class of which the audit had no product is not filed at all. `taxonomy` as
    in `by_confidence`.
    """
    moved, promise = policy.moved, policy.promise
    tested = tree if moved is None else moved.before
    if moved is not None and before is not None:
        proba = make_coherent(tested, before)
    paths = likely_paths(tested, proba)
    thresholds = promise.thresholds(tested, paths)
    nodes = paths.until(thresholds)
    filed = paths.until(thresholds, promise.min_level) >= 0
    nodes, fell = fall_back(tested, nodes, closed_nodes(tested, policy.fallen().paths, moved, taxonomy))
    filed &= (nodes >= 0) & (tested.levels[nodes] >= promise.min_level)
    reasons: list[str | None] = []
    likely = paths.ends.tolist()
    for row, (node, least, why) in enumerate(zip(nodes.tolist(), thresholds.tolist(), fell, strict=True)):
        path = tested.paths[node] if node >= 0 else ()
        told = None if filed[row] else why or _unsure(path, least, taxonomy)
        reasons.append(_unproven(tested.paths[likely[row]], policy.unproven, taxonomy) or told)
    found: list[NodeSet | None] = [None] * len(nodes)
    open_rows = [row for row, reason in enumerate(reasons) if reason is not None]
    if promise.sets is not None:
        for row, chosen in zip(open_rows, sets(tested, proba[open_rows], promise.sets), strict=True):
            found[row] = chosen if moved is None else moved.places(chosen)
    return Ends(nodes if moved is None else moved.place[nodes], reasons, found)


def fall_back(tree: LabelTree, nodes: Nodes, closed: Mapping[int, str]) -> tuple[Nodes, list[str | None]]:
    """Return the deepest node at or above each of `nodes` (N,) that is not `closed`, and why it fell.

    -1 is the root, where nothing is filed. `closed` says of nodes why nothing is filed at them; why is `None`
    where a row stays.
    """
    ends = np.append(np.arange(len(tree), dtype=np.int32), np.int32(-1))
    for node in sorted(closed):  # parents come first
        ends[node] = ends[tree.parent[node]]
    return ends[nodes], [closed.get(node) for node in nodes.tolist()]


def closed_nodes(
    tree: LabelTree,
    fallen: Sequence[LabelPath],
    moved: MovedTree | None = None,
    taxonomy: Taxonomy | None = None,
) -> dict[int, str]:
    """Return the nodes of the tree of a promise at which nothing is filed at this moment, and why.

    These are all in `fallen` branches, which were named by the tree of the answers: that of the promise, or
    what edits have made of it.
    """
    closed = {} if moved is None else dict(moved.lost)
    for branch in filter(None, fallen):  # the whole is stopped by the policy
        name = name_of(branch[-1], taxonomy)
        why = f"'{name}' fell back: its audited filings were not as precise as promised"
        for node, path in enumerate(tree.paths):
            now = () if moved is None else moved.path(node)
            if branch in (path[: len(branch)], now[: len(branch)]):
                closed[node] = why
    return closed


def _unproven(path: LabelPath, learned: Collection[LabelPath], taxonomy: Taxonomy | None) -> str | None:
    if path not in learned:
        return None
    return (
        f"'{name_of(path[-1], taxonomy)}' was learned after training from a few products; nothing is filed "
        "there before a promise made of audited rows covers it ('mep3m guarantee')"
    )


def _unsure(path: LabelPath, min_confidence: float, taxonomy: Taxonomy | None) -> str:
    if min_confidence == NEVER:
        return "nothing is promised in the category that it seems to be of"
    where = f"below '{name_of(path[-1], taxonomy)}'" if path else "at the first level"
    return f"no category {where} has a probability of {min_confidence:g}"
