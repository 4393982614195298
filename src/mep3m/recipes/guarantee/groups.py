"""What was filed and wrong in groups of audited rows: levels, branches, platforms."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.recipes.audit import AuditRows


def breakdown(rows: AuditRows, thresholds: NDArray[np.float64], min_level: int) -> dict[str, Any]:
    """Return what `thresholds` (N,) file by level, branch and platform; none of it is promised."""
    tree, audited = rows.run.classifier.tree, rows.audited(min_level)
    ends = rows.paths.until(thresholds, min_level)
    wrong = audited.errs >= thresholds
    levels = np.where(ends >= 0, tree.levels[ends], 0)
    by_level = [
        {"level": level, "filed": int((levels == level).sum()), "errors": int(wrong[levels == level].sum())}
        for level in range(min_level, tree.depth + 1)
    ]
    platforms = np.array(rows.products["source"].to_pylist(), dtype=object)
    return {
        "levels": by_level,
        "branches": _groups("branch", branch_names(rows), ends >= 0, wrong),
        "platforms": _groups("platform", platforms, ends >= 0, wrong),
    }


def branch_names(rows: AuditRows) -> NDArray[np.object_]:
    """Return (N,) the likely first-level category of each row, by its name."""
    tree, names = rows.run.classifier.tree, rows.run.taxonomy
    firsts = (tree.paths[node][-1] for node in rows.paths.nodes[:, 0])
    shown = [names[key].name if names is not None and key in names else key for key in firsts]
    return np.array(shown, dtype=object)


def _groups(
    name: str, keys: NDArray[np.object_], filed: NDArray[np.bool_], wrong: NDArray[np.bool_]
) -> list[dict[str, Any]]:
    """Return rows, filings and errors of each group, the largest first."""
    found = []
    for key in set(keys.tolist()):
        mine = keys == key
        counted = {"n": int(mine.sum()), "filed": int(filed[mine].sum()), "errors": int(wrong[mine].sum())}
        found.append({name: key, **counted, "coverage": counted["filed"] / counted["n"]})
    return sorted(found, key=lambda one: (-one["n"], str(one[name])))
