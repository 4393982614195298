"""Rows that people labelled to test a run: what may count in the test, and what the model says of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mep3m.arrays import Floats, Ints
from mep3m.assignment import trained_on
from mep3m.assignment.answer import pictures_of_rows
from mep3m.assignment.run import Run
from mep3m.dataset.dataset import Dataset, join_gaps
from mep3m.dataset.labels_in_tree import in_the_runs_tree
from mep3m.dataset.readable import hide_unreadable
from mep3m.dataset.reading import Opened
from mep3m.dataset.splits import duplicate_groups
from mep3m.errors import ModelError, UsageError
from mep3m.evaluation.evaluate import outside
from mep3m.evaluation.guarantees import Audited, audit
from mep3m.evaluation.label_checks import outside_in_words
from mep3m.evaluation.promises.sets import true_chances
from mep3m.imaging.look import Look
from mep3m.label_tree.likely_path import LikelyPaths, likely_paths
from mep3m.label_tree.probabilities import deepest, make_coherent
from mep3m.label_tree.tree import LabelPath
from mep3m.models.classifier import learned_of
from mep3m.recipes.classify import shape
from mep3m.settings.run import NONE_SHARE
from mep3m.store.json_files import fingerprint

#: rows that are predicted at once
BATCH = 8192


@dataclass(frozen=True)
class AuditRows:
    """The N rows of a test: what they are (`truth`, (N,)), what the model says, and what was left out.

    `pictures` says how large and how bright those are that the model reads.
    `true_chances` (N,) are the probabilities of their leaves (`prediction_sets.true_chances`).
    `learned` are the classes learned after training of which there are products: at others nothing is filed.
    `counts`: `rows` that were labelled; `in_training` and `duplicates` of another row, which are left out;
    `outside`, whose label the model does not know, so that every filing below its known part is wrong;
    `unread`, which showed the model nothing and are never filed.
    """

    run: Run
    products: pa.Table
    truth: Any
    paths: LikelyPaths
    true_chances: Floats
    counts: dict[str, int]
    fingerprint: str
    pictures: list[Look | None]
    learned: tuple[LabelPath, ...] = ()

    def audited(self, min_level: int = 1) -> Audited:
        """Return what a threshold does to each row."""
        return audit(self.run.classifier.tree, self.paths, self.truth, min_level)


def read_audit(
    run: Run, opened: Opened, unchecked: bool = False, learned: Sequence[LabelPath] | None = None
) -> AuditRows:
    """Return the rows of an audit that may count.

    `learned` are the classes learned after training at which a promise files; without it, those of the rows.

    Raises:
        UsageError: a row has no label, most labels are not of the run's tree, a row was in training by its
            id, or most were by their titles.
        ModelError: the run cannot tell which rows it was made with, and `unchecked` is not given.
    """
    told, _ = in_the_runs_tree(opened.dataset, run.taxonomy, opened.taxonomy, "the audit")
    _require_labels(told)
    dataset = shape(told, run.settings)
    mark = fingerprint([dataset.products[name].to_pylist() for name in ("source_id", "title", "image_ref")])
    mark = fingerprint([mark, dataset.cells])
    known = _seen(run, dataset, opened, unchecked)
    new = np.setdiff1d(np.arange(len(dataset)), known)
    _, first = np.unique(duplicate_groups(dataset.products)[new], return_index=True)
    kept = dataset.take(new[np.sort(first)])
    tree = run.classifier.tree
    labels = join_gaps(kept.cells, tree.paths)
    truth = deepest(tree.encode(labels))
    odd = outside(tree, kept)
    if len(kept) and (truth < 0).mean() > 0.5:
        raise UsageError(
            f"{int((truth < 0).sum()):,} of {len(kept):,} audited rows have a label that is not in the tree "
            f"of {run.folder}{outside_in_words(odd)}; name the label columns of the same tree with --labels"
        )
    whole = np.array([tree.index(path) >= 0 for path in labels], dtype=bool)
    marked = learned_of(run.classifier)
    if learned is None:
        above = tree.ancestors[np.unique(truth[truth >= 0])]
        learned = sorted({tree.paths[node] for node in above[above >= 0].tolist()} & marked)
    closed = marked - set(learned)
    paths, chances, unread = _predict(run, kept, opened, np.where(whole, truth, -1), closed)
    counts = {
        "rows": len(dataset),
        "in_training": len(known),
        "duplicates": len(new) - len(kept),
        "outside": odd.rows,
        "unread": unread,
    }
    pictures = pictures_of_rows(run.classifier, kept.products, opened.images)
    return AuditRows(run, kept.products, truth, paths, chances, counts, mark, pictures, tuple(learned))


def _require_labels(dataset: Dataset) -> None:
    bare = [row for row, cells in enumerate(dataset.cells) if not any(cells)]
    if bare:
        first = dataset.products["source_id"][bare[0]].as_py()
        raise UsageError(
            f"{len(bare):,} of {len(dataset):,} audited rows have no label (first: '{first}'); label every "
            "row that was drawn: what a person could not label is what a promise must not leave out"
        )


def _seen(run: Run, dataset: Dataset, opened: Opened, unchecked: bool) -> Ints:
    """Return the numbers of the rows that training has seen."""
    found = trained_on.rows_of_training(run.folder, dataset.products, opened.images)
    if found is None and not unchecked:
        raise ModelError(
            f"{run.folder} was trained before runs kept which rows they have seen: nobody can say that the "
            "audit is new to it. Train it again, or give --unchecked if you know that no audited row was used"
        )
    if found is None:
        return np.zeros(0, dtype=np.int64)
    if len(found["id"]):
        first = dataset.products["source_id"][int(found["id"][0])].as_py()
        raise UsageError(
            f"{len(found['id']):,} of {len(dataset):,} audited rows were in training (by their id, first: "
            f"'{first}'); take them out, or audit rows that came in later"
        )
    same = np.unique(np.concatenate(list(found.values())))
    if 2 * len(same) > len(dataset):
        raise UsageError(
            f"{len(same):,} of {len(dataset):,} audited rows were in training (by title, duplicate group or "
            "image); audit rows that the model has not seen"
        )
    return same


def _predict(
    run: Run, dataset: Dataset, opened: Opened, truth: Ints, closed: Collection[LabelPath]
) -> tuple[LikelyPaths, Floats, int]:
    """Return the likely path of each row, the chance of its true leaf, and how many rows showed nothing.

    The chances on the paths of those are 0, and on paths that lead to a `closed` class.
    """
    tree, parts, unread = run.classifier.tree, [], 0
    shut = [node for node, path in enumerate(tree.paths) if path in closed]
    for start in range(0, len(dataset), BATCH):
        batch = hide_unreadable(dataset.products.slice(start, BATCH))
        prediction = run.classifier.predict(batch, opened.images)
        proba = make_coherent(tree, prediction.proba)
        paths = likely_paths(tree, proba)
        paths.chances[~prediction.seen] = 0
        paths.chances[np.isin(paths.ends, shut)] = 0  # as in `assign`: a person decides
        if run.novelty is not None:  # as in `assign`: what is of no known category is not filed
            paths.chances[run.novelty.known(tree, proba, batch["title"]) <= NONE_SHARE] = 0
        unread += int((~prediction.seen).sum())
        parts.append((*paths, true_chances(tree, proba, truth[start : start + BATCH])))
    if not parts:
        return likely_paths(tree, np.zeros((0, len(tree)), np.float32)), np.zeros(0, np.float32), 0
    nodes, chances, true = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return LikelyPaths(nodes, chances), true, unread
