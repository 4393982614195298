"""Titles as vectors without a download: latent semantic analysis of the n-grams of the titles themselves.

A title is its tf-idf weighted character and word n-grams (`models.linear.ngrams`); the truncated singular
value decomposition X = U S V' of many such rows gives each n-gram its place in a space of few directions.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array

from mep3m.dataset.readable import WORD
from mep3m.errors import ModelError, UsageError
from mep3m.models.classifier import Encoded
from mep3m.models.linear.ngrams import Grams, GramVocabulary, Texts, encode_texts
from mep3m.models.tensors import open_tensors, save_tensors
from mep3m.store.images import Images
from mep3m.store.json_files import read_json, write_json

KIND, FORMAT = "latent-text", 1
#: the file that says what a folder of this kind holds
DESCRIPTION = "encoder.json"
GRAMS = Grams(low=1, high=2, words=1, bits=20)
#: titles that the directions are learned from, at most
SAMPLE = 200_000
#: n-grams that are kept, those in the most titles
FEATURES = 65_536
#: in tables with fewer titles than this, an n-gram of a single one counts too
FEW = 1_000
#: a projection shorter than this (of a row of length 1) says nothing of the title
LEAST = 1e-5


@dataclass(frozen=True)
class LatentText:
    """An encoder of titles: which n-grams it knows, and where each points.

    `directions` (V + 1, D) float32 has a row an n-gram, zeros for the constant feature that is last.
    """

    vocabulary: GramVocabulary
    directions: NDArray[np.float32]
    #: titles it was learned from, and the seed of their choice
    titles: int
    seed: int

    part: ClassVar[Literal["title"]] = "title"

    @classmethod
    def fit(cls, titles: pa.ChunkedArray, dimensions: int = 256, seed: int = 0) -> LatentText:
        """Learn from titles; of more than `SAMPLE` those that the seed chooses.

        Raises:
            UsageError: no title has a letter or digit.
        """
        from sklearn.utils.extmath import randomized_svd

        texts = encode_texts(titles.filter(pc.match_substring_regex(titles, WORD)))
        chosen = np.arange(len(texts))
        if len(texts) > SAMPLE:
            chosen = np.sort(np.random.default_rng(seed).choice(len(texts), SAMPLE, replace=False))
        least = 1 if len(chosen) < FEW else 2
        vocabulary = GramVocabulary.fit(texts, chosen, GRAMS, least, FEATURES)
        if len(vocabulary) == 1:
            raise UsageError("no title has a word to learn from; name the column of titles with --title")
        rows = _matrix(vocabulary, texts, chosen)[:, :-1]
        _, strengths, directions = randomized_svd(rows, min(dimensions, *rows.shape), random_state=seed)
        # half precision, as the folder keeps them: an encoder that was saved gives the same vectors
        kept = directions[strengths > LEAST * strengths[0]].T.astype(np.float16).astype(np.float32)
        return cls(vocabulary, np.vstack([kept, np.zeros_like(kept[:1])]), len(chosen), seed)

    @property
    def width(self) -> int:
        """The width D of the vectors."""
        return int(self.directions.shape[1])

    @cached_property
    def key(self) -> str:
        """32 hex digits of everything that decides the vectors."""
        digest = hashlib.sha256(repr(self.vocabulary.grams).encode())
        for array in (self.vocabulary.feature_of, self.vocabulary.idf, self.directions):
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()[:32]

    def project(self, titles: pa.ChunkedArray) -> NDArray[np.float32]:
        """Return (N, D) float32 of N titles, zeros where one is missing or has no n-gram that is known."""
        texts = encode_texts(titles)
        return np.asarray(_matrix(self.vocabulary, texts, np.arange(len(texts))) @ self.directions)

    def read(self, products: pa.Table, images: Images | None = None) -> Encoded:
        """Return the vectors of the titles of rows of `PRODUCT_SCHEMA`."""
        vectors = self.project(products["title"])
        return Encoded(vectors, np.linalg.norm(vectors, axis=1) > LEAST, [])

    def facts(self) -> dict[str, Any]:
        """Return the titles that it was learned from and its hash."""
        return {"source": f"n-grams of {self.titles:,} titles", "hash": self.key}

    def save(self, folder: Path) -> None:
        """Write `encoder.json` and `weights.safetensors`."""
        buckets = np.flatnonzero(self.vocabulary.feature_of >= 0).astype(np.int32)
        tensors: dict[str, NDArray[Any]] = {
            "buckets": buckets,
            "idf": self.vocabulary.idf,
            "directions": self.directions[:-1].astype(np.float16),
        }
        save_tensors(folder / "weights.safetensors", tensors)
        description = {
            "kind": KIND,
            "format": FORMAT,
            "ngrams": asdict(self.vocabulary.grams),
            "titles": self.titles,
            "seed": self.seed,
            "hash": self.key,
        }
        write_json(folder / DESCRIPTION, description)

    @classmethod
    def load(cls, folder: Path) -> LatentText:
        """Rebuild what `save` wrote.

        Raises:
            ModelError: a file is missing or damaged, or the two do not belong together.
        """
        described: dict[str, Any] = read_json(folder / DESCRIPTION)
        if described.get("kind") != KIND or described.get("format") != FORMAT:
            raise ModelError(
                f"{folder} holds an encoder of kind {described.get('kind')!r}, "
                f"format {described.get('format')!r}; this version reads {KIND}, format {FORMAT}"
            )
        tensors = open_tensors(folder / "weights.safetensors")
        try:
            grams = Grams(**described["ngrams"])
            buckets, idf, directions = (np.array(tensors[name]) for name in ("buckets", "idf", "directions"))
            feature_of = np.full(1 << grams.bits, -1, np.int32)
            feature_of[buckets] = np.arange(len(buckets), dtype=np.int32)
            whole = np.vstack([directions, np.zeros_like(directions[:1])]).astype(np.float32)
            made = cls(GramVocabulary(grams, feature_of, idf), whole, described["titles"], described["seed"])
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ModelError(f"{folder} is not a whole encoder ({error!r}); copy the folder again") from error
        if made.key != described.get("hash"):
            raise ModelError(f"{folder}: its two files are not of one encoder; copy the folder again")
        return made


def _matrix(vocabulary: GramVocabulary, texts: Texts, chosen: NDArray[np.int64]) -> csr_array:
    """Return (n, V + 1) the tf-idf rows of some texts, of unit length, the constant feature last."""
    rows = vocabulary.all_rows(texts, chosen)
    starts = np.append(rows.starts, len(rows.features))
    return csr_array((rows.values, rows.features, starts), (len(rows), rows.width))
