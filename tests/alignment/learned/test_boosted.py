"""Trees in JSON: what they add up to, unknown values included, and what the shipped ones may hold."""

import numpy as np
import pytest

from mep3m.alignment.learned.boosted import (
    SUREST,
    Boosted,
    Weights,
    mean,
    probability,
    read_weights,
    shipped_weights,
)

STUMP = {
    "feature": np.array([1, -1, -1]), "threshold": np.array([0.5, 0, 0]), "left": np.array([1, 0, 0]),
    "right": np.array([2, 0, 0]), "missing": np.array([0, 0, 0]), "value": np.array([0.0, -1.0, 2.0]),
}  # fmt: skip


def test_a_stump_by_hand() -> None:
    model = Boosted(("a", "b"), 0.25, (STUMP, STUMP))
    raw = model.raw({"b": np.array([0.5, 0.6, np.nan])})
    assert raw.tolist() == [-1.75, 4.25, 4.25]
    assert model.probability({"b": np.array([0.6])}).tolist() == pytest.approx([1 / (1 + np.exp(-4.25))])


def test_the_mean_of_models_has_the_mean_of_their_log_odds() -> None:
    other = STUMP | {"value": np.array([0.0, 3.0, -0.5]), "feature": np.array([0, -1, -1])}
    one, two = Boosted(("a", "b"), 0.25, (STUMP, STUMP)), Boosted(("c", "a"), -0.75, (other,))
    columns = {
        "a": np.array([0.1, 0.9, np.nan]),
        "b": np.array([0.4, 0.6, 0.7]),
        "c": np.array([0.2, 0.8, 1]),
    }
    expected = (one.raw(columns) + two.raw(columns)) / 2
    together = mean((one, two))
    assert together.features == ("a", "b", "c")
    assert together.raw(columns).tolist() == pytest.approx(expected.tolist())


def test_weights_survive_json() -> None:
    model = Boosted(("a", "b"), 0.25, (STUMP,), scale=2.0, shift=-1.0)
    curves = {"equal names": (1.0, 0.5, -0.25, 0.0)}
    weights = read_weights(Weights(model, model, model, model, curves, seed=3).to_json())
    assert (weights.curves, weights.seed) == (curves, 3)
    read = weights.narrower
    columns = {"b": np.array([0.2, 0.8])}
    assert read.probability(columns).tolist() == model.probability(columns).tolist()
    assert read.features == ("a", "b")


def test_the_shipped_weights_know_only_features_that_exist() -> None:
    from mep3m.alignment.learned.features import KINDS

    known = {name for names in KINDS.values() for name in names}
    weights = shipped_weights()
    for model in (weights.first_exact, weights.first_narrower, weights.exact, weights.narrower):
        assert set(model.features) <= known
        assert model.trees
    assert not set(weights.first_exact.features) & set(KINDS["structure"])


def test_the_shipped_curves_rise_and_stay_probabilities() -> None:
    from mep3m.alignment.learned.decide import GROUPS

    curves = shipped_weights().curves
    known = {f"{group} {what}" for group in GROUPS for what in ("names", "titles")}
    assert set(curves) <= known
    assert {"equal names", "equal titles", "inner names", "inner titles"} <= set(curves)
    scores = np.linspace(0, 1, 101)
    for curve in curves.values():
        said = [probability(scores, curve, fewest) for fewest in (1, 5, 1000)]
        assert (np.diff(said, axis=1) > 0).all(), "a higher score is a higher probability, also near 1"
        assert (np.diff(said, axis=0) >= 0).all(), "a handful of categories asks for more"
        assert all(one[0] == 0 and one[-1] <= SUREST for one in said)
