"""Complete runs around a classifier: train and score it, evaluate it on a table, file new products."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from mep3m import __version__
from mep3m.assignment.run import Run
from mep3m.dataset.dataset import Dataset
from mep3m.dataset.labels_in_tree import in_the_runs_tree
from mep3m.dataset.reading import Opened
from mep3m.dataset.splits import Split
from mep3m.errors import UsageError
from mep3m.evaluation.card import metric_card, training_counts
from mep3m.evaluation.evaluate import evaluate, unreadable
from mep3m.evaluation.label_checks import odd_labels
from mep3m.label_tree.probabilities import make_coherent
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from mep3m.store.files import exclusive_lock, fingerprint, write_json
from mep3m.training.registry import find
from mep3m.training.task import clear_checkpoints, make_task


def shape(dataset: Dataset, settings: RunSettings) -> Dataset:
    """Return the task of a dataset: the rows below `subset`, at one `level` or at all."""
    if settings.subset:
        dataset = dataset.subset(settings.subset)
    return dataset if settings.level is None else dataset.at_level(settings.level, settings.leaf)


def train_run(
    opened: Opened,
    columns: Columns,
    image_root: Path | None,
    settings: RunSettings,
    out: Path,
    split: Split | None = None,
) -> dict[str, Any]:
    """Train, save classifier, configuration and card into `out`, and return the card.

    With `split`, only the rows on its train side are used.

    The card is measured on the validation rows by a model that has not seen them.

    Raises:
        StoreError: another run trains into `out`.
        UsageError: `out` holds a store.
    """
    if (out / "plan.json").exists():
        raise UsageError(f"{out} holds a store; choose another folder for the classifier")
    with exclusive_lock(out):
        return _train_run(opened, columns, image_root, settings, out, split)


def _train_run(
    opened: Opened,
    columns: Columns,
    image_root: Path | None,
    settings: RunSettings,
    out: Path,
    split: Split | None,
) -> dict[str, Any]:
    """`train_run` with the lock on the folder held."""
    train = find(settings)
    whole = whole_or_side(opened.products, split, "train")
    dataset = shape(whole, settings).labelled()
    task = make_task(dataset, settings, opened.images)
    trained = train(task, out)
    out.mkdir(parents=True, exist_ok=True)
    trained.classifier.save(out)
    if opened.taxonomy is not None:
        opened.taxonomy.save(out / "taxonomy.json")
    card = {
        "measured_on": f"{len(task.valid):,} validation rows ({settings.split} split {task.split_id})",
        **metric_card(
            task.tree,
            make_coherent(task.tree, trained.valid_proba),
            dataset.take(task.valid),
            training_counts(task.tree, dataset.take(task.train)),
            settings.seed,
        ),
        "odd_labels": odd_labels(whole, task.tree, opened.taxonomy),
    }
    run = {
        "mep3m": __version__,
        "python": platform.python_version(),
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
    write_json(out / "card.json", card)
    write_json(out / "run.json", run)
    clear_checkpoints(out)
    return card


def evaluate_run(run: Run, opened: Opened, split: Split | None = None, card: bool = False) -> dict[str, Any]:
    """Return the scores of a run on labelled products, or with `card` the whole metric card.

    With `split`, only the rows on its test side are scored. Where the data was labelled by another
    tree than the run's, `taxonomy` says what was done (`labels_of.in_the_runs_tree`).

    Raises:
        UsageError: no row has a label, or a name stands for several categories.
        ModelError: no label is a category of the run.
    """
    given = whole_or_side(opened.products, split, "test")
    told, followed = in_the_runs_tree(given, run.taxonomy, opened.taxonomy, "the data")
    dataset = shape(told, run.settings).labelled()
    if card:
        tree = run.classifier.tree
        found = run.classifier.predict(dataset.products, opened.images)
        proba = make_coherent(tree, found.proba)
        scores = metric_card(tree, proba, dataset, list(run.counts), run.settings.seed)
        scores["unreadable_images"] = unreadable(found.rejects)
    else:
        scores = evaluate(run.classifier, dataset, opened.images)
    counted = {"rows": len(dataset), "refused": len(opened.rejects)}
    done = {"taxonomy": followed, "edits": run.edits}
    return {**scores, **counted, **{key: value for key, value in done.items() if value}}


def whole_or_side(products: pa.Table, split: Split | None, side: Literal["train", "test"]) -> Dataset:
    """Return all rows that no stage has dropped, or those on one side of a split."""
    dataset = Dataset.of(products)
    return dataset if split is None else dataset.sides(split)[0 if side == "train" else 1]
