"""Test a promise on audited rows: those it was made of, or new ones."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from mep3m.assignment.parts import part_of
from mep3m.assignment.promise import Promise
from mep3m.evaluation.guarantees import (
    Audited,
    fewest,
    lower_bound,
    seen_precision,
    true_precision,
    upper_bound,
)
from mep3m.recipes.audit import AuditRows

Verdict = Literal["holds", "unclear", "broken"]


def check_promise(promise: Promise, rows: AuditRows) -> dict[str, Any]:
    """Return whether a promise holds on audited rows.

    `verdict` holds: the numbers are those of the promise (its own rows), or the new rows prove its precision
    again. broken: its own rows give other numbers, or the new rows show that the precision is lower. unclear:
    the new rows are too few to tell; `filings_needed`, all right, would prove it. With parts, each is
    tested: all that were proven have to hold, and one that is broken breaks the promise.
    """
    audited = rows.audited(promise.min_level)
    same = rows.fingerprint == promise.audit
    told = {
        "same_audit": same,
        "n": len(audited.files),
        "precision": promise.precision,
        "confidence": promise.confidence,
        "expires": promise.expires,
        "promise": promise.id,
        "rows": rows.counts,
    }
    if not promise.parts:
        numbers = (promise.n, promise.filed, promise.errors) if same else None
        return told | _test(audited, promise, promise, numbers)
    place = part_of(promise.parts, rows.run.classifier.tree, rows.paths.nodes[:, 0])
    parts = []
    for number, part in enumerate(promise.parts):
        mine = audited.take(np.flatnonzero(place == number))
        if part.threshold is not None:
            numbers = (part.n, part.filed, part.errors) if same else None
            parts.append({"branch": part.branch, **_test(mine, promise, part, numbers)})
    return told | _all_of(parts) | {"parts": parts}


def _test(
    audited: Audited, promise: Promise, part: Any, numbers: tuple[int, int, int] | None
) -> dict[str, Any]:
    """Return the test of a promise, or of one `part` of it, on rows; `numbers` are those it has to give."""
    n = len(audited.files)
    filed = int((audited.files >= part.threshold).sum())
    errors = int((audited.errs >= part.threshold).sum())
    wanted = seen_precision(part.precision, promise.label_noise)
    low = float(lower_bound(filed, errors, part.confidence))
    high = upper_bound(filed, errors, part.confidence)
    verdict: Verdict = "unclear"
    if numbers is not None:
        verdict = "holds" if numbers == (n, filed, errors) and low >= wanted else "broken"
    elif filed and low >= wanted:
        verdict = "holds"
    elif filed and high < wanted:
        verdict = "broken"
    return {
        "verdict": verdict,
        "holds": verdict == "holds",
        "lambda": part.threshold,
        "n": n,
        "filed": filed,
        "errors": errors,
        "bound": true_precision(low, promise.label_noise),
        "upper_bound": true_precision(high, promise.label_noise),
        "precision": part.precision,
        "coverage": filed / n if n else 0.0,
        "seen_precision": 1 - errors / filed if filed else None,
        "filings_needed": fewest(wanted, part.confidence),
    }


def _all_of(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one verdict of several."""
    verdicts = {one["verdict"] for one in parts}
    worst = next(verdict for verdict in ("broken", "unclear", "holds") if verdict in verdicts)
    return {
        "verdict": worst,
        "holds": worst == "holds",
        "filed": sum(one["filed"] for one in parts),
        "errors": sum(one["errors"] for one in parts),
        "bound": min(one["bound"] for one in parts),
        "filings_needed": max(one["filings_needed"] for one in parts),
    }
