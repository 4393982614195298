"""The merge tests itself: a classifier that has not seen a platform files its rows.

Leave-one-platform-out. If two platforms' categories are rightly one, what was learned from the others files
the rows of the one left out there; where a category is in a wrong place, most of its rows land elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.dataset.dataset import Dataset, LabelPath
from mep3m.errors import UsageError
from mep3m.models.classifier import Classifier
from mep3m.settings.run import RunSettings
from mep3m.training.registry import find
from mep3m.training.task import make_task

#: levels that are tested
LEVELS = 2
#: rows of the other platforms that are learned from, rows of the platform that are filed, at most
MOST_ROWS = 20_000
#: rows of one merged category that are learned from: more would draw everything to it (decision 175)
MOST_LEARNED = 300
#: rows of one category that are filed: at most, and at least where there are many categories
MOST_OF_CATEGORY, LEAST_OF_CATEGORY = 100, 5
#: filed rows of a category from which on the test says something about it
ENOUGH = 5
#: rows filed at once: the answer holds (rows, nodes) probabilities
CHUNK = 2_000

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class HeldOutLevel:
    """One level of one platform: share of the `rows` that landed where the merge put them, `None` without.

    `uncounted` are the rows whose category no other platform has, or that have no text.
    """

    level: int
    rows: int
    uncounted: int
    accuracy: float | None


@dataclass(frozen=True)
class HeldOutPlatform:
    """One platform, filed by what was learned on `trained_on` rows of the others; `reason`: why not."""

    platform: str
    trained_on: int
    levels: tuple[HeldOutLevel, ...]
    reason: str = ""


@dataclass(frozen=True)
class Elsewhere:
    """A category most of whose rows land elsewhere than they were placed.

    `under` is the path of label ids where most of them land, `share` the share of all its filed rows there.
    """

    platform: str
    path: tuple[str, ...]
    under: LabelPath
    share: float


@dataclass(frozen=True)
class SelfTest:
    """Every platform left out once, and the categories that the others contradict."""

    platforms: tuple[HeldOutPlatform, ...]
    elsewhere: tuple[Elsewhere, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the results as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SelfTest:
        """Return the results of `to_json`."""
        platforms = [
            HeldOutPlatform(**{**one, "levels": tuple(HeldOutLevel(**level) for level in one["levels"])})
            for one in value["platforms"]
        ]
        elsewhere = [
            Elsewhere(**{**one, "path": tuple(one["path"]), "under": tuple(one["under"])})
            for one in value["elsewhere"]
        ]
        return cls(tuple(platforms), tuple(elsewhere))


def leave_one_platform_out(dataset: Dataset, seed: int = 0) -> SelfTest | None:
    """Test the first two levels of a merged dataset; `None` where fewer than two platforms have labels."""
    rows = _Rows(dataset)
    platforms = sorted(set(rows.platform[rows.labelled].tolist()))
    if len(platforms) < 2:
        return None
    tested = [_leave_out(rows, platform, seed) for platform in platforms]
    return SelfTest(
        tuple(platform for platform, _ in tested), tuple(one for _, filed in tested for one in filed)
    )


class _Rows:
    """The rows of a dataset: (N,) platform, (N,) whether there is a label, and the paths of two levels."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.paths: list[LabelPath] = [path[:LEVELS] for path in dataset.paths]
        self.labelled = np.array([bool(path) for path in self.paths], dtype=np.bool_)
        self.platform = np.array(dataset.products["source"].to_pylist(), dtype=object)

    def learned(self, rows: Ints, draw: np.random.Generator) -> Ints:
        """Return up to `MOST_LEARNED` rows of each merged category, and up to `MOST_ROWS` in all."""
        numbers: dict[LabelPath, int] = {}
        category = np.array([numbers.setdefault(self.paths[row], len(numbers)) for row in rows], np.int64)
        return _at_random(rows[_some_of_each(category, MOST_LEARNED, draw)], draw)

    def take(self, rows: Ints) -> Dataset:
        """Return some rows, labelled down to the second level."""
        cut = tuple(self.paths[row] for row in rows)
        return Dataset(self.dataset.take(rows).products, cut)


@dataclass(frozen=True)
class _Filed:
    """Rows that were filed: (n,) place, (n,) category number, (n,) how many rows each stands for.

    `truth` and `answer` (n, LEVELS) are nodes of `tree_paths`, a truth of -1 is not counted.
    """

    categories: Sequence[tuple[str, ...]]
    category: Ints
    weight: NDArray[np.float64]
    truth: NDArray[np.int32]
    answer: NDArray[np.int32]
    tree_paths: Sequence[LabelPath]
    labelled: NDArray[np.bool_]


def _leave_out(rows: _Rows, platform: str, seed: int) -> tuple[HeldOutPlatform, list[Elsewhere]]:
    """Learn from the other platforms, file the rows of this one."""
    draw = np.random.default_rng(seed)
    others = rows.learned(np.flatnonzero(rows.labelled & (rows.platform != platform)), draw)
    try:
        classifier = _learn(rows.take(others), seed)
    except UsageError as error:
        return HeldOutPlatform(platform, len(others), (), str(error)), []
    mine = np.flatnonzero(rows.labelled & (rows.platform == platform))
    filed = _file(classifier, rows, mine, draw)
    levels = tuple(
        _score(filed, level) for level in range(1, LEVELS + 1) if filed.labelled[:, level - 1].any()
    )
    return HeldOutPlatform(platform, len(others), levels), list(_contradicted(filed, platform))


def _learn(dataset: Dataset, seed: int) -> Classifier:
    """Train the linear text classifier as any other training does.

    Raises:
        UsageError: there are not two classes, or no titles.
    """
    settings = RunSettings(seed=seed)
    with TemporaryDirectory() as folder:
        return find(settings)(make_task(dataset, settings), Path(folder)).classifier


def _file(classifier: Classifier, rows: _Rows, mine: Ints, draw: np.random.Generator) -> _Filed:
    """File up to `MOST_ROWS` rows of a platform, as evenly over its categories as they go."""
    shop_paths = rows.dataset.products["source_path"].take(mine).to_pylist()
    numbers: dict[tuple[str, ...], int] = {}
    category = np.array(
        [numbers.setdefault(tuple(path or ()), len(numbers)) for path in shop_paths], np.int64
    )
    most = max(LEAST_OF_CATEGORY, min(MOST_OF_CATEGORY, MOST_ROWS // len(numbers)))
    chosen = _at_random(_some_of_each(category, most, draw), draw)
    total, sampled = np.bincount(category), np.bincount(category[chosen], minlength=len(numbers))
    category = category[chosen]
    dataset, tree = rows.take(mine[chosen]), classifier.tree
    truth = np.full((len(chosen), LEVELS), -1, dtype=np.int32)
    answer = np.full_like(truth, -1)
    codes = tree.encode(dataset.cells)  # type: ignore[arg-type]  # without gaps, see `_Rows.take`
    depth = codes.shape[1]
    truth[:, :depth] = codes
    for start in range(0, len(chosen), CHUNK):
        part = slice(start, start + CHUNK)
        prediction = classifier.predict(dataset.products.slice(start, CHUNK))
        for level in range(1, depth + 1):
            nodes = tree.nodes(level)
            answer[part, level - 1] = prediction.proba[:, nodes].argmax(axis=1) + nodes.start
        truth[part][~prediction.seen] = -1
    labelled = np.array([[len(path) >= level for level in range(1, LEVELS + 1)] for path in dataset.cells])
    weight = total[category] / sampled[category]
    return _Filed(list(numbers), category, weight, truth, answer, tree.paths, labelled)


def _some_of_each(category: Ints, most: int, draw: np.random.Generator) -> Ints:
    """Return up to `most` rows of each category, at random, in the order of the rows."""
    shuffled = draw.permutation(len(category))
    order = shuffled[np.argsort(category[shuffled], kind="stable")]
    counts = np.bincount(category)
    rank = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.sort(order[rank < most])


def _at_random(rows: Ints, draw: np.random.Generator) -> Ints:
    """Return up to `MOST_ROWS` of the rows, in their order."""
    return rows if len(rows) <= MOST_ROWS else np.sort(draw.choice(rows, MOST_ROWS, replace=False))


def _score(filed: _Filed, level: int) -> HeldOutLevel:
    truth, answer = filed.truth[:, level - 1], filed.answer[:, level - 1]
    counted = truth >= 0
    rows = float(filed.weight[counted].sum())
    right = float(filed.weight[counted & (truth == answer)].sum())
    left_out = float(filed.weight[filed.labelled[:, level - 1] & ~counted].sum())
    return HeldOutLevel(level, round(rows), round(left_out), right / rows if rows else None)


def _contradicted(filed: _Filed, platform: str) -> Iterator[Elsewhere]:
    """Yield the categories most of whose rows land elsewhere, by the first level at which they do."""
    order = np.argsort(filed.category, kind="stable")
    cuts = np.flatnonzero(np.diff(filed.category[order])) + 1
    for rows in np.split(order, cuts) if len(order) else ():
        for level in range(LEVELS):
            truth, answer = filed.truth[rows, level], filed.answer[rows, level]
            counted = truth >= 0
            astray = Counter(answer[counted & (answer != truth)].tolist())
            if counted.sum() < ENOUGH or 2 * astray.total() <= counted.sum():
                continue
            node, times = min(astray.items(), key=lambda one: (-one[1], one[0]))
            share = times / int(counted.sum())
            yield Elsewhere(
                platform, filed.categories[filed.category[rows[0]]], filed.tree_paths[node], share
            )
            break
