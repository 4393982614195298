"""Train the weights of the evidence method: `python -m bench.alignment.train`.

Trains on the declared training split only (`bench/alignment/tasks.py`) and on the simulator. What
the second look learns from comes from models that have not seen the pair's fold (cross-fitting),
so that it knows how unsure the first look really is; its probabilities are calibrated the same way,
after the rules (`bench/alignment/calibrate.py`). Finished steps are kept in `--work` and not done
again by the same code; the same seed gives the same weights.
"""

from __future__ import annotations

import argparse
import hashlib
import pickle
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression

from bench.alignment import calibrate, data, heads, splits, tasks
from bench.alignment.heads import EVERY, FIRST
from bench.alignment.tasks import Task, task, training_cases
from mep3m import alignment
from mep3m.alignment.learned import boosted
from mep3m.alignment.learned.boosted import Boosted, Weights, mean
from mep3m.alignment.learned.features import Features, mirrored
from mep3m.alignment.learned.proposer import widened
from mep3m.alignment.learned.structure import FirstLook, Pairs, inherited, structure

Heads = tuple[Boosted, Boosted]
#: folds whose unseeing heads are made for the second look; each takes minutes, two have seen everything
MODELS = 2
#: sources whose change makes the kept tasks, and the kept models, out of date
_OF_TASKS = (
    *(f"names/{name}" for name in ("compare.py", "concepts.py", "concepts.txt", "kinds.py", "kinds.txt")),
    "names/in_titles.py",
    *(f"learned/{name}" for name in ("features.py", "products.py", "titles.py")),
)
_OF_MODELS = ("learned/structure.py", "learned/boosted.py", "learned/leaves.py")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(boosted.__file__).parent / boosted.WEIGHTS)
    parser.add_argument("--work", type=Path, default=Path("/tmp/mep3m-alignment"))
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    weights = Training(options.work, options.seed).weights()
    options.out.write_bytes(weights.to_json())
    print(f"{options.out}: {options.out.stat().st_size:,} bytes", file=sys.stderr)


class Training:
    """The steps of one training, each kept in a folder of its own code and seed."""

    def __init__(self, work: Path, seed: int, names: tuple[list[str], list[str]] = (FIRST, EVERY)) -> None:
        own = Path(alignment.__file__ or "").parent
        digest = _digest([*(own / name for name in _OF_TASKS), *map(_source, (data, splits, tasks))])
        models = _digest([*(own / name for name in _OF_MODELS), _source(heads)], *names[1])
        self._tasks = work / f"tasks-{digest}"
        self._models = self._tasks / f"models-{models}-{seed}"
        self._models.mkdir(parents=True, exist_ok=True)
        self._names, self._seed = names, seed
        self._made: dict[tuple[int, int], Heads] = {}

    def weights(self) -> Weights:
        """Return the weights of both looks, calibrated on folds that their parts have not seen."""
        judged, odds = self._odds
        first, second = self._mean(0), self._mean(1)
        equal, inner = _platt(judged, odds)
        exact, narrower = (
            replace(model, scale=scale, shift=shift)
            for model, (scale, shift) in zip(second, (equal, inner), strict=True)
        )
        return Weights(*first, exact, narrower, calibrate.curves(self.unseen()), self._seed)

    @cached_property
    def tasks(self) -> list[Task]:
        """Return the training tasks with the features of the first look."""
        return [
            _kept(self._tasks / f"{k:03}.pickle", partial(task, *one))
            for k, one in enumerate(_kept(self._tasks / "cases.pickle", lambda: list(training_cases())))
        ]

    def _look_again(self, one: Task) -> Task:
        return second(one, *self._heads(0, one.fold))

    @cached_property
    def second(self) -> list[Task]:
        """Return the tasks with the features of the second look, by first looks that have not seen them."""
        return [
            _kept(self._models / f"{k:03}.pickle", partial(self._look_again, one))
            for k, one in enumerate(self.tasks)
        ]

    def unseen(self) -> list[tuple[Task, np.ndarray]]:
        """Return tasks with their kinds (pairs, 3), by models of the second look that have not seen them."""
        judged, odds = self._odds
        equal, inner = _platt(judged, odds)
        return [(one, _kinds(of, equal, inner)) for one, of in zip(judged, odds, strict=True)]

    def _heads(self, look: int, fold: int) -> Heads:
        """Return the heads of the first (0) or second (1) look that have not seen a fold."""

        def make() -> Heads:
            rest = [one for one in (self.second if look else self.tasks) if one.fold != fold]
            labels = [one.labels() for one in rest]
            return heads.heads([one.features for one in rest], labels, self._names[look], self._seed)

        if (look, fold) not in self._made:
            name = f"{('first', 'second')[look]}-{fold}.pickle"
            self._made[look, fold] = _kept(self._models / name, make)
        return self._made[look, fold]

    def _mean(self, look: int) -> Heads:
        """Return the mean of the heads of `MODELS` folds; together they have seen every task."""
        exact, narrower = zip(*(self._heads(look, fold) for fold in range(MODELS)), strict=True)
        return mean(exact), mean(narrower)

    @cached_property
    def _odds(self) -> tuple[list[Task], list[np.ndarray]]:
        """Return the tasks of `MODELS` folds, and the log odds (3, pairs) that unseeing heads give each."""
        judged = [one for one in self.second if one.fold < MODELS]
        odds = []
        for one in judged:
            exact, narrower = self._heads(1, one.fold)
            back = mirrored(one.features)
            equal = (exact.raw(one.features) + exact.raw(back)) / 2
            odds.append(np.stack([equal, narrower.raw(one.features), narrower.raw(back)]))
        return judged, odds


def _platt(judged: list[Task], odds: list[np.ndarray]) -> tuple[tuple[float, float], ...]:
    """Return Platt's (scale, shift) of both heads, fitted on log odds of pairs that were not seen."""
    equal, within, back = np.concatenate(odds, axis=1)
    y, weight = (np.concatenate(of) for of in zip(*(one.labels() for one in judged), strict=True))
    return (
        _scale(equal, y == 1, weight),
        _scale(np.r_[within, back], np.r_[y == 2, y == 3], np.r_[weight, weight]),
    )


def second(one: Task, exact: Boosted, narrower: Boosted) -> Task:
    """Return a task with the pairs and features of its second look, by these heads of the first."""
    assert one.evidence is not None  # it is let go once this is done
    first = _look(one.features, exact, narrower)
    more = Pairs(*inherited(one.left, one.right, one.pairs, first.exact), len(one.case.right))
    pairs, features = widened(one.evidence, one.pairs, dict(one.features), more)
    first = _look(features, exact, narrower)
    features |= structure(one.left, one.right, pairs, first, features["script"])
    return replace(one, pairs=pairs, features=features, evidence=None)


def _look(features: Features, exact: Boosted, narrower: Boosted) -> FirstLook:
    back = mirrored(features)
    return FirstLook(
        exact.probability(features, back), narrower.probability(features), narrower.probability(back)
    )


def _kinds(odds: np.ndarray, equal: tuple[float, float], inner: tuple[float, float]) -> np.ndarray:
    scaled = [a * of + b for of, (a, b) in zip(odds, (equal, inner, inner), strict=True)]
    return 1 / (1 + np.exp(-np.clip(np.stack(scaled, axis=1), -30, 30)))


def _scale(odds: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    platt = LogisticRegression(C=1e6).fit(odds.reshape(-1, 1), y, sample_weight=weight)
    return float(platt.coef_.item()), float(platt.intercept_.item())


def _kept(path: Path, make: Callable[[], Any]) -> Any:
    """Return what is kept in the file, or make and keep it."""
    if path.exists():
        return pickle.loads(path.read_bytes())
    start = time.perf_counter()
    made = make()
    partly = path.with_suffix(".part")
    partly.write_bytes(pickle.dumps(made, protocol=5))
    partly.rename(path)
    print(f"{path.name}: {time.perf_counter() - start:.1f} s", file=sys.stderr, flush=True)
    return made


def _digest(files: list[Path], *more: str) -> str:
    text = b"".join(path.read_bytes() for path in files) + " ".join(more).encode()
    return hashlib.sha256(text).hexdigest()[:12]


def _source(module: Any) -> Path:
    return Path(module.__file__)


if __name__ == "__main__":
    main()
