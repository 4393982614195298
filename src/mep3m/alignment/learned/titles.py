"""How the titles of two sides lie among each other: nearest categories, nearest titles, the same products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from mep3m.alignment.records import Side
from mep3m.alignment.similarity import BLOCK_CELLS, Ints, nearest, words

#: votes that the first, second, third nearest category of a title gets
VOTES = (0.7, 0.2, 0.1)
#: titles of the other side that each title is compared with, and how fast the farther ones fade
NEIGHBOURS = 8
FADE = 4
#: two titles nearest to each other and at least this similar are one product
SAME_PRODUCT = 0.6
#: decimals from which on two cosines are the same
EXACT = 6
#: distinct titles a side that look for their neighbours; more are thinned evenly in each category
NEIGHBOURLY = 12_000


@dataclass(frozen=True)
class Near:
    """How the titles of one side lie among those of the other; matrices are (own, other categories).

    `share`: share of a category's titles that would be filed under the other one, by its nearest
    titles. `reach`: how near the titles come to the other category, as a share of how near they come
    to anything. `same`: how many of its titles are the same product as a title there. `home` (own,)
    is how near its titles come to anything, the side's mean being 1; `titles` (own,) how many looked.
    """

    share: sparse.csr_matrix
    reach: sparse.csr_matrix
    same: sparse.csr_matrix
    home: np.ndarray
    titles: np.ndarray


class Titles:
    """Both sides' distinct titles as tf-idf vectors, and which categories hold each.

    `holds[s]` (titles, categories) is 1 where a category of side s has the title: an inner category
    and the one below it may both list it.
    """

    def __init__(self, left: Side, right: Side) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        texts: list[list[str]] = []
        self.holds: list[sparse.csr_matrix] = []
        for side in (left, right):
            # sorted, so that the order of the categories changes nothing
            distinct = sorted({title for entry in side for title in entry.titles})
            places = {title: place for place, title in enumerate(distinct)}
            owners = [
                (places[title], i) for i, entry in enumerate(side) for title in dict.fromkeys(entry.titles)
            ]
            at = np.array(owners, np.int64).T
            ones = np.ones(at.shape[1], np.float32)
            self.holds.append(sparse.csr_matrix((ones, (at[0], at[1])), (len(places), len(side))))
            texts.append(list(places))
        vectorizer = TfidfVectorizer(analyzer=words, dtype=np.float32, sublinear_tf=True)
        try:
            vectors = vectorizer.fit_transform([*texts[0], *texts[1]]).tocsr()
        except ValueError:  # sklearn's word for: no title holds a term
            vectors = sparse.csr_matrix((len(texts[0]) + len(texts[1]), 1), dtype=np.float32)
        self.vectors = vectors[: len(texts[0])], vectors[len(texts[0]) :]

    def votes(self) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
        """Return which share of each category's titles lies nearest to which category's mean title.

        Each title votes for three categories (see `VOTES`). The first matrix is (left, right), the
        second (right, left). Asymmetric: the titles of a narrower category all vote for the broader
        one, whose own titles spread.
        """
        centres = [_centres(vectors, holds) for vectors, holds in zip(self.vectors, self.holds, strict=True)]
        return (
            _mean(self.holds[0], _cast(self.vectors[0], centres[1])),
            _mean(self.holds[1], _cast(self.vectors[1], centres[0])),
        )

    def near(self) -> tuple[Near, Near]:
        """Return how each side's titles lie among the other side's."""
        kept = [_thinned(holds) for holds in self.holds]
        vectors = [vectors[places] for vectors, places in zip(self.vectors, kept, strict=True)]
        holds = [holds[places] for holds, places in zip(self.holds, kept, strict=True)]
        there = nearest(vectors[0], vectors[1], NEIGHBOURS)
        back = nearest(vectors[1], vectors[0], NEIGHBOURS)
        same = _same(there, back, (len(kept[0]), len(kept[1])))
        return (
            _near(there, holds[0], holds[1], same),
            _near(back, holds[1], holds[0], same.T.tocsr()),
        )


def _thinned(holds: sparse.csr_matrix) -> Ints:
    """Return the titles (kept,) that look for neighbours: all, or evenly as many of every category."""
    if holds.shape[0] <= NEIGHBOURLY:
        return np.arange(holds.shape[0])
    by_category = holds.tocsc()
    sizes = np.diff(by_category.indptr)
    most = int(sizes.max())
    while np.minimum(sizes, most).sum() > NEIGHBOURLY and most > 1:
        most = most * 9 // 10
    chosen = [
        by_category.indices[start + np.linspace(0, size - 1, min(size, most)).astype(np.int64)]
        for start, size in zip(by_category.indptr.tolist(), sizes.tolist(), strict=False)
        if size
    ]
    return np.unique(np.concatenate(chosen)).astype(np.int64)


def _same(
    there: tuple[np.ndarray, np.ndarray], back: tuple[np.ndarray, np.ndarray], shape: tuple[int, int]
) -> sparse.csr_matrix:
    """Return (left titles, right titles), 1 where each is the other's nearest and they are similar."""
    first = []
    for places, cosines in (there, back):
        best = cosines.argmax(axis=1)
        every = np.arange(len(places))
        sure = cosines[every, best] >= SAME_PRODUCT
        first.append((every[sure], places[every, best][sure]))
    (rows, columns), (columns_back, rows_back) = first
    mutual = np.intersect1d(rows * shape[1] + columns, rows_back * shape[1] + columns_back)
    at = mutual // shape[1], mutual % shape[1]
    return sparse.csr_matrix((np.ones(len(mutual), np.float32), at), shape)


def _near(
    nearest_titles: tuple[np.ndarray, np.ndarray],
    own: sparse.csr_matrix,
    other: sparse.csr_matrix,
    same: sparse.csr_matrix,
) -> Near:
    places, cosines = nearest_titles
    every = np.repeat(np.arange(len(places)), places.shape[1])
    weight = cosines**FADE
    weight /= np.maximum(weight.sum(axis=1, keepdims=True), 1e-9)
    shape = (len(places), other.shape[0])
    spread = sparse.csr_matrix((weight.ravel(), (every, places.ravel())), shape) @ other
    best = cosines.max(axis=1)
    reached = _largest(every, places.ravel(), cosines.ravel(), other)
    titles = np.asarray(own.sum(axis=0)).ravel()
    home = np.asarray(own.T @ best).ravel() / np.maximum(titles, 1)
    overall = home[titles > 0].mean() if (titles > 0).any() else 0.0
    total = sparse.diags(1 / np.maximum(np.asarray(own.T @ best).ravel(), 1e-9))
    return Near(
        _mean(own, spread),
        sparse.csr_matrix(total @ (own.T @ reached)).astype(np.float32),
        sparse.csr_matrix(own.T @ same @ other).astype(np.float32),
        np.where(titles > 0, home / max(overall, 1e-9), np.nan).astype(np.float32),
        titles.astype(np.float32),
    )


def _largest(rows: Ints, places: Ints, cosines: np.ndarray, other: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return (titles, categories): the largest cosine of a title with any title of the category."""
    held = np.diff(other.indptr)[places]
    title = np.repeat(rows, held)
    category = np.concatenate(
        [other.indices[other.indptr[place] : other.indptr[place + 1]] for place in places.tolist()]
        or [np.empty(0, np.int64)]
    ).astype(np.int64)
    cosine = np.repeat(cosines, held)
    keys = title * other.shape[1] + category
    order = np.lexsort((-cosine, keys))
    leading = np.ones(len(order), dtype=bool)
    leading[1:] = keys[order][1:] != keys[order][:-1]
    kept = order[leading]
    shape = (int(rows.max()) + 1 if len(rows) else 0, other.shape[1])
    return sparse.csr_matrix((cosine[kept], (title[kept], category[kept])), shape)


def _mean(holds: sparse.csr_matrix, of_titles: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the mean row (categories, ...) over each category's titles."""
    sizes = np.maximum(np.asarray(holds.sum(axis=0)).ravel(), 1)
    return sparse.csr_matrix(sparse.diags(1 / sizes) @ (holds.T @ of_titles)).astype(np.float32)


def _centres(vectors: sparse.csr_matrix, holds: sparse.csr_matrix) -> sparse.csr_matrix:
    from sklearn.preprocessing import normalize

    return normalize(holds.T @ vectors).tocsr()


def _cast(vectors: sparse.csr_matrix, centres: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return the votes (titles, categories of the other side), each row summing to at most 1.

    Categories that are as near as each other share the votes of their places.
    """
    parts = []
    turned = centres.T.tocsr()
    step = max(1, BLOCK_CELLS // max(1, centres.shape[0]))
    last = min(len(VOTES), centres.shape[0]) - 1
    for start in range(0, vectors.shape[0], step):
        near = np.round((vectors[start : start + step] @ turned).toarray(), EXACT)
        least = -np.partition(-near, last, axis=1)[:, last : last + 1]
        rows, columns = np.nonzero((near > 0) & (near >= least))
        weight = _shared_votes(rows, near[rows, columns])
        parts.append(sparse.csr_matrix((weight, (rows, columns)), near.shape))
    return sparse.vstack(parts).tocsr()


def _shared_votes(rows: Ints, cosines: np.ndarray) -> np.ndarray:
    """Return the votes (pairs,) of pairs by their places in their row; `rows` are sorted."""
    if not len(rows):
        return np.empty(0, np.float32)
    order = np.lexsort((-cosines, rows))
    value = cosines[order]
    leads_row = np.r_[True, rows[1:] != rows[:-1]]
    leads_tie = leads_row | np.r_[True, value[1:] != value[:-1]]
    row_at, tie_at = np.nonzero(leads_row)[0], np.nonzero(leads_tie)[0]
    size = np.diff(np.r_[tie_at, len(rows)])
    first = tie_at - row_at[np.cumsum(leads_row)[tie_at] - 1]
    upto = np.cumsum([0.0, *VOTES])
    of_tie = (upto[np.minimum(first + size, len(VOTES))] - upto[np.minimum(first, len(VOTES))]) / size
    votes = np.empty(len(rows), np.float32)
    votes[order] = np.repeat(of_tie, size)
    return votes
