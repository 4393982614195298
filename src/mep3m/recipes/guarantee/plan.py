"""Say what more audited rows would buy, and where most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mep3m.assignment.parts import NEVER, row_thresholds
from mep3m.evaluation import guarantees
from mep3m.evaluation.guarantees import Audited
from mep3m.evaluation.promises.audit_plan import plan
from mep3m.evaluation.promises.branches import WHOLE, stage_confidence
from mep3m.recipes.audit import AuditRows
from mep3m.recipes.guarantee.groups import branch_names
from mep3m.recipes.guarantee.prove import branches_to_test, prove_all
from mep3m.recipes.guarantee.target import Target


def plan_audit(rows: AuditRows, target: Target, more: Sequence[int] = (0, 500, 1000, 5000)) -> dict[str, Any]:
    """Return what more audited rows would buy in coverage, and how far each branch is from its own proof.

    `more_rows` of a branch are those of it alone; `gain` is by how much the coverage of everything would rise
    for 1,000 of them, by what its rows file where they are precise enough.
    """
    audited = rows.audited(target.min_level)
    seen = target.seen(target.precision)
    points = plan(audited, seen, target.confidence, more, target.start)
    proof, parts = prove_all(rows, audited, target)
    threshold = NEVER if proof is None else proof.threshold
    least = row_thresholds(parts, threshold, rows.run.classifier.tree, rows.paths.nodes[:, 0])
    filed = audited.files >= least
    own = branches_to_test(rows, audited, target)
    share = stage_confidence(target.confidence, len(own) + 1, 1 - WHOLE) if own else target.confidence
    keys, firsts = branch_names(rows), rows.paths.nodes[:, 0]
    branches = []
    for key in set(keys.tolist()):
        mine = np.flatnonzero(keys == key)
        wanted = target.seen(own.get(int(firsts[mine[0]]), target.precision))
        told = _branch_plan(audited.take(mine), int(filed[mine].sum()), wanted, share, target.start)
        told["gain"] /= len(audited.files)
        branches.append({"branch": key, **told})
    return {
        "precision": target.precision,
        "confidence": target.confidence,
        "n": len(audited.files),
        "coverage_now": proof.coverage if proof is not None else 0.0,
        "plan": [asdict(point) for point in points],
        "branches": sorted(branches, key=lambda one: (-one["gain"], one["branch"])),
        "rows": rows.counts,
    }


def _branch_plan(
    own: Audited, filed: int, precision: float, confidence: float, start: int | None
) -> dict[str, Any]:
    """Return how far a branch is from its own proof; `gain` is in rows for 1,000 more of its own."""
    n = len(own.files)
    needed = guarantees.rows_needed(own, precision, confidence, start)
    best = guarantees.empirical(own, precision, confidence)
    more = None if needed is None else max(needed - n, 1)
    if guarantees.prove(own, precision, confidence, start) is not None:
        needed, more = n, 0
    gain = max((best.filed if best else 0) - filed, 0)
    return {
        "n": n,
        "coverage": filed / n,
        "rows_needed": needed,
        "more_rows": more,
        "gain": gain * 1000 / max(more, 1000) if more is not None else 0.0,
    }
