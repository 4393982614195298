"""How often the intervals of a card hold: tables drawn from populations whose scores are known.

A population is a table of chances of (truth, answer): classes as frequent as 1 / rank ** tail, right as
often as its kind says, mistakes spread at random over the others. An interval of Top-1 has to hold the
chance that an answer is right; one of macro F1 the mean of the true F1 of the classes that occur in the table
(`all`: of all classes).
`before`: the bootstrap of decision 108.

    python -m bench.intervals --tables 1000
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mep3m.evaluation.intervals import Interval, macro_f1_interval, share_interval
from mep3m.evaluation.metrics import accuracy, macro_f1

KINDS = [("alike", 0.7), ("alike", 0.9), ("alike", 0.99), ("worse in the tail", 0.8)]
KINDS += [("better in the tail", 0.7), ("mixed", 0.7)]
SIZES = [
    (2, 50),
    (2, 100),
    (5, 100),
    (10, 100),
    (10, 1000),
    (100, 1000),
    (100, 5000),
    (500, 1000),
    (500, 10_000),
]
TAILS = (0.0, 1.0, 1.5)


@dataclass(frozen=True)
class Population:
    """Chances (C, C) of truth and answer, which sum to 1."""

    chances: NDArray[np.float64]

    @classmethod
    def draw(cls, classes: int, tail: float, kind: str, right: float, seed: int) -> Population:
        """Make the population of one kind; `right` is about how often an answer is right."""
        random = np.random.default_rng(seed)
        share = 1 / np.arange(1, classes + 1) ** tail
        share /= share.sum()
        hits = {
            "alike": np.full(classes, right),
            "worse in the tail": np.linspace(min(right + 0.1, 0.995), right - 0.4, classes),
            "better in the tail": np.linspace(right - 0.2, min(right + 0.2, 0.999), classes),
            "mixed": random.beta(2 * right, 2 - 2 * right, classes),
        }[kind]
        chances = np.zeros((classes, classes))
        for column in range(classes):
            errors = share.copy() if kind == "alike" else random.dirichlet(np.full(classes, 0.3))
            errors[column] = 0
            chances[column] = (1 - hits[column]) * errors / errors.sum()
            chances[column, column] = hits[column]
        return cls(chances * share[:, None])

    @property
    def f1(self) -> NDArray[np.float64]:
        """The true F1 of each class (C,)."""
        f1: NDArray[np.float64] = 2 * np.diag(self.chances) / (self.chances.sum(0) + self.chances.sum(1))
        return f1


@dataclass
class Held:
    """In which share of the tables an interval held, and its mean width."""

    held: float = 0.0
    width: float = 0.0

    def add(self, interval: Interval, true: float, tables: int) -> None:
        """Count one table of so many."""
        self.held += (interval.low <= true <= interval.high) / tables
        self.width += (interval.high - interval.low) / tables


def coverage(population: Population, rows: int, tables: int, seed: int, before: int = 0) -> dict[str, Held]:
    """Draw tables of so many rows and return how often each interval held; `before`: bootstrap draws."""
    random, classes = np.random.default_rng(seed), len(population.chances)
    held = {name: Held() for name in ("top1", "macro_f1", "all", "top1 before", "macro_f1 before")}
    reached, f1, right = population.chances.cumsum(), population.f1, float(np.trace(population.chances))
    for _ in range(tables):
        cells = np.minimum(np.searchsorted(reached, random.random(rows), "right"), len(reached) - 1)
        truth, predicted = np.divmod(cells, classes)
        occurring = float(f1[np.union1d(truth, predicted)].mean())
        held["top1"].add(share_interval(predicted == truth), right, tables)
        interval = macro_f1_interval(predicted, truth, classes)
        held["macro_f1"].add(interval, occurring, tables)
        held["all"].add(interval, float(f1.mean()), tables)
        if before:
            top1, macro = bootstrap(predicted, truth, classes, random, before)
            held["top1 before"].add(top1, right, tables)
            held["macro_f1 before"].add(macro, occurring, tables)
    return held


def bootstrap(
    predicted: NDArray[np.int64],
    truth: NDArray[np.int64],
    classes: int,
    random: np.random.Generator,
    draws: int,
) -> tuple[Interval, Interval]:
    """Return the intervals of Top-1 and macro F1 that cards had before: percentiles moved to the score."""
    made = []
    for score in (accuracy, macro_f1):
        value, values = score(predicted, truth, classes), np.empty(draws)
        for draw in range(draws):
            rows = random.integers(0, len(truth), len(truth))
            values[draw] = score(predicted[rows], truth[rows], classes)
        low, high = np.clip(np.quantile(values, [0.025, 0.975]) + value - values.mean(), 0, 1)
        made.append(Interval(value, float(low), float(high)))
    return made[0], made[1]


def main() -> None:
    """Print a table a size: the worst and the mean coverage over the kinds of populations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--before", type=int, default=0, metavar="DRAWS")
    parser.add_argument("--classes", type=int, help="Only the sizes with so many classes.")
    arguments = parser.parse_args()
    print(
        "| classes | rows | tail | Top-1 worst · mean | macro F1 worst · mean | width | all classes worst |",
        end="",
    )
    print(" before: Top-1 worst | macro F1 worst |" if arguments.before else "")
    print("|---" * (9 if arguments.before else 7) + "|")
    for classes, rows in [size for size in SIZES if arguments.classes in (None, size[0])]:
        for tail in TAILS:
            found = [
                coverage(
                    Population.draw(classes, tail, *kind, seed),
                    rows,
                    arguments.tables,
                    seed,
                    arguments.before,
                )
                for seed, kind in enumerate(KINDS)
            ]
            top1, macro, every = ([one[name].held for one in found] for name in ("top1", "macro_f1", "all"))
            width = np.mean([one["macro_f1"].width for one in found])
            line = f"| {classes} | {rows:,} | {tail:g} | {min(top1):.3f} · {np.mean(top1):.3f} "
            line += f"| {min(macro):.3f} · {np.mean(macro):.3f} | {width:.3f} | {min(every):.3f} |"
            if arguments.before:
                old = [min(one[name].held for one in found) for name in ("top1 before", "macro_f1 before")]
                line += f" {old[0]:.3f} | {old[1]:.3f} |"
            print(line, flush=True)


if __name__ == "__main__":
    main()
