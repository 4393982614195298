"""What the products of two categories say: titles, text on images, pictures, and who sells what of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from mep3m.settings.align import EvidenceSettings
from mep3m.stages.align.proposal import Side
from mep3m.stages.align.similarity import BLOCK_CELLS, Ints, content_vectors, words
from mep3m.stages.evidence.names import Bags

#: votes that the first, second, third nearest category of a title gets
VOTES = (0.7, 0.2, 0.1)
#: texts of the poorer category at which what its products say counts half
HALF_TRUSTED = 8
#: titles of the other side that each title is compared with, and how fast the farther ones fade
NEIGHBOURS = 8
FADE = 4
#: own categories from which on their average says what chance gives
CROWD = 5
#: a category that gets so much by chance says nothing by getting it
NEARLY_ALL = 0.9
#: two titles nearest to each other and at least this alike are one product
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


class Products:
    """The texts and pictures of two sides' products, and the features they give any pairs."""

    def __init__(self, left: Side, right: Side, settings: EvidenceSettings) -> None:
        self._left, self._right = left, right
        self.content = _contents(left, right, "titles", settings)
        self._ocr = _contents(left, right, "ocr", settings)
        self.votes: tuple[sparse.csr_matrix, sparse.csr_matrix] | None = None
        self.near: tuple[Near, Near] | None = None
        if all(any(entry.titles for entry in side) for side in (left, right)):
            titles = _Titles(left, right)
            self.votes, self.near = titles.votes(), titles.near()

    def candidates(self) -> list[np.ndarray]:
        """Return (2, pairs) of left and right categories that some title connects."""
        found = []
        for turned in (False, True):
            for kind in (self.votes, self.near):
                if kind is not None:
                    of = kind[turned]
                    pairs = np.stack((of.share if isinstance(of, Near) else of).nonzero()).astype(np.int64)
                    found.append(pairs[::-1] if turned else pairs)
        return found

    def features(self, rows: Ints, columns: Ints) -> dict[str, np.ndarray]:
        """Return the features (pairs,) of content, text on images, sizes and pictures."""
        unknown = np.full(len(rows), np.nan, np.float32)
        found = dict.fromkeys(FEATURES, unknown)
        sides = self._left, self._right
        if self.content is not None:
            known = _support(*sides, "titles", rows, columns)
            found["support"] = np.log1p(known)
            found["content"] = self.content.cosine(rows, columns) * trust(known)
        if self._ocr is not None:
            known = _support(*sides, "ocr", rows, columns)
            found["ocr"] = self._ocr.cosine(rows, columns) * trust(known)
        if self.votes is not None and self.near is not None:
            trusted = trust(_support(*sides, "titles", rows, columns))
            for side, votes, near, own, other in (
                ("l", self.votes[0], self.near[0], rows, columns),
                ("r", self.votes[1], self.near[1], columns, rows),
            ):
                stock = self.near[side == "l"].titles
                found[f"votes_{side}"] = _beyond_chance(votes, own, other, stock) * trusted
                found[f"near_{side}"] = _beyond_chance(near.share, own, other, stock) * trusted
                found[f"reach_{side}"] = _beyond_chance(near.reach, own, other, stock) * trusted
                found[f"home_{side}"] = near.home[own]
                found[f"stock_{side}"] = np.log1p(near.titles[own]).astype(np.float32)
                same = _cells(near.same, own, other)
                found[f"sold_{side}"] = same / np.maximum(near.titles[own], 1)
                found["sold"] = np.log1p(same)
        sizes = [np.array([entry.count or np.nan for entry in side], np.float32) for side in sides]
        found["size"] = np.abs(
            np.log(sizes[0] / np.nansum(sizes[0]))[rows] - np.log(sizes[1] / np.nansum(sizes[1]))[columns]
        )
        found["picture"] = _pictures(*sides, rows, columns)
        return found


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


def _cells(table: sparse.csr_matrix, rows: Ints, columns: Ints) -> np.ndarray:
    return np.asarray(table[rows, columns], np.float32).ravel()


def trust(support: np.ndarray) -> np.ndarray:
    """Return how much a similarity drawn from so few texts counts: 0 without any, towards 1 with many.

    One title shares a word with almost anything; `n / (n + HALF_TRUSTED)` is the weight that a mean
    of n observations gets beside a prior worth `HALF_TRUSTED` of them, here the prior "not alike".
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


class _Titles:
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
        there, back = _neighbours(vectors[0], vectors[1]), _neighbours(vectors[1], vectors[0])
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


def _neighbours(vectors: sparse.csr_matrix, others: sparse.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Return (places, cosines), both (titles, k), of each title's nearest titles of the other side."""
    k = min(NEIGHBOURS, others.shape[0])
    places = np.empty((vectors.shape[0], k), np.int64)
    cosines = np.empty((vectors.shape[0], k), np.float32)
    turned = others.T.tocsr()
    step = max(1, BLOCK_CELLS // max(1, others.shape[0]))
    for start in range(0, vectors.shape[0], step):
        block = (vectors[start : start + step] @ turned).toarray()
        top = np.argpartition(-block, k - 1, axis=1)[:, :k]
        places[start : start + step] = top
        cosines[start : start + step] = np.take_along_axis(block, top, axis=1)
    return places, cosines


def _same(
    there: tuple[np.ndarray, np.ndarray], back: tuple[np.ndarray, np.ndarray], shape: tuple[int, int]
) -> sparse.csr_matrix:
    """Return (left titles, right titles), 1 where each is the other's nearest and they are alike."""
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
    found: tuple[np.ndarray, np.ndarray],
    own: sparse.csr_matrix,
    other: sparse.csr_matrix,
    same: sparse.csr_matrix,
) -> Near:
    places, cosines = found
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
