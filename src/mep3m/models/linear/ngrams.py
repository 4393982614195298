"""Character and word n-grams of titles as rows of a sparse matrix, hashed in compiled loops.

A title is a run of code points after NFKC and lower case. Its features are all character n-grams of
the chosen orders over the title with a mark at both ends, and its words and word pairs. Chinese needs
no word cutting: the character n-grams cover it; other languages gain from the words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

#: code points that stand for the start and the end of a title
_START, _END = 2, 3
#: value of the constant feature that every text has; the words of a text have unit length
_CONSTANT = 0.5
#: titles of average class that are added to those of a feature before their classes are looked at
_ADDED = 2.0
#: texts whose sparse rows are made at once
_CHUNK = 65_536
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_MIX = np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True)
class Texts:
    """N texts in one array: `points` (M,) uint32 code points, text n is points[offsets[n]:offsets[n+1]]."""

    points: NDArray[np.uint32]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1


@dataclass(frozen=True)
class Rows:
    """N sparse rows over `width` features: row n has `features[starts[n]:stops[n]]` and `values` there."""

    starts: NDArray[np.int64]
    stops: NDArray[np.int64]
    features: NDArray[np.int32]
    values: NDArray[np.float32]
    width: int

    def __len__(self) -> int:
        return len(self.starts)

    def take(self, rows: NDArray[np.int64]) -> Rows:
        """Return some rows, in this order; nothing is copied."""
        return Rows(self.starts[rows], self.stops[rows], self.features, self.values, self.width)

    def packed(self) -> Rows:
        """Return the same rows without gaps between them."""
        ends = np.cumsum(self.stops - self.starts)
        starts = ends - (self.stops - self.starts)
        used = np.repeat(self.starts - starts, self.stops - self.starts) + np.arange(
            ends[-1] if len(ends) else 0
        )
        return Rows(starts, ends, self.features[used], self.values[used], self.width)

    def weigh(self, weights: NDArray[np.float32]) -> None:
        """Multiply the values by the weights (V,) of their features and bring each text to unit length again.

        The constant feature, the last of a row, keeps its value.
        """
        _weigh(*self.arrays, weights)

    def spread(self, classes: NDArray[np.int32]) -> NDArray[np.float32]:
        """Return (V,) how evenly the titles with a feature are spread over the classes (N,) of the rows.

        It is the entropy of their classes over the largest possible one: 0 is one class alone, 1 all classes
        alike. Two titles of average class are added to each feature, so that few titles say little.
        """
        counts = np.bincount(classes)
        prior = np.full(len(counts), _ADDED) * counts / max(1, len(classes))
        out = np.zeros(self.width, dtype=np.float32)
        if np.count_nonzero(counts) > 1:
            _spread(self.arrays, classes, prior, out)
            out /= np.log(np.count_nonzero(counts))
        return out

    def squares(self) -> NDArray[np.float32]:
        """Return (N,) the squared length of each row."""
        out = np.zeros(len(self), dtype=np.float32)
        _squares(self.starts, self.stops, self.values, out)
        return out

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """What the compiled loops read and write."""
        return self.starts, self.stops, self.features, self.values


def encode_texts(column: pa.ChunkedArray | pa.Array) -> Texts:
    """Turn a string column into normalised code points; a missing text is an empty one."""
    text = pc.utf8_lower(pc.utf8_normalize(pc.fill_null(column.cast(pa.string()), ""), form="NFKC"))
    text = pc.replace_substring_regex(text, pattern=r"\s+", replacement=" ")
    lengths = pc.utf8_length(text).to_numpy().astype(np.int64)
    joined = "".join(text.to_pylist()).encode("utf-32-le", errors="replace")
    return Texts(np.frombuffer(joined, dtype=np.uint32), np.concatenate([[0], np.cumsum(lengths)]))


@numba.njit(cache=True)
def _squares(starts: Any, stops: Any, values: Any, out: Any) -> None:
    for row in range(len(starts)):
        for place in range(starts[row], stops[row]):
            out[row] += values[place] * values[place]


@numba.njit(cache=True)
def _weigh(starts: Any, stops: Any, features: Any, values: Any, weights: Any) -> None:
    for row in range(len(starts)):
        square = np.float32(0.0)
        for place in range(starts[row], stops[row] - 1):
            values[place] *= weights[features[place]]
            square += values[place] * values[place]
        if square > 0:
            values[starts[row] : stops[row] - 1] /= np.sqrt(square)


@numba.njit(cache=True)
def _by_feature(sparse: Any, classes: Any, width: int) -> Any:
    """Return the classes of the rows that have each feature, behind each other, and where each begins."""
    starts, stops, features, _ = sparse
    firsts = np.zeros(width + 1, dtype=np.int64)
    for row in range(len(starts)):
        for place in range(starts[row], stops[row]):
            firsts[features[place] + 1] += 1
    firsts = np.cumsum(firsts)
    grouped, at = np.empty(firsts[-1], dtype=np.int32), firsts.copy()
    for row in range(len(starts)):
        for place in range(starts[row], stops[row]):
            grouped[at[features[place]]] = classes[row]
            at[features[place]] += 1
    return grouped, firsts


@numba.njit(cache=True)
def _spread(sparse: Any, classes: Any, prior: Any, out: Any) -> None:
    """Write the entropy (nats) of the classes of each feature's rows, `prior` (C,) titles being added."""
    grouped, firsts = _by_feature(sparse, classes, len(out))
    counts, sums = prior.copy(), 0.0
    for count in prior:
        sums += count * np.log(count) if count > 0 else 0.0
    for feature in range(len(out)):
        own = grouped[firsts[feature] : firsts[feature + 1]]
        for one in own:
            counts[one] += 1.0
        change = 0.0  # of the sum of n log n, at the classes that occur; each is taken back when it is met
        for one in own:
            if counts[one] != prior[one]:
                change += counts[one] * np.log(counts[one]) - prior[one] * np.log(prior[one])
                counts[one] = prior[one]
        total = len(own) + _ADDED
        out[feature] = np.log(total) - (sums + change) / total


@numba.njit(cache=True, inline="always")
def _bucket(state: np.uint64, shift: np.uint64) -> np.int64:
    state ^= state >> np.uint64(30)
    state *= _MIX
    state ^= state >> np.uint64(27)
    state *= _MULTIPLIER
    return np.int64(state >> shift)


@numba.njit(cache=True, inline="always")
def _separates(point: Any) -> Any:
    """Whether a code point ends a word: white space and ASCII punctuation."""
    if point >= 128:
        return point == 0x3000 or 0x3001 <= point <= 0x3011
    return not (48 <= point <= 57 or 97 <= point <= 122 or 65 <= point <= 90)


@numba.njit(cache=True)
def _grams(points: Any, plan: Any, out: Any) -> Any:
    """Write the bucket of every n-gram of one text into `out` and return how many there are.

    A text without a sign has none: the marks around it would be a bigram that every missing text shares.
    """
    low, high, words, shift = plan
    count = 0
    length = points.shape[0] + 2 if points.shape[0] else 0
    for begin in range(length):
        state = np.uint64(1469598103934665603)
        for size in range(1, min(high, length - begin) + 1):
            place = begin + size - 1
            point = np.uint64(_START if place == 0 else _END if place == length - 1 else points[place - 1])
            state = (state ^ point) * _MULTIPLIER + np.uint64(size)
            if size >= low and not (size == 1 and (place == 0 or place == length - 1)):
                out[count] = _bucket(state, shift)
                count += 1
    return _words(points, words, shift, out, count)


@numba.njit(cache=True)
def _words(points: Any, words: int, shift: Any, out: Any, count: int) -> int:
    """Write the buckets of the words, and of the word pairs where `words` is 2; return the new count."""
    before = np.uint64(0)
    state = np.uint64(0)
    for place in range(points.shape[0] + 1 if words > 0 else 0):
        if place < points.shape[0] and not _separates(points[place]):
            state = (state ^ np.uint64(points[place])) * _MIX + np.uint64(77)
        elif state != 0:
            out[count] = _bucket(state, shift)
            count += 1
            if words > 1 and before != 0:
                out[count] = _bucket((before * _MULTIPLIER) ^ state, shift)
                count += 1
            before, state = state, np.uint64(0)
    return count


def occurrences(points: NDArray[np.uint32], vocabulary: GramVocabulary) -> NDArray[np.int64]:
    """Return (M, 3) for one text: the feature of every n-gram that is known, its begin and its end.

    Places count the code points of the text from 1: 0 is the mark before it, and the one after it comes last.
    """
    buckets = np.empty((len(points) + 2) * (vocabulary.grams.high + 2), dtype=np.int64)
    buckets = buckets[: _grams(points, vocabulary.grams.plan, buckets)]
    spans = np.array(list(_spans(points, vocabulary.grams)), dtype=np.int64).reshape(-1, 2)
    features = vocabulary.feature_of[buckets]
    return np.column_stack([features, spans])[features >= 0]


def _spans(points: NDArray[np.uint32], grams: Grams) -> Iterator[tuple[int, int]]:
    """Yield begin and end of the n-grams of a text in the order in which `_grams` writes them."""
    length = len(points) + 2 if len(points) else 0
    for begin in range(length):
        for size in range(grams.low, min(grams.high, length - begin) + 1):
            if size > 1 or 0 < begin < length - 1:
                yield begin, begin + size
    before = begun = -1
    for place in range(len(points) + 1 if grams.words else 0):
        if place < len(points) and not _separates(points[place]):
            begun = place if begun < 0 else begun
        elif begun >= 0:
            yield begun + 1, place + 1
            if grams.words > 1 and before >= 0:
                yield before + 1, place + 1
            before, begun = begun, -1


@numba.njit(cache=True)
def _sorted_grams(texts: Any, row: int, plan: Any) -> Any:
    """Return the buckets of one text, ascending, repeated as often as the n-gram occurs."""
    points, offsets = texts
    text = points[offsets[row] : offsets[row + 1]]
    grams = np.empty((len(text) + 2) * (plan[1] + 2), dtype=np.int64)
    ranked = grams[: _grams(text, plan, grams)]
    ranked.sort()
    return ranked


@numba.njit(cache=True)
def _count_part(texts: Any, rows: Any, plan: Any, counts: Any) -> None:
    for row in rows:
        ranked = _sorted_grams(texts, row, plan)
        for place in range(len(ranked)):
            if place == 0 or ranked[place] != ranked[place - 1]:
                counts[ranked[place]] += 1


@numba.njit(cache=True, parallel=True)
def _count_documents(texts: Any, rows: Any, plan: Any, counts: Any) -> None:
    """Count in `counts` (parts, buckets) in how many texts of each part every bucket occurs."""
    parts, total = len(counts), len(rows)
    for part in numba.prange(parts):
        _count_part(texts, rows[part * total // parts : (part + 1) * total // parts], plan, counts[part])


@numba.njit(cache=True)
def _fill_row(ranked: Any, known: Any, features: Any, values: Any) -> int:
    """Write the features, tf-idf values of unit length, then the constant feature; return how many."""
    feature_of, idf = known
    write, place = 0, 0
    square = 0.0
    while place < len(ranked):
        first = place
        while place < len(ranked) and ranked[place] == ranked[first]:
            place += 1
        feature = feature_of[ranked[first]]
        if feature >= 0:
            value = (1.0 + np.log(np.float64(place - first))) * idf[feature]
            features[write], values[write] = feature, value
            square += value * value
            write += 1
    if square > 0:
        values[:write] /= np.sqrt(square)
    features[write], values[write] = len(idf), _CONSTANT
    return write + 1


@numba.njit(cache=True, parallel=True)
def _fill_rows(
    texts: Any, rows: Any, plan: Any, known: Any, starts: Any, stops: Any, features: Any, values: Any
) -> None:
    # arrays that a parallel loop writes must be arguments: numba loses what is written through a tuple
    for at in numba.prange(len(rows)):
        begin = starts[at]
        ranked = _sorted_grams(texts, rows[at], plan)
        stops[at] = begin + _fill_row(ranked, known, features[begin:], values[begin:])


@dataclass(frozen=True)
class Grams:
    """Character n-grams of `low` to `high`, words up to runs of `words`, hashed into 2 ** `bits` buckets."""

    low: int
    high: int
    words: int
    bits: int

    @property
    def plan(self) -> tuple[int, int, int, np.uint64]:
        """What the compiled loops read."""
        return self.low, self.high, self.words, np.uint64(64 - self.bits)


@dataclass(frozen=True)
class GramVocabulary:
    """Which buckets are features, and what one occurrence of each is worth.

    `feature_of` (2 ** bits,) gives the feature of a bucket or -1; `idf` (V,) is ln((1 + N) / (1 + n)) + 1,
    times what the training made of it (`weighed`).
    """

    grams: Grams
    feature_of: NDArray[np.int32]
    idf: NDArray[np.float32]

    def __len__(self) -> int:
        """The number of features: those of `idf`, and after them the constant one."""
        return len(self.idf) + 1

    @classmethod
    def fit(
        cls, texts: Texts, rows: NDArray[np.int64], grams: Grams, least: int, most: int
    ) -> GramVocabulary:
        """Keep the buckets that occur in at least `least` of the chosen texts.

        Where more than `most` do, those in the most texts are kept.
        """
        counts = np.zeros((numba.get_num_threads(), 1 << grams.bits), dtype=np.int32)
        _count_documents((texts.points, texts.offsets), rows, grams.plan, counts)
        documents = counts.sum(axis=0)
        kept = np.flatnonzero(documents >= least)
        if len(kept) > most:
            kept = np.sort(kept[np.argsort(-documents[kept], kind="stable")[:most]])
        feature_of = np.full(1 << grams.bits, -1, dtype=np.int32)
        feature_of[kept] = np.arange(len(kept), dtype=np.int32)
        idf = np.log((1 + len(rows)) / (1 + documents[kept])) + 1
        return cls(grams, feature_of, idf.astype(np.float32))

    def weighed(self, weights: NDArray[np.float32]) -> GramVocabulary:
        """Return the same features, each worth `weights` (V,) times as much; see `Rows.weigh`."""
        return GramVocabulary(self.grams, self.feature_of, self.idf * weights[: len(self.idf)])

    def rows(self, texts: Texts, rows: NDArray[np.int64]) -> Rows:
        """Return the sparse rows of the chosen texts; memory is that of these rows only."""
        lengths = texts.offsets[rows + 1] - texts.offsets[rows]
        ends = np.cumsum((lengths + 2) * (self.grams.high + 2))
        starts = ends - (lengths + 2) * (self.grams.high + 2)
        total = int(ends[-1]) if len(ends) else 0
        stops = np.zeros(len(rows), dtype=np.int64)
        features, values = np.empty(total, dtype=np.int32), np.empty(total, dtype=np.float32)
        encoded = Rows(starts, stops, features, values, len(self))
        points = (texts.points, texts.offsets)
        _fill_rows(points, rows, self.grams.plan, (self.feature_of, self.idf), *encoded.arrays)
        return encoded

    def all_rows(self, texts: Texts, rows: NDArray[np.int64]) -> Rows:
        """Return the sparse rows of the chosen texts, without gaps between them."""
        chunks = range(0, len(rows), _CHUNK)
        packed = [self.rows(texts, rows[first : first + _CHUNK]).packed() for first in chunks]
        ends = np.cumsum(
            np.concatenate([[0], *(part.stops - part.starts for part in packed)]), dtype=np.int64
        )
        features = np.concatenate([np.zeros(0, dtype=np.int32), *(part.features for part in packed)])
        values = np.concatenate([np.zeros(0, dtype=np.float32), *(part.values for part in packed)])
        return Rows(ends[:-1], ends[1:], features, values, len(self))
