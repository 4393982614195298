"""Which pieces of a title carried an answer, and whether one word decides it.

A title is cut into words. For a linear model, what each word adds to the lead of the answer over the next
best category is exact: the lead is the sum over all n-grams of value times difference of weights, and each
n-gram is divided evenly among the characters that it lies on. For any model, an answer without one word is
what the model says of the title that lacks it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.classifier import LinearClassifier
from mep3m.models.linear.ngrams import Rows, Texts, encode_texts, occurrences
from mep3m.segmenter import segmenter

#: words as they are written with spaces, numbers, and runs of Chinese characters, which `cut` divides
_WORDS = re.compile(r"[㐀-鿿豈-﫿]+|[^\W㐀-鿿豈-﫿]+")


class Piece(NamedTuple):
    """A word of a title, from `begin` to `end`."""

    text: str
    begin: int
    end: int


def cut(title: str) -> list[Piece]:
    """Return the words of a title, in order; Chinese is divided by the dictionary of jieba."""
    found = []
    for match in _WORDS.finditer(title):
        parts = segmenter().lcut(match[0]) if "㐀" <= match[0][0] <= "\ufaff" else [match[0]]
        begin = match.start()
        for part in parts:
            found.append(Piece(part, begin, begin + len(part)))
            begin += len(part)
    return found


def without(title: str, piece: Piece) -> str:
    """Return the title without one of its words."""
    return f"{title[: piece.begin]} {title[piece.end :]}".strip()


@dataclass(frozen=True)
class Carriers:
    """What the words of some titles add to the scores of a linear model."""

    model: LinearClassifier
    titles: Sequence[str | None]

    @cached_property
    def _texts(self) -> Texts:
        return encode_texts(pa.array(self.titles, pa.string()))

    @cached_property
    def _rows(self) -> Rows:
        return self.model.vocabulary.all_rows(self._texts, np.arange(len(self._texts)))

    def leads(
        self, number: int, answer: int, rival: int, pieces: Sequence[Piece]
    ) -> tuple[NDArray[np.float64], float]:
        """Return (P,) what each word of a title adds to the lead of `answer` over `rival`, and what is left.

        `answer` and `rival` are nodes of one level. The sum of all is the difference of their scaled scores
        (a name-level head is left out); what is left belongs to constants and to characters outside words.
        """
        model, rows = self.model, self._rows
        mine = slice(int(rows.starts[number]), int(rows.stops[number]))
        features, values = rows.features[mine], rows.values[mine]
        weights = model.weights[features]
        terms = values * (weights[:, answer] * model.scale[answer] - weights[:, rival] * model.scale[rival])
        worth = dict(zip(features.tolist(), terms.tolist(), strict=True))
        left = worth.pop(len(model.vocabulary) - 1, 0.0) + float(model.bias[answer] - model.bias[rival])
        text = self._texts.points[self._texts.offsets[number] : self._texts.offsets[number + 1]]
        found = occurrences(text, model.vocabulary)
        often = np.bincount(found[:, 0], minlength=1)
        spread = np.zeros(len(text) + 2)
        for feature, begin, end in found.tolist():
            spread[begin:end] += worth[feature] / often[feature] / (end - begin)
        places = _places(str(self.titles[number]), len(text))
        each = np.array([spread[places[piece.begin] : places[piece.end]].sum() for piece in pieces])
        return each, left + float(spread.sum() - each.sum())


def _places(title: str, points: int) -> list[int]:
    """Return where each character of a title begins among its normalised code points; place 0 is the mark.

    Normalising may make one character several, or several one.
    """
    if len(title) == points:
        return list(range(1, points + 2))
    ends = encode_texts(pa.array([title[:end] for end in range(len(title) + 1)])).offsets
    return [int(min(length, points)) + 1 for length in np.diff(ends)]


def pair_at_one_level(tree: LabelTree, answer: int, rival: int) -> tuple[int, int]:
    """Return the nodes above (or at) two leaves where their paths part."""
    for mine, other in zip(tree.ancestors[answer].tolist(), tree.ancestors[rival].tolist(), strict=True):
        if mine != other and mine >= 0 and other >= 0:
            return mine, other
    return answer, rival
