"""The two models of `relation` and their calibrations, as a file that comes with the package."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WEIGHTS = "weights.json"
#: names of what the two models read, in the order of their weights
WITHIN = (
    "share",
    "mainly",
    "leaves",
    "p_within",
    "p_exact",
    "named",
    "excluded",
    "names",
    "size",
    "away",
    "back",
)
EQUAL = (
    "fewer",
    "more",
    "p_exact",
    "same",
    "same_p_exact",
    "excluded",
    "names",
    "p_within",
    "home",
    "trust_l",
    "trust_r",
)
#: kinds of links, each with its own calibration: equal by name, and products of each would be filed under the
#: other; equal by name alone; equal with other names; one within the other by name and products, by name
#: alone, by products alone, or by neither, as both need titles enough to tell; one within another though that
#: platform has a category of its name elsewhere; and any of these though products would be filed elsewhere
GROUPS = (
    "agreed", "named", "renamed", "inner agreed", "inner named", "inner filed", "inner unsaid", "denied",
    "unfiled",
)  # fmt: skip


@dataclass(frozen=True)
class Logistic:
    """A logistic model over standardised numbers: weights, means and deviations (F,), and the intercept."""

    weights: Floats
    mean: Floats
    deviation: Floats
    intercept: float

    def probability(self, numbers: Floats) -> Floats:
        """Return (P,) probabilities of (P, F) numbers."""
        score = ((numbers - self.mean) / self.deviation) @ self.weights + self.intercept
        out: Floats = 1 / (1 + np.exp(-score))
        return out


@dataclass(frozen=True)
class LinkCalibration:
    """The share of rows that links left right on platforms that the models had not seen, by what they said.

    `said` and `right` (K,) are points of a line that rises from (0, 0); beyond the last it stays level.
    """

    said: Floats
    right: Floats

    def probability(self, said: Floats) -> Floats:
        """Return (P,) probabilities of links from what the models said of them."""
        out: Floats = np.interp(said, self.said, self.right)
        return out


@dataclass(frozen=True)
class Heads:
    """The two models: `within` (the left one's rows lie within the right one) and `equal`.

    `calibrations` turn what they say into probabilities, by kind of link (`GROUPS`); a kind without one keeps
    what the models say.
    """

    within: Logistic
    equal: Logistic
    calibrations: Mapping[str, LinkCalibration] = field(default_factory=dict)

    def calibrated(self, said: Floats, groups: Sequence[str] | NDArray[np.str_]) -> Floats:
        """Return (P,) probabilities of links, from what the models said (P,) and each one's kind (P,)."""
        known, of = np.array(said, float), np.array(groups)
        for name, calibration in self.calibrations.items():
            known[of == name] = calibration.probability(said[of == name])
        return known

    def to_json(self) -> dict[str, Any]:
        """Return the models as JSON values, each number beside its name."""
        models = {
            name: {
                "intercept": model.intercept,
                **{
                    of: {"weight": float(w), "mean": float(m), "deviation": float(d)}
                    for of, w, m, d in zip(names, model.weights, model.mean, model.deviation, strict=True)
                },
            }
            for name, model, names in (("within", self.within, WITHIN), ("equal", self.equal, EQUAL))
        }
        lines = {
            name: {"said": one.said.tolist(), "right": one.right.tolist()}
            for name, one in self.calibrations.items()
        }
        return {**models, "calibrations": lines}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Heads:
        """Return the models of `to_json`."""
        lines = {
            name: LinkCalibration(np.array(one["said"], float), np.array(one["right"], float))
            for name, one in value["calibrations"].items()
        }
        return cls(_model(value["within"], WITHIN), _model(value["equal"], EQUAL), lines)


def _model(value: Mapping[str, Any], names: tuple[str, ...]) -> Logistic:
    parts = [[value[name][key] for name in names] for key in ("weight", "mean", "deviation")]
    weights, mean, deviation = (np.array(part, float) for part in parts)
    return Logistic(weights, mean, deviation, float(value["intercept"]))


@lru_cache(maxsize=1)
def shipped_heads() -> Heads:
    """Return the models that come with the package; `bench.alignment.relations` fits them."""
    return Heads.from_json(json.loads(resources.files(__package__).joinpath(WEIGHTS).read_text("utf-8")))
