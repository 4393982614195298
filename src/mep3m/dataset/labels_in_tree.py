"""Labels of data that was labelled by another tree than a run's: names for ids, or a later version."""

from __future__ import annotations

from typing import Any

from mep3m.dataset.dataset import Cells, Dataset
from mep3m.errors import ModelError, UsageError
from mep3m.taxonomy import PATH_SEPARATOR, Category, Taxonomy

#: ambiguous names that an error lists
SHOWN = 3


def in_the_runs_tree(
    dataset: Dataset, run: Taxonomy | None, data: Taxonomy | None, where: str
) -> tuple[Dataset, dict[str, Any] | None]:
    """Return the dataset with the labels that the run's tree has, and what was done (`None`: nothing).

    `run` is the taxonomy that the run was trained on, `data` that of the store to be scored (`None` for
    a table). Names of a table become ids (`ids_of_names`). Labels of a store with another version keep
    their ids (`remap_dataset`); `where` is how errors call the data.

    Raises:
        UsageError: a name of a table stands for several categories.
        ModelError: no label of a store with another version is a category of the run.
    """
    if run is None or (data is not None and data.version == run.version):
        return dataset, None
    if data is None:
        return Dataset(dataset.products, ids_of_names(run, dataset.cells)), {
            "model": run.version,
            "names": True,
        }
    return remap_dataset(dataset, run, data, where)


def ids_of_names(taxonomy: Taxonomy, cells: tuple[Cells, ...]) -> tuple[Cells, ...]:
    """Return the cells with ids for names (Chinese, English, or the id itself), found level by level.

    A name counts below the names before it. What the taxonomy does not hold stays a name: no class.

    Raises:
        UsageError: names stand for several categories.
    """
    meanings: dict[Cells, tuple[Cells, ...]] = {row: _places(taxonomy, row) for row in set(cells)}
    unclear = {row: paths for row, paths in meanings.items() if len(paths) > 1}
    if unclear:
        shown = [
            f"'{_shown(row)}' is {' or '.join(map(_shown, paths))}"
            for row, paths in sorted(unclear.items(), key=str)[:SHOWN]
        ]
        raise UsageError(
            f"{len(unclear):,} labels name several categories of the run's taxonomy (version "
            f"{taxonomy.version}): {'; '.join(shown)}. Write the ids instead, or give the levels above"
        )
    return tuple(meanings[row][0] for row in cells)


def _places(taxonomy: Taxonomy, row: Cells) -> tuple[Cells, ...]:
    """Return the id paths that one row of names can mean; what is not found stays at the end as it is."""
    nodes: list[Category | None] = [None]
    for depth, name in enumerate(row):
        below = [child for node in nodes for child in taxonomy.children(node.id if node else None)]
        known = [child for child in below if name is None or name in (child.id, child.name_zh, child.name_en)]
        if not known or (name is None and not any(row[depth:])):
            return tuple((*_ids(taxonomy, node), *row[depth:]) for node in nodes)
        nodes = list([child for child in known if not child.archived] or known)
    return tuple(_ids(taxonomy, node) for node in nodes)


def _shown(row: Cells) -> str:
    return PATH_SEPARATOR.join(name or "?" for name in row)


def _ids(taxonomy: Taxonomy, node: Category | None) -> Cells:
    return tuple(category.id for category in taxonomy.path(node.id)) if node else ()


def remap_dataset(
    dataset: Dataset, run: Taxonomy, data: Taxonomy, where: str
) -> tuple[Dataset, dict[str, Any]]:
    """Return the labels of a store as the run's tree has them, and how many rows that changed.

    A category is its id: a new name changes nothing, a moved one counts where the run had it, and a
    row of a category that is new since then counts at the deepest category that the run knows.

    Raises:
        ModelError: no label is a category of the run.
    """
    moved: dict[Cells, Cells] = {}
    for row in set(dataset.cells):
        known = [cell for cell in row if cell is not None and cell in run]
        moved[row] = _ids(run, run[known[-1]]) if known else row
    labelled = [row for row in dataset.cells if any(row)]
    unknown = [row for row in labelled if row[-1] is not None and row[-1] not in run]
    if labelled and not any(cell in run for row in set(labelled) for cell in row if cell is not None):
        raise ModelError(
            f"the taxonomy of {where} (version {data.version}) is not the run's (version {run.version}): "
            f"none of its {len(set(labelled)):,} labels is a category of the run, such as "
            f"'{_shown(min(labelled, key=str))}'. Train again on {where}, or score the run on a store with "
            "the taxonomy it was trained with"
        )
    done = {
        "model": run.version,
        "data": data.version,
        "moved": sum(moved[row] != row for row in labelled if row[-1] is None or row[-1] in run),
        "new": len(unknown),
    }
    return Dataset(dataset.products, tuple(moved[row] for row in dataset.cells)), done
