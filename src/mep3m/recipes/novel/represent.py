"""`mep3m represent`: accuracy on all and on novel products, seed by seed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.dataset.reading import Opened
from mep3m.evaluation.intervals import Interval, mean_interval, share_interval
from mep3m.label_tree.tree import LabelPath
from mep3m.recipes.novel.draw import NovelDraw
from mep3m.recipes.novel.plan import NovelPlan, NovelProtocol, make_plan
from mep3m.recipes.novel.start import Start
from mep3m.recipes.novel.transfer import Transfer

#: Table 9 of the paper, in shares: accuracy on all and on novel classes of RPC
PAPER = {"without pre-training": (0.5963, 0.5205), "with pre-training": (0.6440, 0.6401)}
#: whose accuracy is measured
PARTS = ("all", "novel", "base")


@dataclass(frozen=True)
class SeedScore:
    """Accuracies of one seed with their intervals over test rows; `None` where there was none to test on."""

    seed: int
    all: Interval
    novel: Interval | None
    base: Interval | None
    rows: int
    #: test rows of classes that the table does not have: they count as wrong
    unseen: int


@dataclass(frozen=True)
class Represented:
    """The scores of every seed, how they were made, and what has to be known of the data."""

    plan: NovelPlan
    start: Start
    scores: tuple[SeedScore, ...]

    def mean(self, part: str) -> Interval | None:
        """Return the accuracy of a part: of several seeds the mean, with an interval over seeds."""
        found = [one for score in self.scores if (one := getattr(score, part)) is not None]
        if len(found) < 2:
            return found[0] if found else None
        return mean_interval([one.value for one in found])

    def to_json(self) -> dict[str, Any]:
        """Return what `mep3m represent --json` prints."""
        means = {part: self.mean(part) for part in PARTS}
        draw = self.plan.draws[0]
        return {
            **{part: one.value if one else None for part, one in means.items()},
            "base_classes": len(draw.base),
            "novel_classes": len(draw.novel),
            "intervals": {part: {"low": one.low, "high": one.high} for part, one in means.items() if one},
            "seeds": [asdict(score) for score in self.scores],
            "protocol": {"name": "novel", **asdict(self.plan.protocol)},
            "start": self.start.facts(),
            "paper": {name: {"all": both, "novel": novel} for name, (both, novel) in PAPER.items()},
            "fewer": self.plan.fewer,
            "small_groups": self.plan.small_groups,
            "unlabelled": self.plan.unlabelled,
            "unreadable_images": len(self.plan.rejects),
        }


def represent(
    opened: Opened,
    tested: Opened | None,
    start: Start,
    protocol: NovelProtocol,
    say: Callable[[str], None] = lambda line: None,
) -> Represented:
    """Draw novel classes and pictures, train on base classes, transfer to all, and score: once a seed.

    Without `tested`, the pictures of the table that are not learned from are the test. Everything is drawn
    and looked at, and `say` told what is odd, before anything is trained.

    Raises:
        UsageError: no novel class can be drawn, a class has no readable picture, or nothing is left to test.
    """
    with tempfile.TemporaryDirectory(prefix="mep3m-represent-") as temporary:
        folder = Path(temporary)
        plan = make_plan(opened, tested, protocol, folder / "looked-at")
        for line in plan.remarks():
            say(line)
        rows = np.unique(np.concatenate(plan.tests))
        work = Transfer(start, plan.table, plan.test, rows, folder)
        scores = []
        for seed, draw, tests in zip(protocol.seeds, plan.draws, plan.tests, strict=True):
            answers = dict(zip(rows.tolist(), work.answers(draw, seed), strict=True))
            truth = [plan.test.paths[row] for row in tests.tolist()]
            right = np.array([answers[row] == one for row, one in zip(tests.tolist(), truth, strict=True)])
            scores.append(score(seed, draw, truth, right))
        return Represented(plan, start, tuple(scores))


def score(seed: int, draw: NovelDraw, truth: Sequence[LabelPath], right: NDArray[np.bool_]) -> SeedScore:
    """Return the accuracies of one seed; `truth` are the classes of its test rows, `right` (n,) the hits."""
    parts = set(draw.novel), set(draw.base)
    novel, base = (np.array([path in part for path in truth]) for part in parts)
    return SeedScore(
        seed,
        share_interval(right),
        share_interval(right[novel]) if novel.any() else None,
        share_interval(right[base]) if base.any() else None,
        len(truth),
        int((~novel & ~base).sum()),
    )
