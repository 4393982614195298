"""What a category tree says in words: names in comparable form, their terms, parents and siblings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy import sparse

from mep3m.alignment.records import Side
from mep3m.alignment.similarity import Ints, is_mark

#: signs that are written without spaces between words: Han, kana and their marks of repetition and length
_HAN_KANA = (
    r"\u3005-\u3007\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    r"\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
CJK = re.compile(f"[{_HAN_KANA}]")
_TOKENS = re.compile(f"[{_HAN_KANA}]+|(?:[a-z0-9]|[^\x00-\x7f{_HAN_KANA}])+")
#: names of these signs and of ASCII alone need no look at each character
_PLAIN_SIGNS = re.compile(r"[\x00-\x7f\u3400-\u9fff]*")
#: zero-width joiners and the Arabic sign that stretches a word: how a word is set, not which word it is
_SHAPING = dict.fromkeys(map(ord, "\u200c\u200d\u0640"))
_SEGMENTS = re.compile(
    r"[/、,，;；|&()（）\[\]【】·+]|\band\b|\bor\b|(?<=[\u3400-\u9fff])[与和及或](?=[\u3400-\u9fff])"
)
_GAP = re.compile(f"(?<=[{_HAN_KANA}]) (?=[{_HAN_KANA}])")
_EMPTY_WORDS = frozenset({"and", "or", "of", "the", "for", "in", "with", "a", "to", "other"})
#: answers about two names that are remembered; a tuple of numbers each, so few enough to weigh little
REMEMBERED = 65_536
#: names are written in English where fewer than this share of a side's names holds a Chinese character
CHINESE_SHARE = 0.2


@lru_cache(maxsize=200_000)
def plain(name: str) -> str:
    """Return a name in comparable form: NFKC, lower case, only letters (with their marks) and digits.

    Words stand apart. Chinese and Japanese are written without spaces, so that '拖鞋/人字拖' and
    '拖鞋人字拖' are the same. A mark is a part of its letter in every script: Bâches is not Bûches.
    """
    return _GAP.sub("", " ".join(_words(_normal(name))))


def _normal(name: str) -> str:
    """Return NFKC in lower case; normalised again, because lower case may split a letter from its mark."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).lower())


def _words(text: str) -> list[str]:
    if not _PLAIN_SIGNS.fullmatch(text):
        text = "".join(map(_letter_or_space, text.translate(_SHAPING)))
    return [
        stem(token)
        for token in _TOKENS.findall(text)
        if token not in _EMPTY_WORDS and (token.isascii() or any(map(str.isalnum, token)))
    ]


def _letter_or_space(character: str) -> str:
    return character if character < "\x80" or character.isalnum() or is_mark(character) else " "


def stem(word: str) -> str:
    """Return an English word without its plural ending; anything else as it is."""
    if len(word) < 4 or not word.isascii() or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("xes", "ches", "shes", "sses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") else word


@lru_cache(maxsize=200_000)
def segments(name: str) -> tuple[str, ...]:
    """Return the plain names that a name joins: '饮料/饮品' and 'Salt & Pepper' are two each."""
    parts = _SEGMENTS.split(_normal(name))
    return tuple(dict.fromkeys(part for raw in parts if (part := plain(raw))))


def terms(text: str) -> tuple[str, ...]:
    """Return the terms of a plain text: words and their trigrams, or 1-3-grams of characters.

    Scripts with upper and lower case (Latin, Greek, Cyrillic, Armenian) are written in words; in others
    (Han, kana, Thai, Hangul) a word is short or has no end.
    """
    grams: list[str] = []
    for token in text.split():
        if token.isascii() or token != token.upper():
            grams.append("w:" + token)
            edged = f"^{token}$"
            grams += [edged[i : i + 3] for i in range(len(edged) - 2)]
        else:
            grams += [token[i : i + n] for n in (1, 2, 3) for i in range(len(token) - n + 1)]
    return tuple(grams)


@dataclass(frozen=True)
class Tree:
    """One side's tree in comparable words; index i is the side's i-th entry.

    `names[v][i]` are the raw names from the root down in language view v. `parent[i]` is the index
    of the parent's own row (-1: it has none), `siblings[i]` the number of the group of entries with
    the same parent path.
    """

    side: Side
    names: tuple[tuple[tuple[str, ...], ...], ...]
    parent: Ints
    siblings: Ints
    children: list[list[int]] = field(repr=False)
    foreign: bool = False

    def leaf(self, i: int) -> str:
        """Return the entry's own names in all views, in plain form."""
        return " ".join(name for name in self.own_names(i) if name)

    def own_names(self, i: int) -> list[str]:
        """Return the entry's own names in every view, in plain form."""
        return [plain(view[i][-1]) if view[i] else "" for view in self.names]

    def ancestors(self, i: int) -> str:
        """Return the names above the entry in all views, in plain form."""
        return " ".join(plain(name) for view in self.names for name in view[i][:-1])


def trees(left: Side, right: Side) -> tuple[Tree, Tree]:
    """Return both sides' trees, with names in the languages that both sides have.

    Where they share no language only what the names mean can be compared.
    """
    views = [_languages(side) for side in (left, right)]
    shared = [language for language in ("zh", "en") if language in views[0] and language in views[1]]
    chosen = [
        tuple(view[language] for language in shared) if shared else (next(iter(view.values())),)
        for view in views
    ]
    return _tree(left, chosen[0], not shared), _tree(right, chosen[1], not shared)


def _languages(side: Side) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return the names of every entry by language."""
    own = tuple(entry.path for entry in side)
    chinese = sum(bool(CJK.search(entry.name)) for entry in side) >= CHINESE_SHARE * len(side)
    names = {"zh" if chinese else "en": own}
    if chinese and any(entry.path_en for entry in side):
        names["en"] = tuple(entry.path_en for entry in side)
    return names


def _tree(side: Side, names: tuple[tuple[tuple[str, ...], ...], ...], foreign: bool) -> Tree:
    places: dict[tuple[str, ...], int] = {}
    for i in sorted(
        range(len(side)), key=lambda i: side.entries[i].id
    ):  # of equal paths the same one in any order
        places.setdefault(side.entries[i].path, i)
    parent = np.array([places.get(entry.path[:-1], -1) for entry in side], dtype=np.int64)
    groups: dict[tuple[str, ...], int] = {}
    siblings = np.array([groups.setdefault(entry.path[:-1], len(groups)) for entry in side], dtype=np.int64)
    children: list[list[int]] = [[] for _ in side.entries]
    for i, above in enumerate(parent.tolist()):
        if above >= 0 and above != i:
            children[above].append(i)
    return Tree(side, names, parent, siblings, children, foreign)


@dataclass(frozen=True)
class Bags:
    """Unit-length tf-idf vectors of both sides over one vocabulary: left (n, terms), right (m, terms)."""

    left: sparse.csr_matrix
    right: sparse.csr_matrix
    idf: np.ndarray

    def cosine(self, rows: Ints, columns: Ints) -> np.ndarray:
        """Return the cosine of the pairs (rows[k], columns[k]); NaN where a side is empty."""
        value = _row_dots(self.left, self.right, rows, columns)
        empty = (np.diff(self.left.indptr) == 0)[rows] | (np.diff(self.right.indptr) == 0)[columns]
        return np.where(empty, np.nan, value).astype(np.float32)


def _row_dots(left: sparse.csr_matrix, right: sparse.csr_matrix, rows: Ints, columns: Ints) -> np.ndarray:
    values = np.zeros(len(rows), dtype=np.float32)
    for start in range(0, len(rows), 65_536):
        part = slice(start, start + 65_536)
        values[part] = np.asarray(left[rows[part]].multiply(right[columns[part]]).sum(axis=1)).ravel()
    return values


def characters(text: str) -> list[str]:
    """Return every character 1-3-gram of a text as it stands."""
    return [text[i : i + n] for n in (1, 2, 3) for i in range(len(text) - n + 1)]


def bags(
    left: Sequence[str], right: Sequence[str], *, analyzer: Callable[[str], Sequence[str]] = terms
) -> Bags:
    """Return tf-idf vectors of both sides' texts, over the terms that `analyzer` finds in both together.

    Every text is cut once: long paths have hundreds of terms, which are not kept.
    """
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    try:
        counts = CountVectorizer(dtype=np.float32, analyzer=analyzer).fit_transform([*left, *right])
    except ValueError:  # sklearn's word for: no text holds a term
        empty = [sparse.csr_matrix((len(side), 1), dtype=np.float32) for side in (left, right)]
        return Bags(empty[0], empty[1], np.zeros(1))
    counts.sort_indices()  # sums of floats hang on their order
    weighted = TfidfTransformer(sublinear_tf=analyzer is not characters).fit(counts)
    vectors = weighted.transform(counts, copy=False)
    return Bags(vectors[: len(left)], vectors[len(left) :], weighted.idf_)


def coverage(
    inner: sparse.csr_matrix, outer: sparse.csr_matrix, idf: np.ndarray, rows: Ints, columns: Ints
) -> np.ndarray:
    """Return, per pair, which share (0 to 1, by idf) of the inner text's terms the outer text has."""
    weights = sparse.csr_matrix((idf[inner.indices], inner.indices, inner.indptr), shape=inner.shape)
    present = sparse.csr_matrix((np.ones_like(outer.data), outer.indices, outer.indptr), shape=outer.shape)
    mass = np.asarray(weights.sum(axis=1)).ravel()[rows]
    shared = _row_dots(weights.astype(np.float32), present.astype(np.float32), rows, columns)
    share: np.ndarray = np.where(mass > 0, shared / np.maximum(mass, 1e-9), np.nan).astype(np.float32)
    return share


#: what `compare_names` returns, in this order
COMPARED = (
    "same", "ratio", "segment", "segments_l", "segments_r", "head", "head2", "inside_l", "inside_r", "length",
)  # fmt: skip
UNKNOWN = (np.nan,) * len(COMPARED)


def unknown(count: int) -> np.ndarray:
    """Return the feature (count,) of pairs of which nobody knows it: read-only, and without memory."""
    return np.broadcast_to(np.float32(np.nan), count)


def is_unknown(values: np.ndarray) -> bool:
    """Tell whether a feature was made by `unknown`."""
    return not values.flags.writeable


@lru_cache(maxsize=REMEMBERED)
def compare_names(left: str, right: str) -> tuple[float, ...]:
    """Return the features of two names of one language, see `COMPARED`."""
    from cydifflib import SequenceMatcher
    from rapidfuzz.distance import Indel

    one, other = plain(left), plain(right)
    if not one or not other:
        return UNKNOWN
    ratio = max(SequenceMatcher(None, one, other).ratio(), SequenceMatcher(None, other, one).ratio())
    ours, theirs = segments(left), segments(right)
    table = [[Indel.normalized_similarity(a, b) for b in theirs] for a in ours] or [[ratio]]
    best_l = [max(row) for row in table]
    best_r = [max(column) for column in zip(*table, strict=True)]
    last, last_other = one.split()[-1], other.split()[-1]
    if not (CJK.search(one) and CJK.search(other)):
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


def _above(tree: Tree, i: int, view: int, step: int) -> str:
    path = tree.names[view][i]
    return path[step] if -len(path) <= step < len(path) and len(path) > 1 else ""


def parent_ratio(left: Tree, right: Tree, rows: Ints, columns: Ints) -> np.ndarray:
    """Return the similarity of the names directly above, NaN at the first level."""
    return _level_ratio(left, right, rows, columns, step=-2)


def root_ratio(left: Tree, right: Tree, rows: Ints, columns: Ints) -> np.ndarray:
    """Return the similarity of the first-level names."""
    return _level_ratio(left, right, rows, columns, step=0)


def _level_ratio(left: Tree, right: Tree, rows: Ints, columns: Ints, step: int) -> np.ndarray:
    values = np.full(len(rows), np.nan, np.float32)
    for view in range(len(left.names)):
        ours = [_above(left, i, view, step) for i in range(len(left.side))]
        theirs = [_above(right, j, view, step) for j in range(len(right.side))]
        ratios = [
            _name_ratio(ours[i], theirs[j]) if ours[i] and theirs[j] else np.nan
            for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        ]
        values = np.fmax(values, np.array(ratios, np.float32))
    return values


@lru_cache(maxsize=REMEMBERED)
def _name_ratio(left: str, right: str) -> float:
    from rapidfuzz.distance import Indel

    ours, theirs = segments(left), segments(right)
    whole = Indel.normalized_similarity(plain(left), plain(right))
    return max([whole, *(Indel.normalized_similarity(a, b) for a in ours for b in theirs)])
