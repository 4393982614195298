"""Make a promise of precision from audited rows."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.assignment.parts import row_thresholds
from mep3m.assignment.promise import Promise, assumption
from mep3m.errors import UsageError
from mep3m.evaluation import guarantees
from mep3m.evaluation.guarantees import Audited, Proof, true_precision
from mep3m.evaluation.promises.drift import Counts, counted
from mep3m.evaluation.promises.sets import SetThresholds, calibrate
from mep3m.recipes.audit import AuditRows
from mep3m.recipes.guarantee.groups import breakdown
from mep3m.recipes.guarantee.prove import corrected, prove_all
from mep3m.recipes.guarantee.target import Target

#: the threshold that people set without a test
NAIVE = 0.9
#: days until a promise has to be made anew
VALID_DAYS = 90


def make_promise(
    rows: AuditRows, target: Target, days: int = VALID_DAYS
) -> tuple[Promise | None, dict[str, Any]]:
    """Return the promise that the rows prove, if any, and what `mep3m guarantee --json` prints.

    Raises:
        UsageError: no row is left to test with, the tree is not as deep as `min_level` or has no such branch.
    """
    tree = rows.run.classifier.tree
    if target.min_level > tree.depth:
        raise UsageError(f"there is no level {target.min_level}: the run has the levels 1 to {tree.depth}")
    audited = rows.audited(target.min_level)
    if not len(audited.files):
        raise UsageError(
            "no audited row is left: all were in training; audit rows that the model has not seen"
        )
    seen = target.seen(target.precision)
    beside = {
        f"probability >= {NAIVE:g}": guarantees.at(audited, NAIVE, target.confidence),
        "precise enough in these rows": guarantees.empirical(audited, seen, target.confidence),
    }
    proof, parts = prove_all(rows, audited, target)
    details: dict[str, Any] = {
        "rows": rows.counts,
        "beside": {name: None if one is None else _proof_json(one, target) for name, one in beside.items()},
    }
    if proof is None:
        return None, _no_promise(audited, target) | details
    least = row_thresholds(parts, proof.threshold, tree, rows.paths.nodes[:, 0])
    details |= breakdown(rows, least, target.min_level) | {"per_1000": _per_1000(proof, target)}
    details["reference"] = _reference(rows)
    today = date.today()
    promise = Promise(
        threshold=proof.threshold,
        precision=target.precision,
        confidence=target.confidence,
        min_level=target.min_level,
        n=proof.n,
        filed=proof.filed,
        errors=proof.errors,
        bound=proof.bound,
        model=rows.run.version,
        taxonomy=tree.version,
        audit=rows.fingerprint,
        made=today.isoformat(),
        expires=(today + timedelta(days=days)).isoformat(),
        run=str(rows.run.folder.resolve()),
        assumption=assumption(target.label_noise, target.min_level),
        label_noise=target.label_noise,
        parts=parts,
        learned=rows.learned,
        sets=_sets(rows, audited.files >= least, target),
        details=details,
    )
    return promise, {name: value for name, value in promise.to_json().items() if name != "details"} | details


def _reference(rows: AuditRows) -> Counts:
    """Return what the audited rows are like, to say later by how much new products differ from them."""
    names = ("title", "source", "id", "source_id")
    titles, sources, ids, own = (rows.products[name].to_pylist() for name in names)
    platforms = [source if one != mine else None for source, one, mine in zip(sources, ids, own, strict=True)]
    ends = np.where(rows.paths.nodes >= 0, rows.paths.chances, 1.0).min(axis=1)
    pictures = [None if one is None else (one.side, one.brightness) for one in rows.pictures]
    return counted(titles, platforms, ends.tolist(), pictures)


def _sets(rows: AuditRows, filed: NDArray[np.bool_], target: Target) -> SetThresholds | None:
    """Return the thresholds of prediction sets, from the rows that a person has to decide."""
    left = np.flatnonzero(~filed & (rows.paths.chances[:, 0] > 0))
    return calibrate(
        rows.run.classifier.tree,
        rows.true_chances[left],
        rows.truth[left],
        target.set_coverage,
        target.sets_by_branch,
    )


def _no_promise(audited: Audited, target: Target) -> dict[str, Any]:
    seen = target.seen(target.precision)
    needed = guarantees.rows_needed(audited, seen, target.confidence, target.start)
    n = len(audited.files)
    return {
        "lambda": None,
        "precision": target.precision,
        "confidence": target.confidence,
        "min_level": target.min_level,
        "n": n,
        "filed": 0,
        "errors": 0,
        "coverage": 0.0,
        "bound": None,
        "rows_needed": needed,
        "more_rows": None if needed is None else max(needed - n, 1),
    }


def _proof_json(proof: Proof, target: Target) -> dict[str, Any]:
    values = asdict(corrected(proof, target))
    share = 1 - proof.errors / proof.filed if proof.filed else None
    return {"lambda": values.pop("threshold"), **values, "coverage": proof.coverage, "seen_precision": share}


def _per_1000(proof: Proof, target: Target) -> dict[str, float]:
    """Return what becomes of 1,000 products: filed, wrong as audited, wrong at most, left to a person."""
    filed = 1000 * proof.coverage
    right = true_precision(1 - proof.errors / max(proof.filed, 1), target.label_noise)
    return {
        "filed": filed,
        "wrong": filed * (1 - right),
        "wrong_at_most": filed * (1 - proof.bound),
        "person": 1000 - filed,
    }
