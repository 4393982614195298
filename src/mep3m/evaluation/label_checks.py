"""What is odd in the labels that a run learns from: it is learned as it stands, and said."""

from __future__ import annotations

from typing import Any

from mep3m.dataset.dataset import Dataset
from mep3m.evaluation.evaluate import outside
from mep3m.label_tree.tree import LabelTree
from mep3m.taxonomy import PATH_SEPARATOR, Taxonomy


def odd_labels(dataset: Dataset, tree: LabelTree, taxonomy: Taxonomy | None) -> dict[str, Any]:
    """Return the rows that contradict the store's own `taxonomy`, and the names with several parents.

    `dataset` has the labels as they were read, `tree` is that of the run. A store's labels are ids, and
    each has one place; in a table a name may stand below several parents.
    """
    shared = tree.shared_names()
    (level, name), places = max(shared.items(), key=lambda item: len(item[1]), default=((0, ""), ()))
    most = {"level": level, "name": name, "parents": [PATH_SEPARATOR.join(path[:-1]) for path in places]}
    against: dict[str, Any] = {"rows": 0, "misplaced": 0, "most_frequent": []}
    if taxonomy:
        against = outside(LabelTree.from_taxonomy(taxonomy), dataset)
    return {"against_the_tree": against, "several_parents": {"names": len(shared), "most": most}}


def in_words(odd: dict[str, Any], where: str) -> list[str]:
    """Return the lines that a person reads; `where` is what was read."""
    lines = []
    against, shared = odd["against_the_tree"], odd["several_parents"]
    if against["rows"]:
        lines.append(
            f"{against['rows']:,} rows of {where} have labels that contradict its own tree"
            f"{outside_in_words(against)}; they are learned as they stand"
        )
    if shared["names"]:
        most = shared["most"]
        parents = ", ".join(most["parents"][:3]) + (", …" if len(most["parents"]) > 3 else "")
        lines.append(
            f"{shared['names']:,} names stand below several parents (level {most['level']}: {most['name']} "
            f"below {parents}); each counts as one class of its level"
        )
    return lines


def outside_in_words(found: dict[str, Any], reason: str = "") -> str:
    """Return, in brackets, the most frequent label path that a tree refuses for a reason that begins so."""
    for row in found["most_frequent"]:
        if row["reason"].startswith(reason):
            path = PATH_SEPARATOR.join(row["path"])
            return f" (most frequent, {row['rows']:,} rows: {path}, which {row['reason']})"
    return ""
