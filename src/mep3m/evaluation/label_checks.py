"""What is odd in the labels that a run learns from: it is learned as it is, and said."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mep3m.dataset.dataset import Dataset
from mep3m.evaluation.evaluate import OutsideLabels, outside
from mep3m.label_tree.tree import LabelTree
from mep3m.taxonomy import PATH_SEPARATOR, Taxonomy


@dataclass(frozen=True)
class SharedName:
    """A name of a level, and its parents, each as a path in one string."""

    level: int
    name: str
    parents: tuple[str, ...]


@dataclass(frozen=True)
class OddLabels:
    """Labels that contradict the store's own tree, and names with several parents.

    `shared_names` is how many names have several parents, `most_shared` the one with most of them (without a
    name where there is none).
    """

    against_the_tree: OutsideLabels
    shared_names: int
    most_shared: SharedName

    def to_json(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        several = {"names": self.shared_names, "most": asdict(self.most_shared)}
        return {"against_the_tree": asdict(self.against_the_tree), "several_parents": several}


def odd_labels(dataset: Dataset, tree: LabelTree, taxonomy: Taxonomy | None) -> OddLabels:
    """Return the rows that contradict the store's own `taxonomy`, and the names with several parents.

    `dataset` has the labels as they were read, `tree` is that of the run. A store's labels are ids, and
    each has one place; in a table a name may have several parents.
    """
    shared = tree.shared_names()
    (level, name), places = max(shared.items(), key=lambda item: len(item[1]), default=((0, ""), ()))
    most = SharedName(level, name, tuple(PATH_SEPARATOR.join(path[:-1]) for path in places))
    against = outside(LabelTree.from_taxonomy(taxonomy), dataset) if taxonomy else OutsideLabels(0, 0, ())
    return OddLabels(against, len(shared), most)


def in_words(odd: OddLabels, where: str) -> list[str]:
    """Return the lines that a person reads; `where` is what was read."""
    lines = []
    against, most = odd.against_the_tree, odd.most_shared
    if against.rows:
        lines.append(
            f"{against.rows:,} rows of {where} have labels that contradict its own tree"
            f"{outside_in_words(against)}; the run learns them as they are"
        )
    if odd.shared_names:
        parents = ", ".join(most.parents[:3]) + (", …" if len(most.parents) > 3 else "")
        lines.append(
            f"{odd.shared_names:,} names have several parents (level {most.level}: {most.name} "
            f"below {parents}); each counts as one class of its level"
        )
    return lines


def outside_in_words(labels: OutsideLabels, reason: str = "") -> str:
    """Return, in brackets, the most frequent label path that a tree refuses for a reason that begins so."""
    for one in labels.most_frequent:
        if one.reason.startswith(reason):
            path = PATH_SEPARATOR.join(one.path)
            return f" (most frequent, {one.rows:,} rows: {path}, which {one.reason})"
    return ""
