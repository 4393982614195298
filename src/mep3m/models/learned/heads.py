"""Three ways from kept statistics to scores of classes: nearest mean, ridge, and fine-tuning with replay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize, minimize_scalar

from mep3m.label_tree.probabilities import doubt, softmax
from mep3m.models.learned.statistics import ClassStatistics, Numbers

Method = Literal["ridge", "prototypes", "finetune"]
METHODS: tuple[str, ...] = get_args(Method)
#: how much of the covariance is replaced by its mean variance, the same in all directions
RIDGES = (0.1, 0.3, 0.5, 0.8)
#: mean variance of vectors of unit length below which nothing is known of the spread: the sums are of float32
SPREAD = 1e-6
#: fine-tuning: what a change of the ridge head by 1 costs beside the mean loss, and steps at most
PULL, STEPS = 1e-4, 60


class Head(NamedTuple):
    """Scores of C classes = vectors (N, D) @ `weights` (D, C) + `bias` (C,); their softmax is probability."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def proba(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, C) probabilities."""
        return softmax(vectors @ self.weights + self.bias)


def fit_head(kept: ClassStatistics, method: Method) -> Head:
    """Return the head of a method over all classes that are kept."""
    made: dict[str, Callable[[ClassStatistics], Head]] = {
        "ridge": ridge,
        "prototypes": prototypes,
        "finetune": finetune,
    }
    return made[method](kept)


def prototypes(kept: ClassStatistics) -> Head:
    """Return the nearest centred class mean by cosine (SimpleShot: Wang et al. 2019).

    The vectors are centred by the mean of the class means. That of a query is brought to unit length only
    before it is centred, so that its score is a linear function of it.
    """
    centre = kept.means.mean(0)
    own = _unit(kept.means - centre)
    scores = (kept.examples - centre) @ own.T
    many = kept.counts[kept.owners]
    # the own mean without the example itself
    alone = (kept.means[kept.owners] * many[:, None] - kept.examples) / np.maximum(many - 1, 1)[:, None]
    left_out = np.einsum("nd,nd->n", kept.examples - centre, _unit(alone - centre))
    scores[np.arange(len(scores)), kept.owners] = left_out
    factor = _factor(scores, kept)
    return _head(factor * own.T, -factor * (own @ centre))


def ridge(kept: ClassStatistics) -> Head:
    """Return the analytic head: classes of one covariance, with a ridge (Friedman 1989; Hayes & Kanan 2020).

    Ridge and temperature are those under which the kept examples are likeliest, each left out of the mean of
    its class and of the covariance (exactly, by a rank-one update): no rows have to be held out.
    """
    tried = [_Gaussian.of(kept, share) for share in RIDGES]
    left_out = [one.left_out(kept) for one in tried]
    factors = [_factor(scores, kept) for scores in left_out]
    losses = [_loss(factor, scores, kept) for factor, scores in zip(factors, left_out, strict=True)]
    best = int(np.argmin(losses))
    return _head(factors[best] * tried[best].weights, factors[best] * tried[best].bias)


class OneCovariance(NamedTuple):
    """Cholesky factor of a shrunk covariance S (D, D), weights S⁻¹μ (D, C) and biases -μ'S⁻¹μ / 2 (C,)."""

    factor: tuple[Numbers, bool]
    weights: Numbers
    bias: Numbers


def one_covariance(means: Numbers, within: Numbers, share: float) -> OneCovariance:
    """Return what makes scores of classes with means μ (C, D) and one covariance within them (D, D).

    `share` of it is replaced by its mean variance, the same in all directions (Friedman 1989).
    """
    level = float(np.trace(within)) / len(within)
    if level < SPREAD:  # one row a class, or the same ones: what is left is rounding
        within, level = np.zeros_like(within), 1.0
    covariance = (1 - share) * within
    covariance[np.diag_indices(len(covariance))] += share * level
    factor = cho_factor(covariance, overwrite_a=True)
    weights = cho_solve(factor, means.T)
    return OneCovariance(factor, weights, -0.5 * np.einsum("dc,cd->c", weights, means))


class _Gaussian(NamedTuple):
    """Scores x'Mμ - μ'Mμ / 2 of vectors x, with M the inverse of the shrunk covariance within classes."""

    factor: tuple[Numbers, bool]
    weights: Numbers
    bias: Numbers
    #: what a row of weight 1 adds to the covariance
    step: float

    @classmethod
    def of(cls, kept: ClassStatistics, share: float) -> _Gaussian:
        means, total = kept.means, float(kept.weights.sum())
        within = (kept.products - (means * kept.weights[:, None]).T @ means) / total
        return cls(*one_covariance(means, within, share), (1 - share) / total)

    def left_out(self, kept: ClassStatistics) -> Numbers:
        """Return the scores (M, C) of the examples, each as if it had not been learned from."""
        x, own = kept.examples.astype(np.float64), kept.owners
        many = np.maximum(kept.counts[own], 2)
        away = x - kept.means[own]
        turned = cho_solve(self.factor, away.T).T
        taken = self.step * many / (many - 1) / np.sqrt(kept.counts[own])
        gain = taken / np.maximum(1 - taken * np.einsum("nd,nd->n", away, turned), 1e-3)
        along, self_along = turned @ kept.means.T, np.einsum("nd,nd->n", x, turned)
        scores = x @ self.weights + self.bias
        scores += (gain * self_along)[:, None] * along - 0.5 * gain[:, None] * along**2
        mean = kept.means[own] - away / (many - 1)[:, None]
        inverse = self.weights.T[own] - turned / (many - 1)[:, None]
        along_mean = np.einsum("nd,nd->n", turned, mean)
        scores[np.arange(len(x)), own] = (
            np.einsum("nd,nd->n", x - 0.5 * mean, inverse)
            + gain * self_along * along_mean
            - 0.5 * gain * along_mean**2
        )
        return scores


def finetune(kept: ClassStatistics) -> Head:
    """Return the ridge head after gradient steps on the kept examples of old and new classes together.

    Every class counts the same; the head is drawn back to where it began.
    """
    start = ridge(kept)
    begin = np.vstack([start.weights, start.bias]).astype(np.float64)
    x = np.hstack([kept.examples, np.ones((len(kept.examples), 1))]).astype(np.float64)
    sizes = np.bincount(kept.owners, minlength=len(kept))
    share = 1 / (sizes[kept.owners] * len(kept))
    rows = np.arange(len(x))

    def loss(flat: Numbers) -> tuple[float, Numbers]:
        change = flat.reshape(begin.shape)
        found = _softmax(x @ (begin + change))
        value = -float(share @ np.log(np.maximum(found[rows, kept.owners], 1e-12)))
        found[rows, kept.owners] -= 1
        slope = x.T @ (found * share[:, None]) + PULL * change
        return value + 0.5 * PULL * float((change**2).sum()), slope.ravel()

    found = minimize(loss, np.zeros(begin.size), jac=True, method="L-BFGS-B", options={"maxiter": STEPS})
    tuned = begin + found.x.reshape(begin.shape)
    return _head(tuned[:-1], tuned[-1])


def _factor(scores: Numbers, kept: ClassStatistics) -> float:
    """Return the factor of (M, C) scores under which the owners of the examples are likeliest."""
    spread = max(float(np.std(scores)), 1e-12)
    found = minimize_scalar(
        lambda power: _loss(np.exp(power) / spread, scores, kept), bounds=(-4.0, 5.0), method="bounded"
    )
    return float(np.exp(found.x) / spread)


def _loss(factor: float, scores: Numbers, kept: ClassStatistics) -> float:
    """Return the mean over classes of -log P, nats, with `doubt`: few examples make no head certain.

    A class of one row says nothing of itself.
    """
    told = kept.counts[kept.owners] > 1
    if not told.any():
        return 0.0
    sizes = np.bincount(kept.owners[told], minlength=len(kept))
    right = _softmax(factor * scores[told])[np.arange(int(told.sum())), kept.owners[told]]
    unsure = doubt(len(right))
    losses = -(1 - unsure) * np.log(np.maximum(right, 1e-9)) - unsure * np.log(np.maximum(1 - right, 1e-9))
    return float((losses / sizes[kept.owners[told]]).sum() / (sizes > 0).sum())


def _softmax(scores: Numbers) -> Numbers:
    made: Numbers = softmax(scores.astype(np.float32)).astype(np.float64)
    return made


def _unit(vectors: Numbers) -> Numbers:
    made: Numbers = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return made


def _head(weights: Numbers, bias: Numbers) -> Head:
    return Head(weights.astype(np.float32), bias.astype(np.float32))
