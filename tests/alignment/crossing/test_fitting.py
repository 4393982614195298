"""The two models, fitted on pairs whose relation is known."""

from dataclasses import replace

import numpy as np

from mep3m.alignment.crossing.fitting import Labelled, fit_heads
from mep3m.alignment.crossing.heads import Heads
from mep3m.alignment.crossing.relation import relations
from tests.alignment.crossing.test_relation import LEFT, PAIRS, RIGHT, crossing, known


def labelled() -> Labelled:
    """Return nine pairs: appliances hold television sets, tea is tea."""
    broader = np.array([pair == (0, 0) for pair in PAIRS], float)
    equal = np.array([pair == (1, 1) for pair in PAIRS], float)
    said = known(exact=0.9 * equal, same=equal, broader=0.6 * broader, names=0.5 * (equal + broader))
    return Labelled(LEFT, RIGHT, crossing(), said, equal, equal + broader, equal)


def test_what_was_shown_is_learned_with_its_direction() -> None:
    one = labelled()
    found = relations(LEFT, RIGHT, one.crossing, one.known, fit_heads([one], strength=100))
    said = dict(zip(PAIRS, found, strict=True))
    assert (said[0, 0].argmax(), said[1, 1].argmax()) == (2, 0)
    assert min(said[0, 0].max(), said[1, 1].max()) > 0.5
    assert max(said[pair].max() for pair in PAIRS if pair not in {(0, 0), (1, 1)}) < 0.5


def test_a_weight_counts_as_so_many_copies() -> None:
    one = labelled()
    twice, heavy = fit_heads([one, one]), fit_heads([replace(one, weight=2.0)])
    assert np.allclose(twice.equal.weights, heavy.equal.weights, atol=1e-2)
    assert np.allclose(twice.within.weights, heavy.within.weights, atol=1e-2)


def test_fitted_models_can_be_written_and_read() -> None:
    heads = fit_heads([labelled()])
    assert Heads.from_json(heads.to_json()).to_json() == heads.to_json()
