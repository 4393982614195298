"""Complete runs around a classifier: train and score it, evaluate it on a table, file new products."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from mep3m import __version__
from mep3m.assignment import trained_on
from mep3m.assignment.reasons.examples import FILE as EXAMPLES
from mep3m.assignment.reasons.examples import TrainingExamples
from mep3m.assignment.reasons.novelty import FILE as NOVELTY
from mep3m.assignment.reasons.novelty import Novelty
from mep3m.assignment.run import Run
from mep3m.dataset.dataset import Dataset
from mep3m.dataset.labels_in_tree import in_the_runs_tree
from mep3m.dataset.named_subsets import subset_of
from mep3m.dataset.reading import Opened
from mep3m.dataset.splits import Split
from mep3m.errors import UsageError
from mep3m.evaluation.card import MetricCard, metric_card, training_counts
from mep3m.evaluation.evaluate import Evaluation, evaluate, unreadable
from mep3m.evaluation.label_checks import OddLabels, odd_labels
from mep3m.label_tree.probabilities import deepest, make_coherent
from mep3m.models.learned.held_out import FILE as HELD_OUT
from mep3m.models.learned.held_out import HeldOut
from mep3m.models.linear.classifier import LinearClassifier
from mep3m.recipes.finished import made_from
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from mep3m.store.filesystem import exclusive_lock, sweep
from mep3m.store.json_files import fingerprint, write_json
from mep3m.store.layout import TAXONOMY, Layout
from mep3m.training.registry import find
from mep3m.training.task import Task, Trained, clear_checkpoints, make_task


@dataclass(frozen=True)
class TrainingCard:
    """The metric card of a training, on which rows it was measured, and what is odd in the labels.

    `remarks` are what a reader of the scores has to know (a busy machine, too few epochs); `choices` are
    those of a run that follows the paper which the paper does not state. `weights` says of every image
    network what it began with: package, hash, licence, normalisation.
    """

    measured_on: str
    card: MetricCard
    odd_labels: OddLabels
    #: rows that were kept out of training
    held_out: int
    #: images of training that could not be read, the first 100 of each part
    unreadable: int = 0
    remarks: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    weights: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what `card.json` of a run holds."""
        return {
            "measured_on": self.measured_on,
            **self.card.to_json(),
            "odd_labels": self.odd_labels.to_json(),
            **({"weights": list(self.weights)} if self.weights else {}),
            **({"remarks": list(self.remarks)} if self.remarks else {}),
            **({"choices": list(self.choices)} if self.choices else {}),
        }


@dataclass(frozen=True)
class RunScores:
    """The scores of a run on `rows` labelled products, `refused` rows of the table left out.

    `taxonomy` says what was done where the data was labelled by another tree than the run's (`None`:
    nothing), `edits` what recorded edits of the tree have done to the run's classes.
    """

    scores: Evaluation | MetricCard
    rows: int
    refused: int
    taxonomy: dict[str, Any] | None = None
    edits: dict[str, Any] = field(default_factory=dict)

    @property
    def evaluation(self) -> Evaluation:
        """The scores of every level and of the tree."""
        return self.scores.evaluation if isinstance(self.scores, MetricCard) else self.scores

    def to_json(self) -> dict[str, Any]:
        """Return what `mep3m evaluate --json` prints."""
        done = {"taxonomy": self.taxonomy, "edits": self.edits}
        counted = {"rows": self.rows, "refused": self.refused}
        return {**self.scores.to_json(), **counted, **{key: value for key, value in done.items() if value}}


def shape(dataset: Dataset, settings: RunSettings) -> Dataset:
    """Return the task of a dataset: the rows of `subset`, at one `level` or at all."""
    if settings.subset:
        dataset = subset_of(dataset, settings.subset)
    return dataset if settings.level is None else dataset.at_level(settings.level, settings.leaf)


def train_run(
    opened: Opened,
    columns: Columns,
    image_root: Path | None,
    settings: RunSettings,
    out: Path,
    split: Split | None = None,
) -> TrainingCard:
    """Train, save classifier, configuration and card into `out`, and return the card.

    What differs from run to run of one job (seconds, rates) is in `timings.json` and in no other file.

    With `split`, only the rows on its train side are used. A run that `out` holds is replaced: who does not
    want that asks `finished_card` first.

    The card is measured on the validation rows by a model that has not seen them.

    Raises:
        StoreError: another run trains into `out`.
        UsageError: `out` holds a store.
    """
    if Layout(out).begun:
        raise UsageError(f"{out} holds a store; choose another folder for the classifier")
    with exclusive_lock(out):
        sweep(out)
        return _train_run(opened, columns, image_root, settings, out, split)


def _train_run(
    opened: Opened,
    columns: Columns,
    image_root: Path | None,
    settings: RunSettings,
    out: Path,
    split: Split | None,
) -> TrainingCard:
    """`train_run` with the lock on the folder held."""
    train = find(settings)
    whole = whole_or_side(opened, split, "train")
    dataset = shape(whole, settings).labelled()
    task = make_task(dataset, settings, opened.images, opened.taxonomy)
    (out / "run.json").unlink(missing_ok=True)  # from here on the folder is no finished run
    trained = train(task, out)
    out.mkdir(parents=True, exist_ok=True)
    trained.classifier.save(out)
    if opened.taxonomy is not None:
        opened.taxonomy.save(out / TAXONOMY)
    trained_on.save(out, dataset.products, opened.images)
    _save_novelty(task, trained, dataset, out)
    _save_held_out(task, trained, out)
    card = _training_card(task, trained, dataset, settings, odd_labels(whole, task.tree, opened.taxonomy))
    run = {
        "mep3m": __version__,
        "python": platform.python_version(),
        "made_from": made_from(opened, columns, settings, split),
        "settings": settings.model_dump(mode="json") | {"hierarchy": task.hierarchy},
        "columns": columns.model_dump(mode="json"),
        "image_root": str(image_root) if image_root else None,
        "split": {"id": task.split_id, "train": len(task.train), "validation": len(task.valid)},
        "test_split": split.id if split else None,
        "data": {"rows": len(task), "fingerprint": fingerprint(sorted(dataset.ids))},
        "taxonomy": opened.taxonomy.version if opened.taxonomy else None,
        "classes": [len(task.tree.names(level)[0]) for level in range(1, task.tree.depth + 1)],
        "counts": training_counts(task.tree, dataset),
        "log": trained.log,
    }
    write_json(out / "timings.json", trained.timings)
    write_json(out / "card.json", card.to_json())
    write_json(out / "run.json", run)
    clear_checkpoints(out)
    return card


def _save_novelty(task: Task, trained: Trained, dataset: Dataset, out: Path) -> None:
    """Keep what tells products of no known category: examples of training, and what held-out rows are like.

    Where an earlier run in the folder had it and this one has not, it is removed.
    """
    for name in (EXAMPLES, NOVELTY):
        (out / name).unlink(missing_ok=True)
    learned, seen = task.products.take(task.train), np.flatnonzero(trained.valid_seen)
    held = task.products.take(task.valid[seen])
    paths = [dataset.paths[row] for row in task.train]
    reads = "title" in trained.classifier.reads
    examples = TrainingExamples.draw(learned, paths, task.settings.seed) if reads else None
    proba = make_coherent(task.tree, trained.valid_proba[seen])
    novelty = Novelty.learn(task.tree, proba, held["title"], examples)
    if novelty is not None:
        novelty.save(out)
    elif examples is not None:
        examples.save(out)


def _save_held_out(task: Task, trained: Trained, out: Path) -> None:
    """Keep what a linear model of text said of held-out rows: classes learned later are measured by it."""
    (out / HELD_OUT).unlink(missing_ok=True)
    rows = task.valid[trained.valid_seen]
    if isinstance(trained.classifier, LinearClassifier) and len(rows):
        texts = task.products[trained.classifier.reads[0]].take(pa.array(rows))
        proba = make_coherent(task.tree, trained.valid_proba[trained.valid_seen])
        held = HeldOut.of(task.tree, proba, deepest(task.codes[rows]).astype(np.int64), texts)
        if held is not None:
            held.save(out)


def _training_card(
    task: Task, trained: Trained, dataset: Dataset, settings: RunSettings, odd: OddLabels
) -> TrainingCard:
    """Return the card of the rows held out; where there are none, of those trained on, which it says."""
    rows, proba = task.valid, trained.valid_proba
    where = f"{len(rows):,} validation rows ({settings.split} split {task.split_id})"
    if not len(rows):
        rows = task.train
        proba = trained.classifier.predict_proba(task.products.take(rows), task.images)
        where = f"the {len(rows):,} rows of training: nothing was held out, new products will score worse"
    card = metric_card(
        task.tree,
        make_coherent(task.tree, proba),
        dataset.take(rows),
        training_counts(task.tree, dataset.take(task.train)),
    )
    logs = (trained.log, *(trained.log.get(part, {}) for part in ("image", "text")))
    broken = sum(len(log.get("unreadable_images", ())) for log in logs)
    # late fusion has a list of its own by this name
    weights = tuple(log["weights"] for log in logs if isinstance(log.get("weights"), dict))
    return TrainingCard(where, card, odd, len(task.valid), broken, trained.remarks, trained.choices, weights)


def evaluate_run(run: Run, opened: Opened, split: Split | None = None, card: bool = False) -> RunScores:
    """Return the scores of a run on labelled products, or with `card` the whole metric card.

    With `split`, only the rows on its test side are scored. Labels by another tree than the run's are
    looked up in the run's (`labels_in_tree.in_the_runs_tree`).

    Raises:
        UsageError: no row has a label, or a name stands for several categories.
        ModelError: no label is a category of the run.
    """
    given = whole_or_side(opened, split, "test")
    told, taxonomy = in_the_runs_tree(given, run.taxonomy, opened.taxonomy, "the data")
    dataset = shape(told, run.settings).with_any_label()
    scores = (_card if card else _evaluation)(run, dataset, opened)
    return RunScores(scores, len(dataset), len(opened.rejects), taxonomy, run.edits)


def _evaluation(run: Run, dataset: Dataset, opened: Opened) -> Evaluation:
    return evaluate(run.classifier, dataset, opened.images)


def _card(run: Run, dataset: Dataset, opened: Opened) -> MetricCard:
    tree = run.classifier.tree
    prediction = run.classifier.predict(dataset.products, opened.images)
    proba = make_coherent(tree, prediction.proba)
    made = metric_card(tree, proba, dataset, list(run.counts))
    images = unreadable(prediction.rejects)
    return replace(made, evaluation=replace(made.evaluation, unreadable_images=images))


def whole_or_side(opened: Opened, split: Split | None, side: Literal["train", "test"]) -> Dataset:
    """Return all rows that no stage has dropped, or those on one side of a split."""
    if split is None:
        return opened.dataset
    return opened.dataset.sides(split)[0 if side == "train" else 1]
