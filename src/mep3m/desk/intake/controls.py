"""Products of known truth among those in review: they look as all others do, and say how right people are."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

import numpy as np

from mep3m.assignment.answer import Beside, assign
from mep3m.assignment.run import Run
from mep3m.dataset.dataset import join_gaps
from mep3m.dataset.labels_in_tree import in_the_runs_tree
from mep3m.desk.intake.incoming import ProductTable, products_of, root_of
from mep3m.errors import UsageError
from mep3m.models.classifier import Classifier
from mep3m.store.append_log import now
from mep3m.taxonomy import PATH_SEPARATOR

#: control items of one table at most
MOST = 500
_ADD = (
    "INSERT OR IGNORE INTO items (take, platform, own_id, title, ocr, picture, image, answer, duplicates, "
    "queue, cluster, people, truth, state, waits) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'control', ?, 1, ?, 'control', 0)"
)


@dataclass(frozen=True, slots=True)
class ControlCounts:
    """Of a table of control items: those that are new, and rows whose label is none of the run's tree.

    `outside` are such rows, `example` the label of the first; rows without any label are `unlabelled`.
    """

    added: int
    outside: int
    unlabelled: int
    example: str


def add_controls(change: sqlite3.Connection, run: Run, table: ProductTable, share: float) -> ControlCounts:
    """Add labelled products of a table as control items, and return how many are new and which cannot be.

    Of those that the run is not sure of, as reviewed ones are, up to `MOST`; where it is sure of all, of all.

    Raises:
        UsageError: no row has a whole label of the run's tree.
    """
    opened = table.open(run, labels=True)
    told, _ = in_the_runs_tree(opened.dataset, run.taxonomy, opened.taxonomy, "the control items")
    known = {
        tuple(json.loads(row["path"])): row["id"] for row in change.execute("SELECT id, path FROM categories")
    }
    truths = [known.get(path) for path in join_gaps(told.cells, run.classifier.tree.paths)]
    usable = [row for row, truth in enumerate(truths) if truth is not None]
    lost = [told.cells[row] for row, truth in enumerate(truths) if truth is None]
    outside = [cells for cells in lost if any(cells)]
    if not usable:
        raise UsageError(f"no row of {table.path} has a label of the tree of {run.folder}; name --labels")
    rng = np.random.default_rng(0)
    chosen = sorted(rng.permutation(usable)[: 4 * MOST].tolist())
    products = told.products.take(chosen)
    answers = assign(
        run.classifier, products, opened.images, 9, taxonomy=run.taxonomy, beside=_bare(run.classifier)
    )
    unsure = [place for place, one in enumerate(answers) if one.review]
    picked = (unsure or list(range(len(chosen))))[:MOST]
    incoming = products_of(opened)
    by_id = {one.own_id: one for one in incoming}
    root = root_of(opened)
    take = change.execute(
        "INSERT INTO takes (fingerprint, file, time, root, model, came, drawn, review) "
        "VALUES (?, ?, ?, ?, ?, ?, 0, 0)",
        (f"controls {now()}", table.path.name, now(), str(root) if root else None, run.version, len(picked)),
    ).lastrowid
    [(last,)] = change.execute("SELECT coalesce(max(cluster), 0) FROM items").fetchall()
    own = products["source_id"].to_pylist()
    added = 0
    for number, place in enumerate(picked, start=1):
        one = by_id[own[place]]
        answer = _answer(answers[place])
        product = (one.platform, one.own_id, one.title, one.ocr, one.picture, one.image)
        row = (take, *product, answer, one.duplicates, last + number, truths[chosen[place]])
        added += change.execute(_ADD, row).rowcount
    change.execute("INSERT OR REPLACE INTO settings VALUES ('control share', ?)", (share,))
    example = PATH_SEPARATOR.join(name or "?" for name in outside[0]) if outside else ""
    return ControlCounts(added, len(outside), len(lost) - len(outside), example)


def _bare(classifier: Classifier) -> Beside:
    return Beside(keep_labels=False)


def _answer(one: Any) -> str:
    told = one.to_json()
    names = ("path", "names", "confidence", "decision", "reason", "top", "prediction_set", "promise")
    return json.dumps({name: told[name] for name in names}, ensure_ascii=False)
