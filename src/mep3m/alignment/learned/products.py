"""What the products of two categories say: titles, text on images, pictures, and who sells what of both."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from mep3m.alignment.learned.titles import Near, Titles
from mep3m.alignment.names.compare import Bags, unknown
from mep3m.alignment.records import Side
from mep3m.alignment.similarity import Ints, content_vectors
from mep3m.settings.align import EvidenceSettings

#: texts of the poorer category at which what its products say counts half
HALF_TRUSTED = 8
#: own categories from which on their average says what chance gives
CROWD = 5
#: a category that gets so much by chance says nothing by getting it
NEARLY_ALL = 0.9


class Products:
    """The texts and pictures of two sides' products, and the features they give any pairs."""

    def __init__(self, left: Side, right: Side, settings: EvidenceSettings) -> None:
        self._left, self._right = left, right
        self.content = _contents(left, right, "titles", settings)
        self._ocr = _contents(left, right, "ocr", settings)
        self.votes: tuple[sparse.csr_matrix, sparse.csr_matrix] | None = None
        self.near: tuple[Near, Near] | None = None
        if all(any(entry.titles for entry in side) for side in (left, right)):
            titles = Titles(left, right)
            self.votes, self.near = titles.votes(), titles.near()

    def candidates(self, most: int, orders: tuple[np.ndarray, np.ndarray]) -> list[np.ndarray]:
        """Return (2, pairs) of left and right categories that titles connect, the `most` of each category.

        `orders` (left,) and (right,) decide between categories that get equal shares of one.
        """
        connected = []
        for kind in (kind for kind in (self.votes, self.near) if kind is not None):
            there, back = (of.share if isinstance(of, Near) else of for of in kind)
            connected += [largest(there, most, orders[1]), largest(back, most, orders[0])[::-1]]
        return connected

    def features(self, rows: Ints, columns: Ints) -> dict[str, np.ndarray]:
        """Return the features (pairs,) of content, text on images, sizes and pictures."""
        features = dict.fromkeys(FEATURES, unknown(len(rows)))
        sides = self._left, self._right
        if self.content is not None:
            known = _support(*sides, "titles", rows, columns)
            features["support"] = np.log1p(known)
            features["content"] = self.content.cosine(rows, columns) * trust(known)
        if self._ocr is not None:
            known = _support(*sides, "ocr", rows, columns)
            features["ocr"] = self._ocr.cosine(rows, columns) * trust(known)
        if self.votes is not None and self.near is not None:
            trusted = trust(_support(*sides, "titles", rows, columns))
            for side, votes, near, own, other in (
                ("l", self.votes[0], self.near[0], rows, columns),
                ("r", self.votes[1], self.near[1], columns, rows),
            ):
                stock = self.near[side == "l"].titles
                features[f"votes_{side}"] = _beyond_chance(votes, own, other, stock) * trusted
                features[f"near_{side}"] = _beyond_chance(near.share, own, other, stock) * trusted
                features[f"reach_{side}"] = _beyond_chance(near.reach, own, other, stock) * trusted
                features[f"home_{side}"] = near.home[own]
                features[f"stock_{side}"] = np.log1p(near.titles[own]).astype(np.float32)
                same = _cells(near.same, own, other)
                features[f"sold_{side}"] = same / np.maximum(near.titles[own], 1)
                features["sold"] = np.log1p(same)
        sizes = [np.array([entry.count or np.nan for entry in side], np.float32) for side in sides]
        features["size"] = np.abs(
            np.log(sizes[0] / np.nansum(sizes[0]))[rows] - np.log(sizes[1] / np.nansum(sizes[1]))[columns]
        )
        features["picture"] = _pictures(*sides, rows, columns)
        return features


#: kind of evidence -> its features
PRODUCT_KINDS: dict[str, tuple[str, ...]] = {
    "content": ("content", "votes_l", "votes_r", "support"),
    "neighbouring titles": (
        "near_l", "near_r", "reach_l", "reach_r", "home_l", "home_r", "stock_l", "stock_r",
    ),
    "same products": ("sold_l", "sold_r", "sold"),
    "ocr": ("ocr",),
    "sizes": ("size",),
    "pictures": ("picture",),
}  # fmt: skip
FEATURES = [name for names in PRODUCT_KINDS.values() for name in names]


def _beyond_chance(table: sparse.csr_matrix, rows: Ints, columns: Ints, stock: np.ndarray) -> np.ndarray:
    """Return shares (pairs,) as what they are beyond chance: 0 by chance, 1 where all is there.

    By chance a category gets its share of the other side's titles (`stock`), or what the categories
    of a side of `CROWD` or more give it on the average. Unknown where that is nearly everything: to a
    shop that sells one kind of thing everything lies nearest.
    """
    expected = stock / max(float(stock.sum()), 1.0)
    telling = np.diff(table.indptr) > 0
    if telling.sum() >= CROWD:
        expected = np.maximum(expected, np.asarray(table.sum(axis=0)).ravel() / telling.sum())
    by_chance = expected[columns]
    value = (_cells(table, rows, columns) - by_chance) / np.maximum(1 - by_chance, 1e-6)
    return np.where(by_chance < NEARLY_ALL, np.maximum(value, 0.0), np.nan).astype(np.float32)


def largest(table: sparse.csr_matrix, most: int, order: np.ndarray) -> np.ndarray:
    """Return (2, cells): row and column of the `most` largest cells of each row, of those above zero.

    `order` (columns,), tiny numbers, decides between equal ones.
    """
    cells = table.tocoo()
    value = cells.data + order[cells.col]
    ranked = np.lexsort((-value, cells.row))
    ranked = ranked[cells.data[ranked] > 0]
    rows = cells.row[ranked]
    starts = np.searchsorted(rows, np.arange(table.shape[0]))
    kept = np.arange(len(rows)) - starts[rows] < most
    return np.stack([rows[kept], cells.col[ranked][kept]]).astype(np.int64)


def _cells(table: sparse.csr_matrix, rows: Ints, columns: Ints) -> np.ndarray:
    return np.asarray(table[rows, columns], np.float32).ravel()


def trust(support: np.ndarray) -> np.ndarray:
    """Return how much a similarity drawn from so few texts counts: 0 without any, towards 1 with many.

    One title shares a word with almost anything; `n / (n + HALF_TRUSTED)` is the weight that a mean
    of n observations gets beside a prior worth `HALF_TRUSTED` of them, here the prior "not similar".
    """
    share: np.ndarray = support / (support + HALF_TRUSTED)
    return share


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


def _pictures(left: Side, right: Side, rows: Ints, columns: Ints) -> np.ndarray:
    """Return the cosine of the centred picture statistics, NaN where a category has none."""
    width = max((len(entry.image) for side in (left, right) for entry in side), default=0)
    if width == 0:
        return unknown(len(rows))
    blank = (np.nan,) * width
    tables = [np.array([entry.image or blank for entry in side], np.float32) for side in (left, right)]
    tables = [table - np.nanmean(table, axis=0) for table in tables]
    tables = [table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9) for table in tables]
    values: np.ndarray = (tables[0][rows] * tables[1][columns]).sum(axis=1)
    return values
