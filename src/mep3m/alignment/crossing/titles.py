"""The titles of one platform as an index: where a title of another platform would be filed, if anywhere.

A title is filed by its nearest titles, weighted by how near they are. It is *at home* on the platform when it
comes as near as the platform's own titles come to each other: nearer than the least near tenth of titles that
were held out. Without that second question the nearest of wrong categories takes everything (the open-set
problem).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mep3m.alignment.records import Side
from mep3m.alignment.similarity import Ints, nearest

#: titles of one category that are kept, and of one platform: what is read does not grow with the products
PER_CATEGORY, PER_PLATFORM = 300, 20_000
#: titles that vote on where a title is filed; the nearest of them say whether it is at home
VOTERS, NEAREST = 5, 3
#: how fast the vote of a farther title fades: weight = cosine ** FADE
FADE = 2
#: share of a platform's own held-out titles that count as not at home
OUTSIDE = 0.1
#: one title in so many is held out to learn how near a platform's own titles lie
HELD_OUT = 5
#: a cosine this much lower is the same one, summed in another order
ROUNDING = 1e-5
#: titles below which nothing can be said of a platform
FEWEST = 15


@dataclass(frozen=True)
class TitleSample:
    """Titles of one platform (T,), and the place of the category in its side that each belongs to (T,)."""

    titles: tuple[str, ...]
    owners: Ints


@dataclass(frozen=True)
class Filed:
    """Where T titles are filed: `category` (T,) a place in the side, and `at_home` (T,)."""

    category: Ints
    at_home: NDArray[np.bool_]


def sample_titles(side: Side) -> TitleSample:
    """Return distinct titles of each category, thinned evenly; the order of categories changes nothing."""
    most = PER_CATEGORY
    distinct = [sorted(set(entry.titles), key=_shuffled) for entry in side]
    while sum(min(len(titles), most) for titles in distinct) > PER_PLATFORM and most > 1:
        most = most * 9 // 10
    order = sorted(range(len(side)), key=lambda place: side.entries[place].path)
    kept = [(title, place) for place in order for title in distinct[place][:most]]
    return TitleSample(tuple(title for title, _ in kept), np.array([place for _, place in kept], np.int64))


def _shuffled(title: str) -> bytes:
    """Return a sort key that is the same on every run and has nothing to do with what the title says."""
    return hashlib.blake2b(title.encode("utf-8", "surrogatepass"), digest_size=8).digest()


class TitleIndex:
    """The titles of one platform as tf-idf vectors of character 1- to 3-grams, its own grams only.

    Grams that the platform never uses say nothing about where in it a title belongs, so they do not count.
    `least` is the mean cosine with the `NEAREST` titles from which on a title is at home.
    """

    def __init__(self, sample: TitleSample) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        # numbered as they come in the sample, so that equal votes do not depend on the order of the side
        self._places = np.array(list(dict.fromkeys(sample.owners.tolist())), np.int64)
        numbers = {place: number for number, place in enumerate(self._places.tolist())}
        self._owners = np.array([numbers[place] for place in sample.owners.tolist()], np.int64)
        held = np.arange(len(sample.titles)) % HELD_OUT == 0
        rest = _vectorizer(TfidfVectorizer)
        vectors = rest.fit_transform(
            [title for title, out in zip(sample.titles, held, strict=True) if not out]
        )
        out = rest.transform([title for title, out in zip(sample.titles, held, strict=True) if out])
        self.least = float(np.quantile(_nearness(nearest(out, vectors, VOTERS)[1]), OUTSIDE))
        self._vectorizer = _vectorizer(TfidfVectorizer)
        self._vectors = self._vectorizer.fit_transform(list(sample.titles)).tocsr()

    @classmethod
    def of(cls, side: Side) -> TitleIndex | None:
        """Return the index of a side's titles; `None` where it has too few to say anything."""
        sample = sample_titles(side)
        return cls(sample) if len(sample.titles) >= FEWEST else None

    def file(self, titles: tuple[str, ...]) -> Filed:
        """Return where each title would be filed, and whether it is at home on the platform."""
        places, cosines = nearest(self._vectorizer.transform(list(titles)), self._vectors, VOTERS)
        votes = sparse.csr_matrix(
            (
                (cosines**FADE).ravel(),
                (np.repeat(np.arange(len(titles)), places.shape[1]), self._owners[places].ravel()),
            ),
            (len(titles), len(self._places)),
        )
        category = self._places[np.asarray(votes.argmax(axis=1)).ravel()]
        nearness = _nearness(cosines)
        return Filed(category, (nearness >= self.least - ROUNDING) & (nearness > 0))


def _vectorizer(kind: Any) -> Any:
    return kind(analyzer="char", ngram_range=(1, 3), sublinear_tf=True, dtype=np.float32)


def _nearness(cosines: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the mean of the `NEAREST` largest cosines of each row."""
    k = min(NEAREST, cosines.shape[1])
    mean: NDArray[np.float32] = -np.partition(-cosines, k - 1, axis=1)[:, :k].mean(axis=1)
    return mean
