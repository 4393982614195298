"""Train, predict, assign and evaluate, with frames, lists of titles and paths."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import numpy as np
import pyarrow as pa

from mep3m.assignment.answer import NOTHING_BESIDE, Assignment, Beside
from mep3m.assignment.answer import assign as answer
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.run import Run
from mep3m.errors import UsageError
from mep3m.imaging.look import Look
from mep3m.label_tree.probabilities import by_name, make_coherent
from mep3m.public.evaluation import Scores
from mep3m.public.frames import Frame
from mep3m.public.inputs import ColumnNames, PathLike
from mep3m.public.product_set import load
from mep3m.public.rows import Asked, ask
from mep3m.recipes.classify import evaluate_run, train_run
from mep3m.recipes.finished import finished_card, made_from
from mep3m.settings.run import MIN_CONFIDENCE, HierarchyStrategy, Modality, RunSettings
from mep3m.settings.sources import Columns
from mep3m.store.json_files import read_json
from mep3m.training.registry import default_model

#: products that are classified at once
BATCH = 8192


@dataclass(frozen=True)
class Answer:
    """The most probable class of one product.

    `path` holds the labels from the first level down, as they were trained on, `names` the same as people
    read them (a run trained on a store has ids as labels), and `probability` that of the whole path.
    """

    id: str
    path: tuple[str, ...]
    names: tuple[str, ...]
    probability: float
    reason: str | None = None


@dataclass(frozen=True, repr=False)
class TrainedRun:
    """A trained classifier in its folder; `mep3m.train` and `mep3m.load_run` give one.

    What it reads may be a list of titles, a frame, a list of dicts, a `ProductSet`, or the path of a
    table or a store. The columns are those of training unless others are named (`ColumnNames`).

    Example:
        >>> run = mep3m.load_run("run")
        >>> run.labels(1)
        ['数码', '水果']
        >>> answers = run.predict(["苹果 5斤 整箱", "手机壳 防摔"])
        >>> [answer.path for answer in answers]
        [('水果', '苹果'), ('数码', '手机壳')]
        >>> answers["level_1"]
        ['水果', '数码']
        >>> run.predict_proba(["苹果 5斤 整箱"], level=1).columns
        ['id', '数码', '水果']
        >>> [filed.review for filed in run.assign(["红富士苹果 整箱", "好东西"], min_confidence=0.5)]
        [False, True]
    """

    folder: Path
    run: Run

    def __repr__(self) -> str:
        settings, leaves = self.run.settings, len(self.run.classifier.tree.leaves)
        return f"<TrainedRun {self.folder}: {settings.model}, {settings.modality}, {leaves} classes>"

    @property
    def depth(self) -> int:
        """The number of label levels."""
        return self.run.classifier.tree.depth

    @property
    def card(self) -> Scores:
        """The scores on the rows that training held out."""
        return Scores.of(read_json(self.folder / "card.json"))

    def labels(self, level: int | None = None) -> list[str]:
        """Return the labels of one level (1 = coarsest), of the deepest one without `level`, in order.

        Raises:
            UsageError: there is no such level.
        """
        names, _ = self.run.classifier.tree.names(self._level(level))
        return list(names)

    def predict(self, data: Any, **columns: Unpack[ColumnNames]) -> Frame[Answer]:
        """Return the most probable path of every row, in order.

        The frame has `id` (the caller's own, else the number of the row: from 0 in a
        frame, from 1 in a file), one column `level_1`,
        `level_2`, … with the names of each level, `probability`, `path` (list of labels) and `reason`: why
        the model could read nothing of the row, which then has no path and the probability 0.

        Raises:
            NotFoundError: a column that the run reads is not there; the message names the nearest.
        """
        asked = ask(self.run, data, columns)
        answers = self._answers(asked, 0.0, 1, told=False)
        padded = [(*one.names, *[None] * (self.depth - len(one.names))) for one in answers]
        names = {f"level_{n + 1}": [row[n] for row in padded] for n in range(self.depth)}
        table = {
            "id": pa.array(asked.ids, pa.string()),
            **{column: pa.array(values, pa.string()) for column, values in names.items()},
            "probability": pa.array([(0.0, *one.confidence)[-1] for one in answers], pa.float32()),
            "path": pa.array([one.path for one in answers], pa.list_(pa.string())),
            "reason": pa.array([one.reason for one in answers], pa.string()),
        }
        return Frame(pa.table(table), _answer, tuple(asked.opened.rejects))

    def predict_proba(
        self, data: Any, level: int | None = None, **columns: Unpack[ColumnNames]
    ) -> Frame[dict[str, Any]]:
        """Return the probability of every label of one level: a column `id`, and one a label.

        Without `level` it is the deepest one. A row sums to 1, or to less where the model cannot
        place all of its probability at the level.

        Raises:
            UsageError: there is no such level.
            NotFoundError: a column that the run reads is not there.
        """
        asked, depth = ask(self.run, data, columns), self._level(level)
        classifier, parts, names = self.run.classifier, [], self.labels(depth)
        for start in range(0, len(asked.ids), BATCH):
            batch = asked.opened.products.slice(start, BATCH)
            proba = make_coherent(classifier.tree, classifier.predict_proba(batch, asked.opened.images))
            parts.append(by_name(classifier.tree, proba, depth)[1])
        values = np.concatenate(parts)
        arrays = [pa.array(asked.ids, pa.string()), *(pa.array(column) for column in values.T)]
        return Frame(pa.Table.from_arrays(arrays, ["id", *names]), dict, tuple(asked.opened.rejects))

    def assign(
        self,
        data: Any,
        min_confidence: float | None = None,
        top: int = 3,
        promise: PathLike | None = None,
        **columns: Unpack[ColumnNames],
    ) -> Frame[Assignment]:
        """Return what to do with every row: file it as deep as its probability allows, or review it.

        A path ends where its probability falls below `min_confidence` (0.9 unless given). `review` says that
        a person should look: the path ends above the last level, or the model could read nothing of the row
        (`reason` says which). `top` full paths come with every row that was read. With the file of a
        `promise` of `mep3m guarantee`, it decides instead.

        Raises:
            UsageError: `min_confidence` is not from 0 to 1, or given beside a promise.
            ModelError: the promise is not for this run, was changed, or has expired.
            NotFoundError: a column that the run reads is not there.
        """
        policy = None if promise is None else FilingPolicy.open(Path(promise), self.run)
        if policy is not None and min_confidence is not None:
            raise UsageError("a promise has its own threshold; leave out min_confidence")
        threshold = MIN_CONFIDENCE if min_confidence is None else min_confidence
        if not 0 <= threshold <= 1:
            raise UsageError(f"min_confidence = {min_confidence} is not allowed: give a number from 0 to 1")
        asked = ask(self.run, data, columns)
        rows = [one.to_json() for one in self._answers(asked, threshold, top, policy)]
        for row, key in zip(rows, asked.ids, strict=True):
            row["id"] = key
        return Frame(pa.Table.from_pylist(rows, schema=_ASSIGNED), _assignment, tuple(asked.opened.rejects))

    def evaluate(self, data: Any, **columns: Unpack[ColumnNames]) -> Scores:
        """Return the scores on labelled rows; see `mep3m.evaluate`."""
        asked = ask(self.run, data, columns, labels=True)
        return Scores.of(evaluate_run(self.run, asked.opened).to_json())

    def _level(self, level: int | None) -> int:
        if level is not None and not 1 <= level <= self.depth:
            raise UsageError(f"there is no level {level}: the run has the levels 1 to {self.depth}")
        return self.depth if level is None else level

    def _answers(
        self,
        asked: Asked,
        min_confidence: float,
        top: int,
        policy: FilingPolicy | None = None,
        told: bool = True,
    ) -> list[Assignment]:
        """Return the answers; those that are `told` know of labels that stand and of no known category."""
        run, products = self.run, asked.opened.products
        beside = Beside.of(run) if told else NOTHING_BESIDE
        return [
            one
            for start in range(0, len(asked.ids), BATCH)
            for one in answer(
                run.classifier,
                products.slice(start, BATCH),
                asked.opened.images,
                top,
                min_confidence,
                run.taxonomy,
                policy,
                beside,
            )
        ]


_TEXTS = pa.list_(pa.string())
_TOP = pa.struct([("path", _TEXTS), ("names", _TEXTS), ("probability", pa.float64())])
_WORD = pa.struct([("text", pa.string()), ("share", pa.float64()), ("lead", pa.float64())])
_ALIKE = pa.struct([("id", pa.string()), ("title", pa.string()), ("alike", pa.float64())])
_WITHOUT = pa.struct([("text", pa.string()), *((field.name, field.type) for field in _TOP)])
_WHY = pa.struct(
    [
        ("words", pa.list_(_WORD)),
        ("exact", pa.bool_()),
        ("nearest", pa.list_(_ALIKE)),
        ("without", _WITHOUT),
    ]
)
_LOOK = pa.struct([("side", pa.int64()), ("brightness", pa.float64())])
_ASSIGNED = pa.schema(
    [
        ("id", pa.string()),
        ("path", _TEXTS),
        ("names", _TEXTS),
        ("confidence", pa.list_(pa.float64())),
        ("review", pa.bool_()),
        ("top", pa.list_(_TOP)),
        ("unreadable", pa.string()),
        ("decision", pa.string()),
        ("reason", pa.string()),
        ("platform", pa.string()),
        ("promise", pa.string()),
        ("shadow", pa.string()),
        ("title", pa.string()),
        ("model", pa.string()),
        ("taxonomy", pa.string()),
        ("known", pa.float64()),
        ("why", _WHY),
        ("prediction_set", pa.list_(_TEXTS)),
        ("kept", pa.string()),
        ("picture", _LOOK),
    ]
)


def _answer(row: dict[str, Any]) -> Answer:
    names = (value for column, value in row.items() if column.startswith("level_") and value is not None)
    return Answer(row["id"], tuple(row["path"]), tuple(names), row["probability"], row["reason"])


def _assignment(row: dict[str, Any]) -> Assignment:
    lists: dict[str, Any] = {name: tuple(row[name]) for name in ("path", "names", "confidence", "top")}
    if row["picture"] is not None:
        lists["picture"] = Look(**row["picture"])
    if row["prediction_set"] is not None:
        lists["prediction_set"] = tuple(tuple(path) for path in row["prediction_set"])
    return Assignment(**{**row, **lists})


def train(
    data: Any,
    *,
    out: PathLike,
    modality: Modality | None = None,
    model: str | None = None,
    hierarchy: HierarchyStrategy = "auto",
    seed: int = 0,
    options: Mapping[str, Any] | None = None,
    replace: bool = False,
    **columns: Unpack[ColumnNames],
) -> TrainedRun:
    """Train a classifier into the folder `out`, and return it.

    `data` is what `mep3m.load` takes; `columns` name the columns of a file or a frame. `modality` is
    text, image or image+text: without it, what the named columns hold. `model` is the recommended
    one of the modality unless it is named. `options` are the model's own settings, as
    `mep3m train --set`. A tenth of the rows is held out to calibrate the probabilities; `card` has the
    scores on them. Where `out` holds the finished run of the same call, it is opened; another is trained
    over only with `replace`.

    Raises:
        NotFoundError: there is no such path or column.
        SettingsError: a setting is unknown or its value not allowed.
        UsageError: no row has a label, there is only one class, there is no such model, or `out` holds
            a finished run with other data or settings.
        MissingExtraError: the model needs a package that is not installed.

    Example:
        >>> run = mep3m.train(rows, title="title", labels=["kind", "sort"], out="new", seed=1)
        >>> run
        <TrainedRun new: linear, text, 4 classes>
        >>> run.card.levels[0].level
        1
    """
    products = load(data, **columns)
    chosen = modality or _modality(products.columns)
    settings: dict[str, Any] = {"hierarchy": hierarchy, "seed": seed, "options": dict(options or {})}
    settings |= {"modality": chosen, "model": model or default_model(chosen)}
    parsed = RunSettings.parse(settings, "train")
    made = made_from(products.opened, products.columns, parsed, None)
    if replace or finished_card(Path(out), made, "replace=True") is None:
        train_run(products.opened, products.columns, products.image_root, parsed, Path(out))
    return load_run(out)


def _modality(columns: Columns) -> Modality:
    if columns.image:
        return "image+text" if columns.title else "image"
    return "text"


def load_run(folder: PathLike) -> TrainedRun:
    """Open the folder of a trained run: one that `mep3m.train`, `mep3m train` or a build wrote.

    Raises:
        ModelError: it is no run, or its files are damaged.

    Example:
        >>> mep3m.load_run("run").depth
        2
    """
    return TrainedRun(Path(folder), Run.open(Path(folder)))


def evaluate(run: TrainedRun | PathLike, data: Any, **columns: Unpack[ColumnNames]) -> Scores:
    """Score a run on labelled rows; the columns are those of training unless others are named.

    A row whose label the run has never seen counts as wrong, and is counted under `unseen`.

    Raises:
        UsageError: no row has a label.
        NotFoundError: there is no such path or column.

    Example:
        >>> scores = mep3m.evaluate("run", rows)
        >>> [(level.level, level.n) for level in scores.levels]
        [(1, 60), (2, 60)]
        >>> scores.finest.top1 > 0.9
        True
    """
    opened = run if isinstance(run, TrainedRun) else load_run(run)
    return opened.evaluate(data, **columns)
