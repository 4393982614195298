"""The classes that a run is to learn: what is asked of their rows, and their place in its tree."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mep3m.arrays import Ints
from mep3m.assignment.readable import refuse_unread
from mep3m.assignment.run import Run
from mep3m.dataset.dataset import Dataset, join_gaps
from mep3m.dataset.labels_in_tree import in_the_runs_tree
from mep3m.dataset.reading import Opened
from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelPath, LabelTree
from mep3m.recipes.classify import shape
from mep3m.sources.names import spell
from mep3m.taxonomy import PATH_SEPARATOR, Category, Taxonomy, names_of

#: classes that a message names
SHOWN = 3


@dataclass(frozen=True)
class NewClasses:
    """Rows of classes that a run does not know; `classes` (N,) is the place of each in `paths`.

    `tree` is that of the run with the new classes in it; `taxonomy` gives names to its ids, if it has such.
    """

    dataset: Dataset
    paths: tuple[LabelPath, ...]
    classes: Ints
    tree: LabelTree
    taxonomy: Taxonomy | None


def find_new(run: Run, opened: Opened, shots: int | None, seed: int) -> NewClasses:
    """Return the new classes of some rows; of each, `shots` that the seed draws, or all.

    Raises:
        UsageError: the run reads nothing of the rows, a row has no label, a class is known already or has no
            place in the tree, or one has fewer rows than `shots`.
    """
    refuse_unread(run.classifier, opened.products.to_pylist())
    dataset = labels_of(run, opened, run.taxonomy)
    tree = run.classifier.tree
    paths = join_gaps(dataset.cells, tree.paths)
    bare = [row for row, path in enumerate(paths) if not path]
    if bare or not paths:
        first = dataset.products["source_id"][bare[0]].as_py() if bare else "none"
        raise UsageError(
            f"{len(bare):,} of {len(paths):,} rows have no label (first: '{first}'); a class is learned from "
            "rows that name it: give the label columns with --labels, coarse to fine, or leave these rows out"
        )
    counts = Counter(paths)
    _refuse_misplaced(tree, sorted(counts), run.taxonomy)
    few = [path for path, count in sorted(counts.items()) if shots is not None and count < shots]
    if few:
        raise UsageError(
            f"{len(few):,} classes have fewer than the {shots} products asked for: "
            f"{_listed(few, run.taxonomy, counts)}; add products, or ask for fewer with --shots"
        )
    chosen = _drawn(paths, shots, seed)
    taxonomy, ids = _with_ids(run, sorted(counts))
    places = {path: place for place, path in enumerate(sorted(ids.values()))}
    classes = np.array([places[ids[paths[row]]] for row in chosen], dtype=np.int64)
    whole = LabelTree.from_paths([*tree.paths, *places])
    return NewClasses(dataset.take(chosen), tuple(places), classes, whole, taxonomy)


def labels_of(run: Run, opened: Opened, taxonomy: Taxonomy | None) -> Dataset:
    """Return rows with labels as the run has them; `taxonomy` holds the names of its ids.

    Raises:
        UsageError: a store with a tree of its own is given to a run that has one.
    """
    if taxonomy is not None and opened.taxonomy is not None:
        raise UsageError(
            f"{run.folder} has the category tree of a store, and the rows come from a store with its own: "
            "give them as a table with the names of their categories"
        )
    told, _ = in_the_runs_tree(opened.dataset, taxonomy, opened.taxonomy, "the products")
    if run.settings.subset is None and run.settings.level is None:
        return told
    return shape(told, run.settings)


def _refuse_misplaced(tree: LabelTree, paths: Sequence[LabelPath], names: Taxonomy | None) -> None:
    """Refuse classes that are there already, and those that no tree can hold beside what there is."""
    known = [path for path in paths if tree.index(path) >= 0]
    if known:
        raise UsageError(
            f"{len(known):,} of {len(paths):,} classes exist already: {_listed(known, names)}; leave their "
            "rows out, or train again with 'mep3m train' to learn more of them"
        )
    leaves = {tree.paths[node] for node in tree.leaves}
    below = [path for path in paths if any(path[:depth] in leaves for depth in range(1, len(path)))]
    below += [path for path in paths if any(other != path and other == path[: len(other)] for other in paths)]
    if below:
        raise UsageError(
            f"{_listed(below, names)}: the category above is a class itself, at which products are filed; a "
            "new class goes below a category that has others below it, or into a new branch"
        )
    _refuse_spellings(tree, paths, names)
    deep = [path for path in paths if len(path) > tree.depth]
    if deep:
        raise UsageError(
            f"{_listed(deep, names)}: the labels of the run have {tree.depth} levels, this has more; name "
            "the columns from coarse to fine as in training"
        )


def _refuse_spellings(tree: LabelTree, paths: Sequence[LabelPath], names: Taxonomy | None) -> None:
    """Refuse a new category that differs from another in case or spaces alone: a slip would be a class."""
    spelled = {_plain(path, names): path for path in tree.paths}
    for path in paths:
        for depth in range(1, len(path) + 1):
            one = path[:depth]
            other = spelled.setdefault(_plain(one, names), one)
            if other != one and tree.index(one) < 0:
                raise UsageError(
                    f"{_listed([other], names)} and {_listed([one], names)} differ in case or spaces alone; "
                    "write them alike, or give them names that differ"
                )


def _plain(path: LabelPath, names: Taxonomy | None) -> LabelPath:
    return tuple(spell(name).casefold() for name in names_of(path, names))


def _drawn(paths: Sequence[LabelPath], shots: int | None, seed: int) -> Ints:
    """Return the rows to learn from, ascending."""
    order = np.random.default_rng(seed).permutation(len(paths)) if shots else np.arange(len(paths))
    taken: Counter[LabelPath] = Counter()
    chosen = []
    for row in order.tolist():
        taken[paths[row]] += 1
        if shots is None or taken[paths[row]] <= shots:
            chosen.append(row)
    return np.array(sorted(chosen), dtype=np.int64)


def _with_ids(run: Run, paths: Sequence[LabelPath]) -> tuple[Taxonomy | None, dict[LabelPath, LabelPath]]:
    """Return the taxonomy with the new categories, and the path of ids of each path of names.

    In a run without a taxonomy names are ids. An id is made of the names, so it never depends on the order in
    which classes are learned, nor on their number.
    """
    if run.taxonomy is None:
        return None, {path: path for path in paths}
    if run.settings.subset is not None or run.settings.level is not None:
        raise UsageError(
            f"{run.folder} knows one level or one part of a store's tree, so that a new class has no sure "
            "place in it; learn with a run of all levels"
        )
    made: dict[str, Category] = {}
    ids: dict[LabelPath, LabelPath] = {}
    for path in paths:
        whole: list[str] = []
        for name in path:
            parent = whole[-1] if whole else None
            if name not in run.taxonomy or run.taxonomy[name].parent != parent:
                key = "learned-" + hashlib.sha256(f"{parent or ''}\n{name}".encode()).hexdigest()[:12]
                made[key] = Category(key, name_zh=name, parent=parent)
                name = key
            whole.append(name)
        ids[path] = tuple(whole)
    return Taxonomy((*run.taxonomy.categories, *made.values())), ids


def _listed(
    paths: Sequence[LabelPath], names: Taxonomy | None, counts: Counter[LabelPath] | None = None
) -> str:
    shown = [
        f"'{PATH_SEPARATOR.join(names_of(path, names))}'" + (f" ({counts[path]:,})" if counts else "")
        for path in paths[:SHOWN]
    ]
    return ", ".join(shown) + (f" and {len(paths) - SHOWN:,} more" if len(paths) > SHOWN else "")
