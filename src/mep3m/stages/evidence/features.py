"""The numbers that speak for or against a link: names, place in the tree, products, sizes, pictures.

Every feature is an array (pairs,), NaN where it cannot be known. A name ending in `_l` is said of
the left category, its twin in `_r` of the right one; swapping them turns the pair around.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import sparse

from mep3m.settings.align import EvidenceSettings
from mep3m.stages.align.proposal import Side
from mep3m.stages.align.similarity import BLOCK_CELLS, Ints, content_vectors, words
from mep3m.stages.evidence.names import Bags, Tree, bags, coverage, plain, segments

Features = dict[str, np.ndarray]

#: kind of evidence -> its features; the ablation table switches them off one by one
KINDS: dict[str, tuple[str, ...]] = {
    "names": (
        "ratio", "leaf", "cover_l", "cover_r", "segment", "segments_l", "segments_r", "head", "head2",
        "inside_l", "inside_r", "same", "twins_l", "twins_r", "length",
    ),
    "path": ("path", "whole", "script", "parent", "up_l", "up_r", "lower_l", "lower_r", "root"),
    "neighbours": ("children", "siblings", "inner_l", "inner_r"),
    "content": ("content", "votes_l", "votes_r", "support"),
    "ocr": ("ocr",),
    "sizes": ("size",),
    "pictures": ("picture",),
    "structure": (
        "first", "within_l", "within_r", "above", "above_l", "above_r", "below", "rank_l", "rank_r",
        "margin_l", "margin_r", "assigned", "scripted", "known_l", "known_r",
        "own_l", "own_r", "inherit_l", "inherit_r", "gap_l", "gap_r", "matched_l", "matched_r",
    ),
}  # fmt: skip

#: up to this many pairs every one is a candidate
ALL_PAIRS = 20_000
#: votes that the first, second, third nearest category of a title gets
VOTES = (0.7, 0.2, 0.1)
#: texts of the poorer category at which what its products say counts half
HALF_TRUSTED = 8


def mirrored(features: Features) -> Features:
    """Return the features of the pairs turned around (right, left)."""
    twin = {"_l": "_r", "_r": "_l"}
    return {
        name[:-2] + twin[name[-2:]] if name[-2:] in twin else name: values
        for name, values in features.items()
    }


class Evidence:
    """Vectors of two sides, the candidate pairs they suggest, and the features of any pairs."""

    def __init__(self, left: Tree, right: Tree, settings: EvidenceSettings) -> None:
        self.left, self.right = left, right
        self._settings = settings
        sides = (left, right)
        leaves = [[tree.leaf(i) for i in range(len(tree.side))] for tree in sides]
        above = [[tree.ancestors(i) for i in range(len(tree.side))] for tree in sides]
        whole = [
            [f"{a} {b}" for a, b in zip(*texts, strict=True)] for texts in zip(above, leaves, strict=True)
        ]
        self._leaf, self._path = bags(*leaves), bags(*above)
        self._whole = bags(*whole)
        self._script = _script_bags(left, right)
        self._children = bags(*(_gathered(tree, texts) for tree, texts in zip(sides, leaves, strict=True)))
        self._siblings = bags(*(_brothers(tree, texts) for tree, texts in zip(sides, leaves, strict=True)))
        self._content = _contents(left.side, right.side, "titles", settings)
        self._ocr = _contents(left.side, right.side, "ocr", settings)
        self._votes = _votes(left.side, right.side)

    def candidates(self) -> tuple[Ints, Ints]:
        """Return (rows, columns) of the pairs worth a look, sorted, each once."""
        k = self._settings.candidates
        if len(self.left.side) * len(self.right.side) <= ALL_PAIRS:
            every = np.arange(len(self.left.side) * len(self.right.side))
            return every // len(self.right.side), every % len(self.right.side)
        found: list[np.ndarray] = []
        for turned in (False, True):
            parts = [_turned(bag, turned) for bag in (self._leaf, self._whole)]
            found += [_nearest(scores, k, turned) for scores in (parts[:1], parts)]
            if self._content is not None:
                found.append(_nearest((_turned(self._content, turned),), k, turned))
        if self._votes is not None:
            for votes, turned in zip(self._votes, (False, True), strict=True):
                pairs = np.stack(votes.nonzero()).astype(np.int64)
                found.append(pairs[::-1] if turned else pairs)
        keys = np.unique(np.concatenate([pairs[0] * len(self.right.side) + pairs[1] for pairs in found]))
        return keys // len(self.right.side), keys % len(self.right.side)

    def features(self, rows: Ints, columns: Ints) -> Features:
        """Return every feature that needs no decision on other pairs."""
        return {
            **self._name_features(rows, columns),
            **self._place_features(rows, columns),
            **self._product_features(rows, columns),
        }

    def _name_features(self, rows: Ints, columns: Ints) -> Features:
        leaf = self._leaf
        per_view = [
            np.array(
                [
                    _compare_names(one[i][-1], other[j][-1]) if one[i] and other[j] else _UNKNOWN
                    for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
                ],
                dtype=np.float32,
            ).reshape(-1, len(_COMPARED))
            for one, other in zip(self.left.names, self.right.names, strict=True)
        ]
        best = np.fmax.reduce(per_view)
        compared = {name: best[:, k] for k, name in enumerate(_COMPARED)}
        return {
            **compared,
            "leaf": leaf.cosine(rows, columns),
            "cover_l": coverage(leaf.left, leaf.right, leaf.idf, rows, columns),
            "cover_r": coverage(leaf.right, leaf.left, leaf.idf, columns, rows),
            "twins_l": _twins(self.left)[rows],
            "twins_r": _twins(self.right)[columns],
        }

    def _place_features(self, rows: Ints, columns: Ints) -> Features:
        whole, leaf = self._whole, self._leaf
        depth = [
            np.array([len(entry.path) for entry in tree.side], np.float32) for tree in (self.left, self.right)
        ]
        inner = [np.array([len(of) for of in tree.children], np.float32) for tree in (self.left, self.right)]
        return {
            "path": self._path.cosine(rows, columns),
            "whole": whole.cosine(rows, columns),
            "script": np.mean([bag.cosine(rows, columns) for bag in self._script], axis=0),
            "parent": _parent_ratio(self.left, self.right, rows, columns),
            "up_l": _lifted(leaf, self.left.parent, rows, columns),
            "up_r": _lifted(Bags(leaf.right, leaf.left, leaf.idf), self.right.parent, columns, rows),
            "root": _root_ratio(self.left, self.right, rows, columns),
            "lower_l": np.maximum(depth[0][rows] - depth[1][columns], 0),
            "lower_r": np.maximum(depth[1][columns] - depth[0][rows], 0),
            "children": self._children.cosine(rows, columns),
            "siblings": self._siblings.cosine(rows, columns),
            "inner_l": np.log1p(inner[0])[rows],
            "inner_r": np.log1p(inner[1])[columns],
        }

    def _product_features(self, rows: Ints, columns: Ints) -> Features:
        unknown = np.full(len(rows), np.nan, np.float32)
        found = dict.fromkeys([*KINDS["content"], "ocr", "size", "picture"], unknown)
        sides = self.left.side, self.right.side
        if self._content is not None:
            known = _support(*sides, "titles", rows, columns)
            found["support"] = np.log1p(known)
            found["content"] = self._content.cosine(rows, columns) * _trust(known)
        if self._ocr is not None:
            known = _support(*sides, "ocr", rows, columns)
            found["ocr"] = self._ocr.cosine(rows, columns) * _trust(known)
        if self._votes is not None:
            ours, theirs = self._votes
            trust = _trust(_support(*sides, "titles", rows, columns))
            found["votes_l"] = np.asarray(ours[rows, columns], np.float32).ravel() * trust
            found["votes_r"] = np.asarray(theirs[columns, rows], np.float32).ravel() * trust
        sizes = [
            np.array([entry.count or np.nan for entry in tree.side], np.float32)
            for tree in (self.left, self.right)
        ]
        found["size"] = np.abs(
            np.log(sizes[0] / np.nansum(sizes[0]))[rows] - np.log(sizes[1] / np.nansum(sizes[1]))[columns]
        )
        found["picture"] = _pictures(self.left.side, self.right.side, rows, columns)
        return found


#: what `_compare_names` returns, in this order
_COMPARED = (
    "same", "ratio", "segment", "segments_l", "segments_r", "head", "head2", "inside_l", "inside_r", "length",
)  # fmt: skip
_UNKNOWN = (np.nan,) * len(_COMPARED)


@lru_cache(maxsize=400_000)
def _compare_names(left: str, right: str) -> tuple[float, ...]:
    """Return the features of two names of one language, see `_COMPARED`."""
    from cydifflib import SequenceMatcher
    from rapidfuzz.distance import Indel

    one, other = plain(left), plain(right)
    if not one or not other:
        return _UNKNOWN
    ratio = max(SequenceMatcher(None, one, other).ratio(), SequenceMatcher(None, other, one).ratio())
    ours, theirs = segments(left), segments(right)
    table = [[Indel.normalized_similarity(a, b) for b in theirs] for a in ours] or [[ratio]]
    best_l = [max(row) for row in table]
    best_r = [max(column) for column in zip(*table, strict=True)]
    last, last_other = one.split()[-1], other.split()[-1]
    if one.isascii() or other.isascii():
        head, head2 = float(last == last_other), float(one.split()[-2:] == other.split()[-2:])
    else:
        head, head2 = float(one[-1] == other[-1]), float(one[-2:] == other[-2:])
    return (
        float(one == other),
        ratio,
        max(best_l),
        sum(best_l) / len(best_l),
        sum(best_r) / len(best_r),
        head,
        head2,
        float(one in other),
        float(other in one),
        abs(len(one) - len(other)) / max(len(one), len(other)),
    )


def _gathered(tree: Tree, leaves: Sequence[str]) -> list[str]:
    return [" ".join(leaves[child] for child in of) for of in tree.children]


def _brothers(tree: Tree, leaves: Sequence[str]) -> list[str]:
    """Return the names of each entry's siblings, without its own."""
    groups: dict[int, list[int]] = {}
    for i, group in enumerate(tree.siblings.tolist()):
        groups.setdefault(group, []).append(i)
    return [
        " ".join(leaves[j] for j in groups[group] if j != i) if len(groups[group]) <= 200 else ""
        for i, group in enumerate(tree.siblings.tolist())
    ]


def _twins(tree: Tree) -> np.ndarray:
    """Return how many other entries of the side have the same name (n,)."""
    names = [tree.leaf(i) for i in range(len(tree.side))]
    counts = Counter(names)
    return np.array([min(counts[name] - 1, 5) for name in names], dtype=np.float32)


def _above(tree: Tree, i: int, view: int, step: int) -> str:
    path = tree.names[view][i]
    return path[step] if -len(path) <= step < len(path) and len(path) > 1 else ""


def _parent_ratio(left: Tree, right: Tree, rows: Ints, columns: Ints) -> np.ndarray:
    """Return the similarity of the names directly above, NaN at the first level."""
    return _level_ratio(left, right, rows, columns, step=-2)


def _root_ratio(left: Tree, right: Tree, rows: Ints, columns: Ints) -> np.ndarray:
    """Return the similarity of the first-level names."""
    return _level_ratio(left, right, rows, columns, step=0)


def _level_ratio(left: Tree, right: Tree, rows: Ints, columns: Ints, step: int) -> np.ndarray:
    values = np.full(len(rows), np.nan, np.float32)
    for view in range(len(left.names)):
        ours = [_above(left, i, view, step) for i in range(len(left.side))]
        theirs = [_above(right, j, view, step) for j in range(len(right.side))]
        found = [
            _name_ratio(ours[i], theirs[j]) if ours[i] and theirs[j] else np.nan
            for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        values = np.fmax(values, np.array(found, np.float32))
    return values


@lru_cache(maxsize=400_000)
def _name_ratio(left: str, right: str) -> float:
    from rapidfuzz.distance import Indel

    ours, theirs = segments(left), segments(right)
    whole = Indel.normalized_similarity(plain(left), plain(right))
    return max([whole, *(Indel.normalized_similarity(a, b) for a in ours for b in theirs)])


def _lifted(bag: Bags, parent: Ints, rows: Ints, columns: Ints) -> np.ndarray:
    """Return the cosine of the left entry's PARENT's name with the right name, NaN without a parent."""
    above = parent[rows]
    value = bag.cosine(np.maximum(above, 0), columns)
    return np.where(above >= 0, value, np.nan).astype(np.float32)


def _contents(left: Side, right: Side, what: str, settings: EvidenceSettings) -> Bags | None:
    """Return the term-frequency vectors of both sides' texts, or `None` where a side has none."""
    texts = [[getattr(entry, what) for entry in side] for side in (left, right)]
    if not all(any(side) for side in texts):
        return None
    vectors = content_vectors([*texts[0], *texts[1]], settings.content).astype(np.float32)
    return Bags(vectors[: len(left)], vectors[len(left) :], np.ones(vectors.shape[1]))


def _support(left: Side, right: Side, what: str, rows: Ints, columns: Ints) -> np.ndarray:
    """Return how many texts the poorer category of each pair has (pairs,)."""
    counts = [np.array([len(getattr(entry, what)) for entry in side], np.float32) for side in (left, right)]
    fewer: np.ndarray = np.minimum(counts[0][rows], counts[1][columns])
    return fewer


def _trust(support: np.ndarray) -> np.ndarray:
    """Return how much a similarity drawn from so few texts counts: 0 without any, towards 1 with many.

    One title shares a word with almost anything; `n / (n + HALF_TRUSTED)` is the weight that a mean
    of n observations gets beside a prior worth `HALF_TRUSTED` of them, here the prior "not alike".
    """
    share: np.ndarray = support / (support + HALF_TRUSTED)
    return share


def _script_bags(left: Tree, right: Tree) -> tuple[Bags, Bags]:
    """Return the vectors of names and of whole paths over all their character 1-3-grams.

    It is what the plain script compares (leaf and path cosine); spaces and signs count.
    """
    names = [[view[-1].lower() if view else "" for view in tree.names[0]] for tree in (left, right)]
    paths = [[" ".join(view).lower() for view in tree.names[0]] for tree in (left, right)]
    return bags(*names, characters=True), bags(*paths, characters=True)


def _votes(left: Side, right: Side) -> tuple[sparse.csr_matrix, sparse.csr_matrix] | None:
    """Return which share of each category's titles lies nearest to which category of the other side.

    Each title votes for its three nearest categories by tf-idf (see `VOTES`). The first matrix is
    (left, right), the second (right, left). Asymmetric: the titles of a narrower category all vote
    for the broader one, whose own titles spread.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not all(any(entry.titles for entry in side) for side in (left, right)):
        return None
    titles = [[title for entry in side for title in entry.titles] for side in (left, right)]
    owners = [
        np.repeat(np.arange(len(side)), [len(entry.titles) for entry in side]) for side in (left, right)
    ]
    vectorizer = TfidfVectorizer(analyzer=words, dtype=np.float32, sublinear_tf=True)
    vectors = vectorizer.fit_transform([*titles[0], *titles[1]])
    parts = (vectors[: len(titles[0])], vectors[len(titles[0]) :])
    centres = [
        _centres(part, owner, len(side))
        for part, owner, side in zip(parts, owners, (left, right), strict=True)
    ]
    return (
        _cast(parts[0], owners[0], centres[1], len(left)),
        _cast(parts[1], owners[1], centres[0], len(right)),
    )


def _centres(vectors: sparse.csr_matrix, owner: np.ndarray, count: int) -> sparse.csr_matrix:
    from sklearn.preprocessing import normalize

    member = sparse.csr_matrix(
        (np.ones(len(owner), np.float32), (owner, np.arange(len(owner)))), (count, len(owner))
    )
    return normalize(member @ vectors)


def _cast(
    vectors: sparse.csr_matrix, owner: np.ndarray, centres: sparse.csr_matrix, count: int
) -> sparse.csr_matrix:
    """Return the votes (count, categories of the other side), each row summing to at most 1."""
    total = sparse.csr_matrix((count, centres.shape[0]), dtype=np.float32)
    turned = centres.T.tocsr()
    step = max(1, BLOCK_CELLS // max(1, centres.shape[0]))
    for start in range(0, vectors.shape[0], step):
        near = (vectors[start : start + step] @ turned).toarray()
        order = np.argsort(-near, axis=1, kind="stable")[:, : len(VOTES)]
        found = np.take_along_axis(near, order, axis=1) > 0
        weight = np.where(found, np.array(VOTES)[: order.shape[1]], 0).astype(np.float32)
        rows = np.repeat(owner[start : start + step], order.shape[1])
        total += sparse.csr_matrix((weight.ravel(), (rows, order.ravel())), shape=total.shape)
    sizes = np.maximum(np.bincount(owner, minlength=count), 1)
    return sparse.csr_matrix(sparse.diags(1 / sizes) @ total).astype(np.float32)


def _pictures(left: Side, right: Side, rows: Ints, columns: Ints) -> np.ndarray:
    """Return the cosine of the centred picture statistics, NaN where a category has none."""
    width = max((len(entry.image) for side in (left, right) for entry in side), default=0)
    if width == 0:
        return np.full(len(rows), np.nan, np.float32)
    blank = (np.nan,) * width
    tables = [np.array([entry.image or blank for entry in side], np.float32) for side in (left, right)]
    tables = [table - np.nanmean(table, axis=0) for table in tables]
    tables = [table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9) for table in tables]
    values: np.ndarray = (tables[0][rows] * tables[1][columns]).sum(axis=1)
    return values


def _turned(bag: Bags, turned: bool) -> Bags:
    return Bags(bag.right, bag.left, bag.idf) if turned else bag


def _nearest(scores: Sequence[Bags], k: int, turned: bool) -> np.ndarray:
    """Return (2, pairs): for each first-side entry the k entries of highest summed cosine above zero."""
    count, others = scores[0].left.shape[0], scores[0].right.shape[0]
    right = [bag.right.T.tocsr() for bag in scores]
    step = max(1, BLOCK_CELLS // max(1, others))
    found: list[np.ndarray] = []
    for start in range(0, count, step):
        total = np.zeros((min(step, count - start), others), np.float32)
        for bag, theirs in zip(scores, right, strict=True):
            total += (bag.left[start : start + step] @ theirs).toarray()
        top = np.argpartition(-total, min(k, others) - 1, axis=1)[:, :k]
        rows = np.repeat(np.arange(start, start + len(total)), top.shape[1])
        above_zero = np.take_along_axis(total, top, axis=1).ravel() > 0
        found.append(np.stack([rows[above_zero], top.ravel()[above_zero]]))
    pairs = np.concatenate(found, axis=1).astype(np.int64)
    return pairs[::-1] if turned else pairs
