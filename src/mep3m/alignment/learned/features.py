"""The numbers that speak for or against a link: names, place in the tree, products, sizes, pictures.

Every feature is an array (pairs,), NaN where it cannot be known. A name ending in `_l` is said of
the left category, its twin in `_r` of the right one; swapping them turns the pair around.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np

from mep3m.alignment.learned.products import PRODUCT_KINDS, Products
from mep3m.alignment.learned.titles import EXACT
from mep3m.alignment.names.compare import (
    COMPARED,
    UNKNOWN,
    Bags,
    Tree,
    bags,
    characters,
    compare_names,
    coverage,
    is_unknown,
    parent_ratio,
    root_ratio,
    unknown,
)
from mep3m.alignment.names.concepts import NO_MEANING, agreement, clash, concept_terms, excluded
from mep3m.alignment.names.in_titles import Named
from mep3m.alignment.names.kinds import NOTHING_KNOWN, kinship
from mep3m.alignment.records import Side
from mep3m.alignment.similarity import BLOCK_CELLS, Ints
from mep3m.settings.align import EvidenceSettings

Features = dict[str, np.ndarray]

#: kind of evidence -> its features; the ablation table switches them off one by one
KINDS: dict[str, tuple[str, ...]] = {
    "names": (
        "ratio", "leaf", "cover_l", "cover_r", "segment", "segments_l", "segments_r", "head", "head2",
        "inside_l", "inside_r", "same", "twins_l", "twins_r", "length",
    ),
    "meanings": (
        "concept", "concept_path", "concept_whole", "means_l", "means_r", "means_head", "clash", "clash_path",
    ),
    "kinds": ("kind_l", "kind_r", "apart"),
    "path": ("path", "whole", "script", "parent", "up_l", "up_r", "lower_l", "lower_r", "root"),
    "neighbours": ("children", "siblings", "inner_l", "inner_r"),
    **PRODUCT_KINDS,
    "names in titles": ("said_l", "said_r", "says_l", "says_r"),
    "structure": (
        "first", "within_l", "within_r", "above", "above_l", "above_r", "below", "rank_l", "rank_r",
        "margin_l", "margin_r", "assigned", "scripted", "known_l", "known_r",
        "own_l", "own_r", "inherit_l", "inherit_r", "gap_l", "gap_r", "matched_l", "matched_r",
        "group_by_script_l", "group_by_script_r", "share_by_script_l", "share_by_script_r",
        "script_rank_l", "script_rank_r", "script_margin_l", "script_margin_r",
        "group_l", "group_r", "share_l", "share_r", "inrank_l", "inrank_r", "inmargin_l", "inmargin_r",
    ),
}  # fmt: skip

#: features that say nothing where the two sides share no language
WRITTEN = (
    *KINDS["names"][:-3], "length", "path", "whole", "parent", "up_l", "up_r", "root", "children", "siblings",
)  # fmt: skip
#: largest number that decides between candidates of equal cosines
TINY = 1e-5
#: up to this many pairs every one is a candidate
ALL_PAIRS = 20_000
#: pairs whose features are computed together: what is needed on the way is bounded, however many there are
BLOCK = 65_536


def mirrored(features: Features) -> Features:
    """Return the features of the pairs turned around (right, left)."""
    twin = {"_l": "_r", "_r": "_l"}
    return {
        name[:-2] + twin[name[-2:]] if name[-2:] in twin else name: values
        for name, values in features.items()
    }


class PairEvidence:
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
        self._meant, self._meant_path = (bags(*texts, analyzer=concept_terms) for texts in (leaves, above))
        self._meant_whole = bags(*whole, analyzer=concept_terms)
        self._opposites = [[excluded(texts) for texts in of] for of in (leaves, whole)]
        self._whole = bags(*whole)
        self._script = _script_bags(left, right)
        self._twins = [_twins(tree) for tree in sides]
        self._children = bags(*(_gathered(tree, texts) for tree, texts in zip(sides, leaves, strict=True)))
        self._siblings = bags(*(_brothers(tree, texts) for tree, texts in zip(sides, leaves, strict=True)))
        self._products = Products(left.side, right.side, settings)
        stocked = any(entry.titles for tree in sides for entry in tree.side)
        self._named = (Named(left, right), Named(right, left)) if stocked else None

    def candidates(self) -> tuple[Ints, Ints]:
        """Return (rows, columns) of the candidate pairs, sorted, each once."""
        k = self._settings.candidates
        if len(self.left.side) * len(self.right.side) <= ALL_PAIRS:
            every = np.arange(len(self.left.side) * len(self.right.side))
            return every // len(self.right.side), every % len(self.right.side)
        order = _order(self.left.side), _order(self.right.side)
        suggested = self._products.candidates(k, order)
        content = self._products.content
        for turned in (False, True):
            for kind in ((self._leaf, self._whole), (self._meant, self._meant_whole)):
                parts = [_turned(bag, turned) for bag in kind]
                suggested += [_nearest(scores, k, turned, order[not turned]) for scores in (parts[:1], parts)]
            if content is not None:
                suggested.append(_nearest((_turned(content, turned),), k, turned, order[not turned]))
        keys = np.unique(np.concatenate([pairs[0] * len(self.right.side) + pairs[1] for pairs in suggested]))
        return keys // len(self.right.side), keys % len(self.right.side)

    def features(self, rows: Ints, columns: Ints) -> Features:
        """Return every feature (pairs,) that needs no decision on other pairs, block by block."""
        features: Features = {}
        for start in range(0, max(len(rows), 1), BLOCK):
            part = slice(start, start + BLOCK)
            for name, values in self._block(rows[part], columns[part]).items():
                if is_unknown(values):
                    features[name] = unknown(len(rows))
                    continue
                if name not in features:
                    features[name] = np.empty(len(rows), np.float32)
                features[name][part] = np.round(values, EXACT)
        return features

    def _block(self, rows: Ints, columns: Ints) -> Features:
        """Return the features of a block of pairs; of names in different languages only meanings count."""
        features = {
            **self._name_features(rows, columns),
            **self._place_features(rows, columns),
            **self._meaning_features(rows, columns),
            **self._kind_features(rows, columns),
            **self._products.features(rows, columns),
            **self._title_features(rows, columns),
        }
        if self.left.foreign:
            features |= dict.fromkeys(WRITTEN, unknown(len(rows)))
            features["script"] = (features["concept"] + features["concept_whole"]) / 2
        return features

    def _meaning_features(self, rows: Ints, columns: Ints) -> Features:
        best = np.full((len(rows), len(NO_MEANING)), np.nan, np.float32)
        ours, theirs = (
            [tree.own_names(i) for i in range(len(tree.side))] for tree in (self.left, self.right)
        )
        for view in range(len(self.left.names)):
            compared = [
                agreement(ours[i][view], theirs[j][view])
                for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
            ]
            best = np.fmax(best, np.array(compared, np.float32).reshape(best.shape))
        own, path = ([of[0][rows], of[1][columns]] for of in self._opposites)
        return {
            "clash": clash(*own),
            "clash_path": clash(*path),
            "concept": self._meant.cosine(rows, columns),
            "concept_path": self._meant_path.cosine(rows, columns),
            "concept_whole": self._meant_whole.cosine(rows, columns),
            "means_l": best[:, 0],
            "means_r": best[:, 1],
            "means_head": best[:, 2],
        }

    def _kind_features(self, rows: Ints, columns: Ints) -> Features:
        best = np.full((len(rows), len(NOTHING_KNOWN)), np.nan, np.float32)
        for view in range(len(self.left.names)):
            ours, theirs = (
                [("", "", *tree.names[view][i])[-2:][::-1] for i in range(len(tree.side))]
                for tree in (self.left, self.right)
            )
            akin = [kinship(ours[i], theirs[j]) for i, j in zip(rows.tolist(), columns.tolist(), strict=True)]
            table = np.array(akin, np.float32).reshape(best.shape)
            best = np.c_[np.fmax(best[:, :2], table[:, :2]), np.fmin(best[:, 2], table[:, 2])]
        return {"kind_l": best[:, 0], "kind_r": best[:, 1], "apart": best[:, 2]}

    def _title_features(self, rows: Ints, columns: Ints) -> Features:
        if self._named is None:
            return dict.fromkeys(KINDS["names in titles"], unknown(len(rows)))
        said_l, lead_l = self._named[0].features(rows, columns)
        said_r, lead_r = self._named[1].features(columns, rows)
        return {"said_l": said_l, "says_l": lead_l, "said_r": said_r, "says_r": lead_r}

    def _name_features(self, rows: Ints, columns: Ints) -> Features:
        leaf = self._leaf
        per_view = [
            np.array(
                [
                    compare_names(one[i][-1], other[j][-1]) if one[i] and other[j] else UNKNOWN
                    for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
                ],
                dtype=np.float32,
            ).reshape(-1, len(COMPARED))
            for one, other in zip(self.left.names, self.right.names, strict=True)
        ]
        best = np.fmax.reduce(per_view)
        compared = {name: best[:, k] for k, name in enumerate(COMPARED)}
        return {
            **compared,
            "leaf": leaf.cosine(rows, columns),
            "cover_l": coverage(leaf.left, leaf.right, leaf.idf, rows, columns),
            "cover_r": coverage(leaf.right, leaf.left, leaf.idf, columns, rows),
            "twins_l": self._twins[0][rows],
            "twins_r": self._twins[1][columns],
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
            "parent": parent_ratio(self.left, self.right, rows, columns),
            "up_l": _lifted(leaf, self.left.parent, rows, columns),
            "up_r": _lifted(Bags(leaf.right, leaf.left, leaf.idf), self.right.parent, columns, rows),
            "root": root_ratio(self.left, self.right, rows, columns),
            "lower_l": np.maximum(depth[0][rows] - depth[1][columns], 0),
            "lower_r": np.maximum(depth[1][columns] - depth[0][rows], 0),
            "children": self._children.cosine(rows, columns),
            "siblings": self._siblings.cosine(rows, columns),
            "inner_l": np.log1p(inner[0])[rows],
            "inner_r": np.log1p(inner[1])[columns],
        }


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


def _lifted(bag: Bags, parent: Ints, rows: Ints, columns: Ints) -> np.ndarray:
    """Return the cosine of the left entry's PARENT's name with the right name, NaN without a parent."""
    above = parent[rows]
    value = bag.cosine(np.maximum(above, 0), columns)
    return np.where(above >= 0, value, np.nan).astype(np.float32)


def _script_bags(left: Tree, right: Tree) -> tuple[Bags, Bags]:
    """Return the vectors of names and of whole paths over all their character 1-3-grams.

    It is what the plain script compares (leaf and path cosine); spaces and signs count.
    """
    names = [[view[-1].lower() if view else "" for view in tree.names[0]] for tree in (left, right)]
    paths = [[" ".join(view).lower() for view in tree.names[0]] for tree in (left, right)]
    return bags(*names, analyzer=characters), bags(*paths, analyzer=characters)


def _turned(bag: Bags, turned: bool) -> Bags:
    return Bags(bag.right, bag.left, bag.idf) if turned else bag


def _order(side: Side) -> np.ndarray:
    """Return tiny numbers (n,) that order entries of equal cosines the same wherever they stand."""
    drawn = [zlib.crc32(f"{entry.label}\n{entry.id}".encode()) for entry in side]
    return np.array(drawn, np.float32) * np.float32(TINY / 2**32)


def _nearest(scores: Sequence[Bags], k: int, turned: bool, order: np.ndarray) -> np.ndarray:
    """Return (2, pairs): for each first-side entry the k entries of highest summed cosine above zero.

    `order` (others,) decides between equal ones.
    """
    count, others = scores[0].left.shape[0], scores[0].right.shape[0]
    right = [bag.right.T.tocsr() for bag in scores]
    step = max(1, BLOCK_CELLS // 4 // max(1, others))  # four tables of that size live at once
    blocks: list[np.ndarray] = []
    for start in range(0, count, step):
        total = np.zeros((min(step, count - start), others), np.float32)
        for bag, theirs in zip(scores, right, strict=True):
            total += (bag.left[start : start + step] @ theirs).toarray()
        top = np.argpartition(-(total + order), min(k, others) - 1, axis=1)[:, :k]
        rows = np.repeat(np.arange(start, start + len(total)), top.shape[1])
        above_zero = np.take_along_axis(total, top, axis=1).ravel() > 0
        blocks.append(np.stack([rows[above_zero], top.ravel()[above_zero]]))
    pairs = np.concatenate(blocks, axis=1).astype(np.int64)
    return pairs[::-1] if turned else pairs
