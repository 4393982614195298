"""Gradient-boosted trees as plain JSON: the small learned combination of the evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import numpy as np
import orjson

if TYPE_CHECKING:
    from mep3m.alignment.learned.leaves import TreeArrays

#: the weights that ship; `fitting` makes them, bench/alignment/train.py gives it the real cases
WEIGHTS = "weights.json"
#: pairs that walk down the trees together
BLOCK = 65_536
#: (a, b, c, d) of a calibration, see `probability`
Curve = tuple[float, float, float, float]
#: no evidence is surer than this
SUREST = 0.995
_HEADS = ("first_exact", "first_narrower", "exact", "narrower")


def probability(score: np.ndarray, curve: Curve, fewest: int) -> np.ndarray:
    """Return the probabilities (n,) that scores stand for; the smaller tree has `fewest` categories.

    Beta calibration (Kull et al. 2017), a · ln s - b · ln(1 - s) + c in log odds: it rises everywhere,
    from 0 at 0 to `SUREST` at 1. d, at most 0, asks for more where a shop has a handful of categories.
    """
    a, b, c, d = curve
    kept = np.clip(score, 1e-9, 1 - 1e-9)
    odds = a * np.log(kept) - b * np.log1p(-kept) + c + d / max(fewest, 1)
    probabilities: np.ndarray = np.where(score > 0, SUREST / (1 + np.exp(-odds)), 0.0)
    return probabilities


@dataclass(frozen=True)
class Boosted:
    """A sum of trees over named features, and the logistic calibration on top.

    A tree is arrays over its nodes: `feature` (-1 in a leaf), `threshold`, `left`, `right`,
    `missing` (1: an unknown value goes left) and `value` (log odds, in leaves). The probability is
    sigmoid(scale · (start + sum of leaves) + shift).
    """

    features: tuple[str, ...]
    start: float
    trees: tuple[Mapping[str, np.ndarray], ...]
    scale: float = 1.0
    shift: float = 0.0

    def raw(self, columns: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the log odds (n,) before calibration; a feature that is absent is unknown."""
        count = len(next(iter(columns.values())))
        total = np.full(count, self.start)
        if not self.trees:
            return total
        from mep3m.alignment.learned.leaves import add_leaves

        unknown = np.full(count, np.nan, np.float32)
        for start in range(0, count, BLOCK):
            part = slice(start, start + BLOCK)
            of = [columns.get(name, unknown)[part] for name in self.features]
            table = np.ascontiguousarray(np.stack(of, axis=1).astype(np.float32))
            add_leaves(table, self._nodes, total[part])
        return total

    @cached_property
    def _nodes(self) -> TreeArrays:
        """The nodes of all trees, one after the other; children are places among them."""
        sizes = [len(tree["feature"]) for tree in self.trees]
        roots = np.cumsum([0, *sizes[:-1]])
        left, right = (
            np.concatenate([tree[side] + root for tree, root in zip(self.trees, roots, strict=True)])
            for side in ("left", "right")
        )
        feature, threshold, missing, value = (
            np.concatenate([tree[name] for tree in self.trees])
            for name in ("feature", "threshold", "missing", "value")
        )
        return feature, threshold, left, right, missing == 1, value, roots

    def probability(self, *views: Mapping[str, np.ndarray]) -> np.ndarray:
        """Return the score in [0, 1] (n,) of pairs; of several views of them, by the mean log odds."""
        raw = np.mean([self.raw(columns) for columns in views], axis=0)
        odds = np.clip(self.scale * raw + self.shift, -30, 30)
        result: np.ndarray = 1 / (1 + np.exp(-odds))
        return result

    def to_dict(self) -> dict[str, object]:
        """Return plain values for JSON."""
        trees = [{key: values.tolist() for key, values in tree.items()} for tree in self.trees]
        return {
            "features": list(self.features),
            "start": self.start,
            "scale": self.scale,
            "shift": self.shift,
            "trees": trees,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> Boosted:
        """Read what `to_dict` returned."""
        rows: Sequence[Mapping[str, Sequence[float]]] = values["trees"]  # type: ignore[assignment]
        trees = tuple(
            {
                key: np.array(of, np.float64 if key in ("threshold", "value") else np.int32)
                for key, of in row.items()
            }
            for row in rows
        )
        return cls(
            tuple(values["features"]),  # type: ignore[arg-type]
            float(values["start"]),  # type: ignore[arg-type]
            trees,
            float(values["scale"]),  # type: ignore[arg-type]
            float(values["shift"]),  # type: ignore[arg-type]
        )


def mean(models: Sequence[Boosted]) -> Boosted:
    """Return the model whose log odds are the mean of these models' (before calibration)."""
    names = tuple(dict.fromkeys(name for model in models for name in model.features))
    trees = []
    for model in models:
        place = np.array([names.index(name) for name in model.features], np.int32)
        for tree in model.trees:
            feature = np.where(tree["feature"] >= 0, place[np.maximum(tree["feature"], 0)], -1)
            value = np.round(tree["value"] / len(models), 6)
            trees.append({**tree, "feature": feature.astype(np.int32), "value": value})
    return Boosted(names, sum(model.start for model in models) / len(models), tuple(trees))


@dataclass(frozen=True)
class Weights:
    """The four learned parts: the first pass over pairs alone, and the second with their neighbourhood.

    `exact` is the probability of the same category, `narrower` that the left one lies within the
    right one; `first_*` see only the pair itself. `curves` turn the scores that the rules leave into
    probabilities, by group of decisions (`decide.GROUPS`). `seed` is what the weights were made with.
    """

    first_exact: Boosted
    first_narrower: Boosted
    exact: Boosted
    narrower: Boosted
    curves: Mapping[str, Curve] = field(default_factory=dict)
    seed: int = 0

    def to_json(self) -> bytes:
        """Return the weights as JSON."""
        parts = {name: getattr(self, name).to_dict() for name in _HEADS}
        return orjson.dumps(parts | {"curves": dict(self.curves), "seed": self.seed})


def read_weights(text: bytes) -> Weights:
    """Read what `Weights.to_json` returned."""
    values = orjson.loads(text)
    curves = {name: tuple(of) for name, of in values["curves"].items()}
    heads = {name: Boosted.from_dict(values[name]) for name in _HEADS}
    return Weights(**heads, curves=curves, seed=values["seed"])


@lru_cache(maxsize=1)
def shipped_weights() -> Weights:
    """Return the weights that come with the package."""
    return read_weights(resources.files(__package__).joinpath(WEIGHTS).read_bytes())
