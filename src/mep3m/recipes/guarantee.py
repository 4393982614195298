"""Make a promise of precision from audited rows, test one on new rows, and say what more rows would buy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mep3m.assignment.promise import Promise
from mep3m.errors import UsageError
from mep3m.evaluation import guarantees
from mep3m.evaluation.audit_plan import plan
from mep3m.evaluation.guarantees import Audited, Proof
from mep3m.recipes.audit import AuditRows

#: the threshold that people set without a test
NAIVE = 0.9
#: days until a promise has to be made anew
VALID_DAYS = 90
Verdict = Literal["holds", "unclear", "broken"]


@dataclass(frozen=True)
class Target:
    """What is to be promised.

    Raises:
        UsageError: a share is not between 0 and 1, or a count below 1.
    """

    precision: float
    confidence: float = 0.95
    min_level: int = 1
    #: rows that the first tested threshold files at least; `None`: `guarantees.first_rows`
    start: int | None = None

    def __post_init__(self) -> None:
        for name in ("precision", "confidence"):
            value = getattr(self, name)
            if not 0 < value < 1:
                reason = "; no audit of finitely many rows proves certainty" if value == 1 else ""
                raise UsageError(f"{name} {value:g} is not allowed: write a number between 0 and 1{reason}")


def make_promise(
    rows: AuditRows, target: Target, days: int = VALID_DAYS
) -> tuple[Promise | None, dict[str, Any]]:
    """Return the promise that the rows prove, if any, and what `mep3m guarantee --json` prints.

    Raises:
        UsageError: no row is left to test with, or the tree is not as deep as `min_level`.
    """
    tree = rows.run.classifier.tree
    if target.min_level > tree.depth:
        raise UsageError(f"there is no level {target.min_level}: the run has the levels 1 to {tree.depth}")
    audited = rows.audited(target.min_level)
    if not len(audited.files):
        raise UsageError(
            "no audited row is left: all were in training; audit rows that the model has not seen"
        )
    proof = guarantees.prove(audited, target.precision, target.confidence, target.start)
    beside = {
        f"probability >= {NAIVE:g}": guarantees.at(audited, NAIVE, target.confidence),
        "precise enough in these rows": guarantees.empirical(audited, target.precision, target.confidence),
    }
    details: dict[str, Any] = {
        "rows": rows.counts,
        "beside": {name: None if found is None else _proof_json(found) for name, found in beside.items()},
    }
    if proof is None:
        return None, _no_promise(audited, target) | details
    details |= _broken_down(rows, proof, target.min_level) | {"per_1000": _per_1000(proof)}
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
        details=details,
    )
    return promise, {name: value for name, value in promise.to_json().items() if name != "details"} | details


def _no_promise(audited: Audited, target: Target) -> dict[str, Any]:
    needed = guarantees.rows_needed(audited, target.precision, target.confidence, target.start)
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


def _proof_json(proof: Proof) -> dict[str, Any]:
    values = asdict(proof)
    share = 1 - proof.errors / proof.filed if proof.filed else None
    return {"lambda": values.pop("threshold"), **values, "coverage": proof.coverage, "seen_precision": share}


def _per_1000(proof: Proof) -> dict[str, float]:
    """Return what becomes of 1,000 products: filed, wrong as audited, wrong at most, left to a person."""
    filed = 1000 * proof.coverage
    return {
        "filed": filed,
        "wrong": 1000 * proof.errors / proof.n,
        "wrong_at_most": filed * (1 - proof.bound),
        "person": 1000 - filed,
    }


def _broken_down(rows: AuditRows, proof: Proof, min_level: int) -> dict[str, Any]:
    """Return what was filed by level, by first-level branch and by platform; none of it is promised."""
    tree, audited = rows.run.classifier.tree, rows.audited(min_level)
    ends = rows.paths.until(proof.threshold, min_level)
    wrong = audited.errs >= proof.threshold
    levels = np.where(ends >= 0, tree.levels[ends], 0)
    by_level = [
        {"level": level, "filed": int((levels == level).sum()), "errors": int(wrong[levels == level].sum())}
        for level in range(min_level, tree.depth + 1)
    ]
    platforms = np.array(rows.products["source"].to_pylist(), dtype=object)
    branches = np.array(_branches(rows), dtype=object)
    return {
        "levels": by_level,
        "branches": _groups("branch", branches, ends >= 0, wrong),
        "platforms": _groups("platform", platforms, ends >= 0, wrong),
    }


def _branches(rows: AuditRows) -> list[str]:
    """Return the likely first-level category of each row, by its name."""
    tree, names = rows.run.classifier.tree, rows.run.taxonomy
    firsts = (tree.paths[node][-1] for node in rows.paths.nodes[:, 0])
    return [names[key].name if names is not None and key in names else key for key in firsts]


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


def check_promise(promise: Promise, rows: AuditRows) -> dict[str, Any]:
    """Return whether a promise holds on audited rows: those it was made of, or new ones.

    `verdict` holds: the numbers are those of the promise (its own rows), or the new rows prove its precision
    again. broken: its own rows give other numbers, or the new rows show that the precision is lower. unclear:
    the new rows are too few to tell, of which `rows_needed` would prove it.
    """
    audited = rows.audited(promise.min_level)
    proof = guarantees.at(audited, promise.threshold, promise.confidence)
    same = rows.fingerprint == promise.audit
    numbers = (proof.n, proof.filed, proof.errors)
    most = guarantees.upper_bound(proof.filed, proof.errors, promise.confidence)
    verdict: Verdict = "unclear"
    if same:
        agrees = numbers == (promise.n, promise.filed, promise.errors)
        verdict = "holds" if agrees and proof.bound >= promise.precision else "broken"
    elif proof.filed and proof.bound >= promise.precision:
        verdict = "holds"
    elif proof.filed and most < promise.precision:
        verdict = "broken"
    needed = guarantees.fewest(promise.precision, promise.confidence)
    return {
        "verdict": verdict,
        "holds": verdict == "holds",
        "same_audit": same,
        **_proof_json(proof),
        "precision": promise.precision,
        "confidence": promise.confidence,
        "upper_bound": most,
        "filings_needed": needed,
        "expires": promise.expires,
        "promise": promise.id,
        "rows": rows.counts,
    }


def plan_audit(rows: AuditRows, target: Target, more: Sequence[int] = (0, 500, 1000, 5000)) -> dict[str, Any]:
    """Return what more audited rows would buy in coverage, and how far each branch is from its own proof.

    `more_rows` of a branch are those of it alone; `gain` is by how much the coverage of everything would rise
    for 1,000 of them, by what its rows file where they are precise enough.
    """
    audited = rows.audited(target.min_level)
    points = plan(audited, target.precision, target.confidence, more, target.start)
    proof = guarantees.prove(audited, target.precision, target.confidence, target.start)
    filed = np.zeros(len(audited.files), dtype=bool) if proof is None else audited.files >= proof.threshold
    keys = np.array(_branches(rows), dtype=object)
    branches = [_branch_plan(key, keys == key, audited, filed, target) for key in set(keys.tolist())]
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
    key: str, mine: NDArray[np.bool_], audited: Audited, filed: NDArray[np.bool_], target: Target
) -> dict[str, Any]:
    own = audited.take(np.flatnonzero(mine))
    n, now = len(own.files), int(filed[mine].sum())
    needed = guarantees.rows_needed(own, target.precision, target.confidence, target.start)
    best = guarantees.empirical(own, target.precision, target.confidence)
    more = None if needed is None else max(needed - n, 1)
    if guarantees.prove(own, target.precision, target.confidence, target.start) is not None:
        needed, more = n, 0
    gain = max((best.filed if best else 0) - now, 0) / len(audited.files)
    return {
        "branch": key,
        "n": n,
        "coverage": now / n,
        "rows_needed": needed,
        "more_rows": more,
        "gain": gain * 1000 / max(more, 1000) if more is not None else 0.0,
    }
