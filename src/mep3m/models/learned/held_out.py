"""Products that a trained model was measured on before it learned from them: what tells how much it forgets.

Rows that a model has learned from say nothing of that: it is sure of nearly all of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
from numpy.typing import NDArray

from mep3m.arrays import Floats, Ints
from mep3m.errors import ModelError
from mep3m.label_tree.probabilities import right_leaves
from mep3m.label_tree.tree import LabelTree
from mep3m.models.tensors import read_tensors, save_tensors

FILE = "held_out.safetensors"
#: rows that are kept, at most
MOST = 4_000
#: by how much a row is left on the side of the class that it has
_CLEAR = 1e-6
#: a share below this is none
_LEAST = 1e-12


@dataclass(frozen=True)
class HeldOut:
    """The texts of M rows, how `sure` (M,) the model was of its class, and whether it was `right` (M,)."""

    texts: tuple[str, ...]
    sure: Floats
    right: NDArray[np.bool_]

    @classmethod
    def of(cls, tree: LabelTree, proba: Floats, nodes: Ints, texts: pa.ChunkedArray) -> HeldOut | None:
        """Keep M rows, or `MOST` of them: coherent (M, C) `proba`, and the node of each label (M,).

        `None` where there is no row. The model that gave the probabilities may not have seen them.
        """
        if not len(proba):
            return None
        chosen = np.linspace(0, len(proba) - 1, min(MOST, len(proba))).astype(np.int64)
        proba, right = proba[chosen], right_leaves(tree, proba[chosen], nodes[chosen])
        told = tuple(text or "" for text in texts.take(pa.array(chosen)).to_pylist())
        return cls(told, proba[:, tree.leaves].max(1), right)

    def __len__(self) -> int:
        return len(self.texts)

    def shift(self, trained: Floats, learned: Floats, forget: float) -> float:
        """Return what is to be added to the scores of learned classes: 0, or as much below as it takes.

        `trained` and `learned` (M,) are what a new opinion gives to all trained classes together and to the
        likeliest learned one. Afterwards trained classes lose a share `forget` of these rows at most: new
        products like them are lost about as often, by chance more or less.
        """
        # the share of trained classes, weighed by how sure the model is; of it, its answer has as much again
        ours = np.maximum(trained * self.sure**2, _LEAST)
        margins = np.log(ours) - np.log(np.maximum(learned, _LEAST))
        margins = np.sort(margins[self.right])
        lost = int(forget * len(self) + _CLEAR)
        return 0.0 if lost >= len(margins) else min(0.0, float(margins[lost]) - _CLEAR)

    def save(self, folder: Path) -> None:
        """Write the rows into the folder of a run."""
        texts = np.frombuffer(orjson.dumps(self.texts), dtype=np.uint8)
        save_tensors(folder / FILE, {"texts": texts, "sure": self.sure, "right": self.right.astype(np.uint8)})

    @classmethod
    def load(cls, folder: Path) -> HeldOut | None:
        """Read the rows of a run; `None` where it keeps none.

        Raises:
            ModelError: the file is damaged.
        """
        made = read_tensors(folder / FILE, cls._made)
        if made is not None and len({len(made), len(made.sure), len(made.right)}) != 1:
            raise ModelError(
                f"{folder / FILE} is damaged: its arrays differ in length; copy it or train again"
            )
        return made

    @classmethod
    def _made(cls, held: Mapping[str, NDArray[Any]]) -> HeldOut:
        texts = tuple(orjson.loads(held["texts"].tobytes()))
        return cls(texts, np.array(held["sure"]), np.array(held["right"], dtype=bool))
