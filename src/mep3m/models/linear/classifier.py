"""The linear text classifier: n-gram features, one linear score a node, a softmax at every level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from mep3m.errors import ModelError
from mep3m.label_tree.probabilities import SMALLEST, from_leaves, from_siblings, make_coherent, softmax
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Prediction
from mep3m.models.linear.ngrams import Grams, GramVocabulary, Rows, Texts, encode_texts
from mep3m.models.linear.scores import scores
from mep3m.models.tensors import open_tensors, save_tensors
from mep3m.store.images import Images
from mep3m.store.json_files import read_json, write_json

KIND = "linear"
_BATCH = 4096
#: form of the folder: from 2 on, nodes that share a name share their weights in a flat model; from 3 on,
#: a model along the tree may have `NameHead`
FORMAT, READABLE = 3, (2, 3)
#: probabilities below this are not told apart
TINY = 1e-30


def softmax_levels(
    tree: LabelTree, scores: NDArray[np.float32], depth: int | None = None
) -> NDArray[np.float32]:
    """Return (N, C) probabilities: a softmax over the names of each level.

    A name below several parents is one class, scored by the first of its nodes (`LabelTree.first_of_name`);
    its probability is divided among its nodes as their parents' probabilities are. With `depth`, `scores`
    has the columns of the first levels only.
    """
    result = np.empty_like(scores)
    for level in range(1, (depth or tree.depth) + 1):
        nodes = tree.nodes(level)
        columns = np.unique(tree.first_of_name[nodes])
        shares = softmax(scores[:, columns])
        mine = np.searchsorted(columns, tree.first_of_name[nodes])
        result[:, nodes] = shares[:, mine]
        several = np.flatnonzero(np.bincount(mine)[mine] > 1)
        if len(several):
            above = result[:, tree.parent[nodes][several]] + np.float32(SMALLEST)
            total = np.zeros_like(shares)
            np.add.at(total.T, mine[several], above.T)
            result[:, nodes.start + several] *= above / total[:, mine[several]]
    return result


def join_scores(tree: LabelTree, scores: NDArray[np.float32], hierarchy: str) -> NDArray[np.float32]:
    """Return (N, C) probabilities of scores (N, C).

    flat: a softmax over the names of each level; levels need not agree. fine-to-coarse: a softmax over
    the leaves, summed up. coarse-to-fine, coarse-and-fine: softmaxes among siblings, multiplied down the
    path. All but flat are coherent (`models.tree`).
    """
    if hierarchy == "flat":
        return softmax_levels(tree, scores)
    if hierarchy == "fine-to-coarse":
        return from_leaves(tree, softmax(scores[:, tree.leaves]))
    return from_siblings(tree, scores)


def named_levels(tree: LabelTree, most: int) -> int:
    """Return how many levels from the first on have at most `most` names; 0 for a tree of one level."""
    few = [len(tree.names(level)[0]) <= most for level in range(1, tree.depth + 1)]
    return (few.index(False) if False in few else tree.depth) if tree.depth > 1 else 0


def name_columns(tree: LabelTree, depth: int) -> tuple[NDArray[np.int32], NDArray[np.intp]]:
    """Return the (E,) first nodes of the names of levels 1 to `depth`, and each node's place among them."""
    return np.unique(tree.first_of_name[: tree.starts[depth]], return_inverse=True)


@dataclass(frozen=True)
class NameHead:
    """The name-level head of a model along the tree: on levels 1 to `depth`, all names against each other.

    `weights` (V, E) and `scale` (E,) have a column for every name, see `name_columns`.
    """

    depth: int
    weights: NDArray[np.float32]
    scale: NDArray[np.float32]

    def proba(self, tree: LabelTree, raw: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return coherent probabilities of the nodes of levels 1 to `depth` from raw scores (N, E)."""
        scores = (raw * self.scale)[:, name_columns(tree, self.depth)[1]]
        return make_coherent(tree, softmax_levels(tree, scores, self.depth), self.depth)


def mix_names(tree: LabelTree, proba: NDArray[np.float32], names: NDArray[np.float32], depth: int) -> None:
    """Replace the first `depth` levels of (N, C) `proba` by the mean with those of `names`, in place.

    Below, a node keeps its share of its parent. The mean of coherent probabilities is coherent; where the
    names of two levels disagree, what they disagree on stays with the parent.
    """
    last = tree.nodes(depth)
    before = np.maximum(proba[:, last], np.float32(TINY))
    proba[:, : last.stop] += names
    proba[:, : last.stop] *= np.float32(0.5)
    below = tree.ancestors[last.stop :, depth - 1] - last.start
    proba[:, last.stop :] *= (proba[:, last] / before)[:, below]


@dataclass(frozen=True)
class LinearClassifier:
    """Scores = features (N, V) @ `weights` (V, C); probabilities = join(`scale` x scores + `bias`).

    How the scores of the nodes become probabilities is `details["hierarchy"]`, see `join_scores`.
    `scale` and `bias` (C,) calibrate the scores on held-out rows; `prior` (C,) are the class
    frequencies, which a row without any known feature gets. With `names`, the first levels are the mean of
    both opinions.
    """

    tree: LabelTree
    vocabulary: GramVocabulary
    weights: NDArray[np.float32]
    scale: NDArray[np.float32]
    bias: NDArray[np.float32]
    prior: NDArray[np.float32]
    details: dict[str, Any]
    names: NameHead | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """The columns of text that it was trained with: title, ocr or both."""
        names = ("title", "ocr") if self.details.get("ocr") else ("title",)
        return names if self.details.get("title", True) else ("ocr",)

    def predict_proba(self, products: pa.Table, images: Images | None = None) -> NDArray[np.float32]:
        """Return (N, C) probabilities from the titles (and OCR text, where trained with it)."""
        return self.predict(products, images).proba

    def predict(self, products: pa.Table, images: Images | None = None) -> Prediction:
        """Return the probabilities, and which rows have a text with a known n-gram."""
        texts = encode_texts(text_column(products, self.reads))
        result = np.empty((len(texts), len(self.tree)), dtype=np.float32)
        seen = np.empty(len(texts), dtype=bool)
        for start in range(0, len(texts), _BATCH):
            rows = np.arange(start, min(start + _BATCH, len(texts)), dtype=np.int64)
            result[rows], seen[rows] = self._probabilities(texts, rows)
        return Prediction(result, seen, [])

    def inputs(self, products: pa.Table) -> dict[str, NDArray[Any]]:
        """Return what an ONNX export of the model reads (`models.networks.export_linear`) for these rows.

        `features` (N, K) int64 are the numbers of a text's features, `values` (N, K) float32 their tf-idf,
        both filled up with zeros to the longest text.
        """
        texts = encode_texts(text_column(products, self.reads))
        rows = self.vocabulary.all_rows(texts, np.arange(len(texts), dtype=np.int64))
        lengths = rows.stops - rows.starts
        inside = np.arange(int(lengths.max(initial=1))) < lengths[:, None]
        features, values = np.zeros(inside.shape, dtype=np.int64), np.zeros(inside.shape, dtype=np.float32)
        features[inside], values[inside] = rows.features, rows.values
        return {"features": features, "values": values}

    def _probabilities(
        self, texts: Texts, rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        sparse = self.vocabulary.rows(texts, rows)
        raw = scores(sparse, self.weights)
        result = join_scores(self.tree, raw * self.scale + self.bias, self.details["hierarchy"])
        if self.names is not None:
            opinion = self.names.proba(self.tree, scores(sparse, self.names.weights))
            mix_names(self.tree, result, opinion, self.names.depth)
        seen = has_features(sparse)
        result[~seen] = self.prior
        return result, seen

    def save(self, folder: Path) -> None:
        """Write `classifier.json` and `weights.safetensors`."""
        vocabulary = self.vocabulary
        tensors = {
            "weights": self.weights, "scale": self.scale, "bias": self.bias, "prior": self.prior,
            "feature_of": vocabulary.feature_of, "idf": vocabulary.idf,
        }  # fmt: skip
        if self.names is not None:
            tensors |= {"names.weights": self.names.weights, "names.scale": self.names.scale}
        save_tensors(folder / "weights.safetensors", tensors)
        description = {
            "kind": KIND,
            "format": FORMAT,
            "tree": self.tree.to_json(),
            "ngrams": asdict(vocabulary.grams),
            "details": self.details,
            "names": self.names.depth if self.names is not None else 0,
        }
        write_json(folder / "classifier.json", description)


def has_features(rows: Rows) -> NDArray[np.bool_]:
    """Return (N,) whether a row has a feature beside the constant one."""
    return rows.stops - rows.starts > 1


def text_column(products: pa.Table, reads: Sequence[str]) -> pa.ChunkedArray:
    """Return the text of each row: the columns that are read (title, ocr) one after the other."""
    if len(reads) == 1:
        return products[reads[0]]
    return pc.binary_join_element_wise(*(pc.fill_null(products[name], "") for name in reads), " ")


def load(folder: Path) -> LinearClassifier:
    """Rebuild a saved linear classifier; its weights are memory-mapped.

    Raises:
        ModelError: a file is damaged or of another format, or the files do not fit together.
    """
    description = read_json(folder / "classifier.json")
    if description.get("format") not in READABLE:
        raise ModelError(
            f"{folder} is a linear model of format {description.get('format')}, this version reads {FORMAT}: "
            "train it again"
        )
    tensors = open_tensors(folder / "weights.safetensors")
    try:
        tree = LabelTree.from_json(description["tree"])
        grams = Grams(**description["ngrams"])
        vocabulary = GramVocabulary(grams, tensors["feature_of"], tensors["idf"])
        weights, scale, bias, prior = (tensors[name] for name in ("weights", "scale", "bias", "prior"))
        details, names = description["details"], None
        if depth := description.get("names", 0):
            names = NameHead(depth, tensors["names.weights"], tensors["names.scale"])
    except (KeyError, TypeError) as error:
        raise ModelError(
            f"{folder} lacks {error}; copy the classifier folder again or train again"
        ) from error
    if (
        weights.shape != (len(vocabulary), len(tree))
        or len(vocabulary.feature_of) != 1 << vocabulary.grams.bits
        or (
            names is not None
            and names.weights.shape != (len(vocabulary), len(name_columns(tree, names.depth)[0]))
        )
    ):
        raise ModelError(
            f"{folder}: the weights have shape {weights.shape}, the label tree and vocabulary want "
            f"{(len(vocabulary), len(tree))}; the files are of different runs: copy the folder again"
        )
    return LinearClassifier(tree, vocabulary, weights, scale, bias, prior, details, names)
