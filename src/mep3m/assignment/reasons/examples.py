"""A few training products of each category, kept with a run: what a new product is most like.

Likeness is the cosine of tf-idf weighted n-grams of titles, the same for every kind of model. Only the
products of one category are looked at, so that the time for a row does not grow with the catalogue.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mep3m.arrays import Ints
from mep3m.dataset.readable import WORD
from mep3m.errors import ModelError
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.models.linear.nearest import Nearest, nearest_rows
from mep3m.models.linear.ngrams import Grams, GramVocabulary, Rows, encode_texts
from mep3m.models.tensors import open_tensors, save_tensors

FILE = "examples.safetensors"
#: training products that are kept of each category, and of all, at most
EACH, MOST = 64, 30_000
#: n-grams of titles that are compared, and how many of them are kept
GRAMS, FEATURES = Grams(low=1, high=2, words=1, bits=20), 65_536


@dataclass(frozen=True)
class TrainingExamples:
    """Training products, sorted by `paths` (their deepest label), so that each category has a run of rows."""

    vocabulary: GramVocabulary
    rows: Rows
    ids: tuple[str, ...]
    titles: tuple[str, ...]
    paths: tuple[LabelPath, ...]
    #: version of a tree -> what `ranges` found: every answer asks for it
    _ranges: dict[str, NDArray[np.int64]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def draw(cls, products: pa.Table, paths: Sequence[LabelPath], seed: int) -> TrainingExamples | None:
        """Draw up to `EACH` products with a title of each path; `None` where there is no title to compare."""
        readable = pc.fill_null(pc.match_substring_regex(products["title"], WORD), False)
        order = np.random.default_rng(seed).permutation(np.flatnonzero(readable.to_numpy()))
        taken: dict[LabelPath, int] = {}
        chosen = []
        for row in order.tolist():
            taken[paths[row]] = taken.get(paths[row], 0) + 1
            if taken[paths[row]] <= EACH:
                chosen.append(row)
        chosen = sorted(chosen[:MOST], key=lambda row: (paths[row], row))
        if not chosen:
            return None
        kept = products.select(["source_id", "title"]).take(pa.array(chosen))
        ids, titles = kept["source_id"].to_pylist(), kept["title"].to_pylist()
        return cls._of(ids, titles, [paths[row] for row in chosen])

    @classmethod
    def _of(cls, ids: Sequence[str], titles: Sequence[str], paths: Sequence[LabelPath]) -> TrainingExamples:
        """Return examples that are sorted by their paths."""
        texts = encode_texts(pa.array(titles, pa.string()))
        every = np.arange(len(ids))
        vocabulary = GramVocabulary.fit(texts, every, GRAMS, 1 if len(ids) < 1000 else 2, FEATURES)
        return cls(vocabulary, vocabulary.all_rows(texts, every), tuple(ids), tuple(titles), tuple(paths))

    def with_more(self, other: TrainingExamples) -> TrainingExamples:
        """Return both together."""
        every = [*zip(self.paths, self.ids, self.titles, strict=True)]
        every += zip(other.paths, other.ids, other.titles, strict=True)
        paths, ids, titles = zip(*sorted(every, key=lambda one: one[0]), strict=True)
        return self._of(ids, titles, paths)

    def ranges(self, tree: LabelTree) -> NDArray[np.int64]:
        """Return (C, 2) the first example at or below each node, and one past the last.

        A leaf without one has those of the category above it; a node that no example knows has none.
        """
        if tree.version not in self._ranges:
            self._ranges[tree.version] = self._find_ranges(tree)
        return self._ranges[tree.version]

    def _find_ranges(self, tree: LabelTree) -> NDArray[np.int64]:
        places = {node: number for number, node in enumerate(tree.paths)}
        found = np.zeros((len(tree), 2), dtype=np.int64)
        for number, path in enumerate(self.paths):
            for depth in range(1, len(path) + 1):
                node = places.get(path[:depth], -1)
                if node >= 0:
                    found[node, 0] = found[node, 0] if found[node, 1] else number
                    found[node, 1] = number + 1
        for node in range(len(tree)):  # parents come first
            if not found[node, 1] and tree.parent[node] >= 0:
                found[node] = found[tree.parent[node]]
        return found

    def nearest(self, titles: pa.ChunkedArray, ranges: Ints, count: int = 1) -> Nearest:
        """Return the nearest of the examples in the range (N, 2) of each title."""
        texts = encode_texts(titles)
        asked = self.vocabulary.all_rows(texts, np.arange(len(texts)))
        return nearest_rows(asked, self.rows, ranges, count)

    def save(self, folder: Path) -> None:
        """Write the examples into a run's folder."""
        described = {
            "ngrams": asdict(self.vocabulary.grams),
            "ids": self.ids,
            "titles": self.titles,
            "paths": self.paths,
        }
        buckets = np.flatnonzero(self.vocabulary.feature_of >= 0).astype(np.int32)
        tensors: dict[str, NDArray[Any]] = {
            "products": np.frombuffer(orjson.dumps(described), dtype=np.uint8),
            "buckets": buckets,
            "features": self.vocabulary.feature_of[buckets],
            "idf": self.vocabulary.idf,
            "starts": self.rows.starts,
            "stops": self.rows.stops,
            "columns": self.rows.features,
            "values": self.rows.values,
        }
        save_tensors(folder / FILE, tensors)

    @classmethod
    def load(cls, folder: Path) -> TrainingExamples | None:
        """Read the examples of a run; `None` where it keeps none.

        Raises:
            ModelError: the file is damaged.
        """
        if not (folder / FILE).exists():
            return None
        held = open_tensors(folder / FILE)
        try:
            described = orjson.loads(held["products"].tobytes())
            feature_of = np.full(1 << described["ngrams"]["bits"], -1, dtype=np.int32)
            feature_of[held["buckets"]] = held["features"]
            vocabulary = GramVocabulary(Grams(**described["ngrams"]), feature_of, np.array(held["idf"]))
            starts, stops, columns, values = (
                np.array(held[name]) for name in ("starts", "stops", "columns", "values")
            )
            paths = tuple(tuple(path) for path in described["paths"])
            return cls(
                vocabulary, Rows(starts, stops, columns, values, len(vocabulary)), tuple(described["ids"]),
                tuple(described["titles"]), paths,
            )  # fmt: skip
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelError(
                f"{folder / FILE} is damaged ({error!r}); copy it again or train again"
            ) from None
