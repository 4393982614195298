"""The paper's two similarities, for all pairs at once (equations 1 and 2), and texts near each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from unicodedata import category

import numpy as np
import numpy.typing as npt
from scipy import sparse

from mep3m.segmenter import segmenter
from mep3m.settings.align import ContentSettings

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

#: cells of one block of the upper bound: 64 MB as float32
BLOCK_CELLS = 16_000_000


def label_similarity(left: str, right: str) -> float:
    """Return S_label = 2·M/T (equation 1), exactly difflib's ratio of the two names in this order."""
    from cydifflib import SequenceMatcher

    return float(SequenceMatcher(None, left, right).ratio())


def name_pairs(
    left: Sequence[str], right: Sequence[str], threshold: float
) -> Iterator[tuple[Ints, Ints, Floats]]:
    """Yield (left index, right index, S_label) of the pairs with S_label ≥ threshold; no name stands twice.

    The values are those of `difflib.SequenceMatcher(None, left, right).ratio()`, order and autojunk
    included: difflib's matching blocks are a common subsequence, so its M is at most the length of
    the longest one, and rapidfuzz's indel similarity 2·LCS/T bounds the ratio from above. Only
    pairs whose bound reaches the threshold are computed. Memory: one block of the bound and the
    pairs found in it.
    """
    for start, rows, columns in _candidates(left, right, threshold):
        rows += start
        ratios = _ratios(left, right, rows, columns)
        enough = ratios >= threshold
        yield rows[enough], columns[enough], ratios[enough]


def _candidates(
    left: Sequence[str], right: Sequence[str], threshold: float
) -> Iterator[tuple[int, Ints, Ints]]:
    """Yield (first row, rows in the block, columns) of the pairs whose upper bound is high enough."""
    from rapidfuzz.distance import Indel
    from rapidfuzz.process import cdist

    if not left or not right:
        return
    step = max(1, BLOCK_CELLS // len(right))
    for start in range(0, len(left), step):
        bound = cdist(
            left[start : start + step],
            right,
            scorer=Indel.normalized_similarity,
            score_cutoff=max(threshold - 1e-6, 1e-9),
            dtype=np.float32,
        )
        rows, columns = np.nonzero(bound.T)
        yield start, columns.astype(np.int64), rows.astype(np.int64)


def _ratios(left: Sequence[str], right: Sequence[str], rows: Ints, columns: Ints) -> Floats:
    """Return the exact ratio of each pair; `columns` comes sorted, so each right name is indexed once."""
    from cydifflib import SequenceMatcher

    matcher = SequenceMatcher(None, "", "")
    ratios = np.empty(len(rows), dtype=np.float64)
    last = -1
    for position, (row, column) in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        if column != last:
            matcher.set_seq2(right[column])
            last = column
        matcher.set_seq1(left[row])
        ratios[position] = matcher.ratio()
    return ratios


def content_vectors(texts: Sequence[Sequence[str]], settings: ContentSettings) -> sparse.csr_matrix:
    """Return the unit-length term-frequency vectors (n, terms) of n categories' titles.

    `texts[i]` are the titles of category i; they are joined by a space and cut after
    `settings.characters`. The product of two rows is S_content (equation 2); a category without
    titles has a zero row.
    """
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.preprocessing import normalize

    joined = [" ".join(titles)[: settings.characters] for titles in texts]
    if not any(text.strip() for text in joined):
        return sparse.csr_matrix((len(joined), 1))
    vectorizer = CountVectorizer(analyzer=_analyzer(settings), binary=settings.binary, dtype=np.float64)
    try:
        return normalize(vectorizer.fit_transform(joined)).tocsr()
    except ValueError:  # sklearn's word for: no text holds a term
        return sparse.csr_matrix((len(joined), 1))


def words(text: str) -> list[str]:
    """Return the jieba words of a text, lower case, without punctuation and spaces."""
    return [word for word in segmenter().lcut(text.lower()) if any(mark.isalnum() for mark in word)]


def is_mark(character: str) -> bool:
    """Say whether a character is a mark on or beside a letter: an accent, a vowel sign, a tone."""
    return category(character) in ("Mn", "Mc") and not _is_variation(character)


def _is_variation(character: str) -> bool:
    """Say whether a character chooses the look of the one before it, as text or as a picture."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _long_words(text: str) -> list[str]:
    """Return the words of at least two characters: simtext counts no others."""
    return [word for word in words(text) if len(word) > 1]


def _analyzer(settings: ContentSettings) -> object:
    if settings.tokens == "words":
        return _long_words if settings.binary else words
    length = 1 if settings.tokens == "characters" else settings.ngram

    def grams(text: str) -> list[str]:
        marks = "".join(
            mark for mark in text.lower() if mark.isalnum() or mark == " " or category(mark) in ("Mn", "Mc")
        )
        windows = (marks[start : start + length] for start in range(len(marks) - length + 1))
        return [gram for gram in windows if " " not in gram]

    return grams


def content_pairs(left: sparse.csr_matrix, right: sparse.csr_matrix, rows: Ints, columns: Ints) -> Floats:
    """Return S_content of the categories left[rows[k]] and right[columns[k]]; both have the same terms."""
    values = np.zeros(len(rows))
    for start in range(0, len(rows), 4096):
        part = slice(start, start + 4096)
        values[part] = np.asarray(left[rows[part]].multiply(right[columns[part]]).sum(axis=1)).ravel()
    return values


def nearest(
    vectors: sparse.csr_matrix, others: sparse.csr_matrix, most: int
) -> tuple[Ints, npt.NDArray[np.float32]]:
    """Return (places, cosines), both (texts, k), of each text's k nearest ones in `others`, in no order.

    Rows have length 1; k is `most`, or all where there are fewer.
    """
    k = min(most, others.shape[0])
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
