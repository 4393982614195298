"""Why a product got its answer: words that carried it, training products like it, what one word decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.arrays import Floats
from mep3m.assignment.reasons.examples import TrainingExamples
from mep3m.assignment.reasons.pieces import Carriers, Piece, cut, pair_at_one_level, without
from mep3m.dataset.readable import hide_unreadable
from mep3m.label_tree.probabilities import make_coherent, top_paths
from mep3m.label_tree.tree import LabelPath
from mep3m.models.classifier import Classifier
from mep3m.models.linear.classifier import LinearClassifier
from mep3m.store.images import Images
from mep3m.taxonomy import PATH_SEPARATOR, Taxonomy

#: words that are told, words that are left out to see what becomes of the answer, training products told
TOLD, TRIED, NEAREST = 3, 4, 3


@dataclass(frozen=True)
class AnswerReasons:
    """What explains the answers of a classifier."""

    classifier: Classifier
    taxonomy: Taxonomy | None = None
    examples: TrainingExamples | None = None

    def why(self, products: pa.Table, images: Images | None, proba: Floats) -> list[dict[str, Any]]:
        """Return for each row, with its coherent (N, C) `proba`, JSON values.

        `words`: the words of the title that speak most for the most probable path, each with its `share`
        of what speaks for it, largest first. `exact` says that they are the terms of the model's own sum;
        else they are by how much less probable the path is without the word. `nearest`: training products of
        that category with the likeness of their titles. `without`: the word that decides, and the path that
        the product would get without it; `None` where no single word does.
        """
        best, _ = top_paths(self.classifier.tree, proba, 2)
        titles = products["title"].to_pylist() if "title" in self.classifier.reads else [None] * len(best)
        cuts = [cut(title) if title else [] for title in titles]
        carried = self._leads(titles, cuts, best)
        tried = [
            np.argsort(-np.array(lead), kind="stable")[:TRIED] if lead is not None else np.arange(len(pieces))
            for lead, pieces in zip(carried, cuts, strict=True)
        ]
        changed = self._left_out(products, images, titles, cuts, tried)
        near = self._nearest(products["title"], best[:, 0])
        found, at = [], 0
        for row, places in enumerate(tried):
            rest = changed[at : at + len(places)]
            at += len(places)
            lead, answer = carried[row], int(best[row, 0])
            exact = lead is not None
            if lead is None:
                lead = [float(proba[row, answer] - one[answer]) for one in rest]
            found.append(
                {
                    "words": _told(cuts[row], lead),
                    "exact": exact,
                    "nearest": near[row],
                    "without": self._deciding([cuts[row][place] for place in places], rest, answer),
                }
            )
        return found

    def _leads(
        self, titles: Sequence[str | None], cuts: Sequence[list[Piece]], best: NDArray[np.int32]
    ) -> Sequence[list[float] | None]:
        """Return the exact lead that each word adds; `None` for a model that is no plain sum over n-grams."""
        model = self.classifier
        if not isinstance(model, LinearClassifier) or model.details.get("ocr") or best.shape[1] < 2:
            return [None] * len(cuts)
        carriers, found = Carriers(model, titles), []
        for number, pieces in enumerate(cuts):
            pair = pair_at_one_level(model.tree, int(best[number, 0]), int(best[number, 1]))
            found.append(carriers.leads(number, *pair, pieces)[0].tolist() if pieces else [])
        return found

    def _left_out(
        self,
        products: pa.Table,
        images: Images | None,
        titles: Sequence[str | None],
        cuts: Sequence[list[Piece]],
        tried: Sequence[NDArray[np.int64]],
    ) -> Floats:
        """Return the probabilities of each row once for each word that is left out of its title."""
        rows = [row for row, places in enumerate(tried) for _ in places]
        shorter = [
            without(str(titles[row]), cuts[row][place])
            for row, places in enumerate(tried)
            for place in places
        ]
        if not rows:
            return np.zeros((0, len(self.classifier.tree)), dtype=np.float32)
        asked = products.take(pa.array(rows))
        place = asked.column_names.index("title")
        asked = asked.set_column(place, asked.schema.field("title"), pa.array(shorter, pa.string()))
        prediction = self.classifier.predict(hide_unreadable(asked), images)
        return make_coherent(self.classifier.tree, prediction.proba)

    def _deciding(self, pieces: Sequence[Piece], rest: Floats, answer: int) -> dict[str, Any] | None:
        tree = self.classifier.tree
        for piece, proba in zip(pieces, rest, strict=True):
            other = int(tree.leaves[proba[tree.leaves].argmax()])
            if other != answer:
                path = tree.paths[other]
                return {
                    "text": piece.text,
                    "path": path,
                    "names": self._names(path),
                    "probability": float(proba[other]),
                }
        return None

    @cached_property
    def _ranges(self) -> NDArray[np.int64] | None:
        return None if self.examples is None else self.examples.ranges(self.classifier.tree)

    def _nearest(self, titles: pa.ChunkedArray, answers: NDArray[np.int32]) -> list[list[dict[str, Any]]]:
        examples = self.examples
        if examples is None or self._ranges is None:
            return [[] for _ in answers]
        near = examples.nearest(titles, self._ranges[answers], NEAREST)
        return [
            [
                {"id": examples.ids[one], "title": examples.titles[one], "alike": round(float(alike), 4)}
                for one, alike in zip(rows, likeness, strict=True)
                if one >= 0
            ]
            for rows, likeness in zip(near.rows.tolist(), near.alike.tolist(), strict=True)
        ]

    def _names(self, path: LabelPath) -> LabelPath:
        tree = self.taxonomy
        return tuple(tree[key].name if tree is not None and key in tree else key for key in path)


def _told(pieces: Sequence[Piece], lead: Sequence[float]) -> list[dict[str, Any]]:
    total = sum(one for one in lead if one > 0)
    order = sorted(range(len(lead)), key=lambda place: -lead[place])[:TOLD]
    return [
        {"text": pieces[place].text, "share": round(lead[place] / total, 4), "lead": round(lead[place], 6)}
        for place in order
        if lead[place] > 0
    ]


def in_words(why: dict[str, Any] | None) -> str | None:
    """Return the reasons as one sentence for the cell of a table."""
    if why is None:
        return None
    parts = []
    if why["words"]:
        parts.append(", ".join(f"{one['text']} {one['share']:.0%}" for one in why["words"]))
    if why["nearest"]:
        first = why["nearest"][0]
        parts.append(f"like '{first['title']}' ({first['alike']:.2f})")
    if why["without"]:
        other = why["without"]
        parts.append(f"without {other['text']}: {PATH_SEPARATOR.join(other['names'])}")
    return "; ".join(parts) or None
