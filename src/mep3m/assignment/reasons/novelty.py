"""How likely a product belongs to any known category: is it as unlike them as few known products are?

Two things are looked at: how the probability is spread over the categories (entropy), and how like the
title is to the nearest training product of the most probable one. Each is ranked among the rows that
training held out, both ranks are multiplied (Fisher), and the product is ranked again. The last rank is a
p-value (conformal anomaly detection: Laxhammar, 2014; Bates et al., 2023): where new products are like those
held out, at most a share α of them has one of α or less. The last rank is taken among titles of about the
same length, so that this holds for short titles too, which show a model little. Decisions 253, 273.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mep3m.arrays import Floats
from mep3m.assignment.reasons.examples import TrainingExamples
from mep3m.label_tree.tree import LabelTree
from mep3m.models.tensors import open_tensors, save_tensors

FILE = "novelty.safetensors"
#: held-out rows that are kept, at most, and that are needed at least
MOST, LEAST = 4_000, 50
#: shares of the held-out rows with the shortest titles, which are ranked among themselves
SHORT = (0.1, 0.3)

Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Novelty:
    """What held-out products of known categories look like: three ascending arrays (M,).

    `certain` is minus the entropy, `alike` the likeness of the nearest training product (empty where titles
    are not compared), `joined` the product of both ranks. In each, small is new. `cuts` (B - 1,)
    are the lengths of titles up to which a row is of each band but the last, `bands` (M,) those of `joined`.
    """

    certain: Numbers
    alike: Numbers
    joined: Numbers
    examples: TrainingExamples | None
    cuts: Numbers = field(default_factory=lambda: np.zeros(0))
    bands: Numbers | None = None

    @classmethod
    def learn(
        cls, tree: LabelTree, proba: Floats, titles: pa.ChunkedArray, examples: TrainingExamples | None
    ) -> Novelty | None:
        """Learn from held-out rows: coherent (M, C) `proba` and `titles`; `None` where they are too few.

        Neither the model that gave the probabilities nor the examples may have seen these rows.
        """
        if len(proba) < LEAST:
            return None
        chosen = np.linspace(0, len(proba) - 1, min(MOST, len(proba))).astype(np.int64)
        proba, titles = proba[chosen], titles.take(pa.array(chosen))
        certain = _certain(tree, proba)
        alike = np.zeros(0) if examples is None else _alike(tree, proba, titles, examples)
        blank = cls(np.sort(certain), np.sort(alike), np.zeros(0), examples)
        joined, lengths = blank._join(certain, alike), _lengths(titles)
        cuts = np.zeros(0)
        for cut in np.unique(np.quantile(lengths, SHORT)):
            sizes = np.bincount(np.searchsorted([*cuts, cut], lengths), minlength=len(cuts) + 2)
            cuts = np.append(cuts, cut) if sizes.min() >= LEAST else cuts
        order = np.argsort(joined, kind="stable")
        bands = np.searchsorted(cuts, lengths)[order].astype(np.float64)
        return cls(blank.certain, blank.alike, joined[order], examples, cuts, bands)

    def known(self, tree: LabelTree, proba: Floats, titles: pa.ChunkedArray) -> Numbers:
        """Return (N,) p-values of belonging to a known category, of coherent (N, C) `proba`."""
        alike = np.zeros(0) if self.examples is None else _alike(tree, proba, titles, self.examples)
        joined = self._join(_certain(tree, proba), alike)
        if self.bands is None:
            return _ranks(self.joined, joined)
        mine = np.searchsorted(self.cuts, _lengths(titles))
        found = np.empty(len(joined))
        for band in range(len(self.cuts) + 1):
            rows = mine == band
            found[rows] = _ranks(self.joined[self.bands == band], joined[rows])
        return found

    def _join(self, certain: Numbers, alike: Numbers) -> Numbers:
        """Return (N,) the product of the ranks of both, or the one there is."""
        ranks = _ranks(self.certain, certain)
        return ranks if self.examples is None else ranks * _ranks(self.alike, alike)

    def save(self, folder: Path) -> None:
        """Write what was learned, and the examples, into a run's folder."""
        values = {"certain": self.certain, "alike": self.alike, "joined": self.joined}
        if self.bands is not None:
            values |= {"cuts": self.cuts, "bands": self.bands}
        if self.examples is not None:
            self.examples.save(folder)
        save_tensors(folder / FILE, values)

    @classmethod
    def load(cls, folder: Path) -> Novelty | None:
        """Read what a run has learned; `None` where it was trained before, or on too few rows.

        Raises:
            ModelError: a file is damaged.
        """
        if not (folder / FILE).exists():
            return None
        held = open_tensors(folder / FILE)
        examples = TrainingExamples.load(folder) if len(held["alike"]) else None
        # runs of before rank all titles together
        bands = (held["cuts"], held["bands"]) if "bands" in held else ()
        return cls(held["certain"], held["alike"], held["joined"], examples, *bands)


def _lengths(titles: pa.ChunkedArray) -> Numbers:
    """Return (N,) how many characters each title has."""
    return np.asarray(pc.fill_null(pc.utf8_length(titles), 0).to_numpy(), dtype=np.float64)


def _certain(tree: LabelTree, proba: Floats) -> Numbers:
    """Return minus the entropy over the leaves, in nats."""
    leaves = np.maximum(proba[:, tree.leaves], 1e-12)
    return np.asarray(np.einsum("nl,nl->n", leaves, np.log(leaves), dtype=np.float64))


def _alike(tree: LabelTree, proba: Floats, titles: pa.ChunkedArray, examples: TrainingExamples) -> Numbers:
    answers = tree.leaves[proba[:, tree.leaves].argmax(axis=1)]
    return examples.nearest(titles, examples.ranges(tree)[answers]).alike[:, 0].astype(np.float64)


def _ranks(held: Numbers, values: Numbers) -> Numbers:
    """Return (1 + how many of the ascending `held` are no larger) / (1 + all of them)."""
    return np.asarray((1 + np.searchsorted(held, values, side="right")) / (1 + len(held)))
