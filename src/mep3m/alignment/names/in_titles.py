"""How often the titles of one side's products say the name of a category of the other side."""

from __future__ import annotations

import numpy as np
from scipy import sparse

from mep3m.alignment.names.compare import Tree, plain
from mep3m.alignment.names.concepts import meanings
from mep3m.alignment.similarity import Ints

#: titles of a category that are read, evenly taken
READ = 40
#: titles that a category is thought to have beside its own, which do not say the name
PRIOR = 1.0


class Named:
    """The names of one side and the titles of the other, in concepts; both (categories, terms).

    A title says a name as far as it holds what the name means. `said` is the share of a category's
    titles that do, averaged over the meanings of the name, `lead` the same beside the category of
    that side that says it most.
    """

    def __init__(self, names: Tree, titles: Tree) -> None:
        places: dict[str, int] = {}
        shares = [_shares(entry.titles) for entry in titles.side]
        for share in shares:
            for term in share:
                places.setdefault(term, len(places))
        wanted = [_meant(names.leaf(i)) for i in range(len(names.side))]
        width = max(len(places), 1)
        self._titles = _table(shares, places, width)
        self._names = _table(wanted, places, width)
        turned = self._titles.T.tocsr()
        most = [(self._names[i] @ turned).max() for i in range(self._names.shape[0])]
        self._most = np.array(most, np.float32)

    def features(self, rows: Ints, columns: Ints) -> tuple[np.ndarray, np.ndarray]:
        """Return (said, lead), both (pairs,), of names `rows` in the titles of `columns`."""
        said = np.zeros(len(rows), np.float32)
        for start in range(0, len(rows), 65_536):
            part = slice(start, start + 65_536)
            product = self._names[rows[part]].multiply(self._titles[columns[part]])
            said[part] = np.asarray(product.sum(axis=1)).ravel()
        silent = (np.diff(self._titles.indptr) == 0)[columns]
        said = np.where(silent, np.nan, said).astype(np.float32)
        return said, (said / np.maximum(self._most[rows], 1e-6)).astype(np.float32)


def _shares(titles: tuple[str, ...]) -> dict[str, float]:
    """Return which share of a category's titles holds each concept or word, a little less with few titles."""
    if not titles:
        return {}
    step = max(1, len(titles) // READ)
    read = titles[::step]
    counts: dict[str, float] = {}
    for title in read:
        for term in {term for one in meanings(plain(title)) for term in one}:
            counts[term] = counts.get(term, 0.0) + 1.0
    return {term: count / (len(read) + PRIOR) for term, count in counts.items()}


def _meant(name: str) -> dict[str, float]:
    """Return the terms of a name, their weights adding up to 1; the concepts of one word share its weight."""
    of = meanings(name)
    weights: dict[str, float] = {}
    for one in of:
        for term in one:
            weights[term] = max(weights.get(term, 0.0), 1 / len(of))
    return weights


def _table(rows: list[dict[str, float]], places: dict[str, int], width: int) -> sparse.csr_matrix:
    known = [[(places[term], value) for term, value in row.items() if term in places] for row in rows]
    at = [(i, place) for i, row in enumerate(known) for place, _ in row]
    values = np.array([value for row in known for _, value in row], np.float32)
    index = np.array(at, np.int64).reshape(-1, 2).T
    return sparse.csr_matrix((values, (index[0], index[1])), (len(rows), width))
