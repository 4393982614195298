"""Prove what may be filed: everything by one threshold, then branches by their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mep3m.assignment.parts import PromisePart
from mep3m.evaluation import guarantees
from mep3m.evaluation.guarantees import Audited, Proof, true_precision
from mep3m.evaluation.promises.branches import OTHERS, WHOLE, nominate, prove_parts, stage_confidence
from mep3m.recipes.audit import AuditRows
from mep3m.recipes.guarantee.target import Target


def branches_to_test(rows: AuditRows, audited: Audited, target: Target) -> dict[int, float]:
    """Return the first-level nodes that are tested by themselves, with the precision of each.

    Raises:
        UsageError: there is no branch that was named.
    """
    named = target.named(rows.run.classifier.tree, rows.run.taxonomy)
    if not target.by_branch:
        return named
    seen = target.seen(target.precision)
    found = nominate(audited, rows.paths.nodes[:, 0], seen, target.confidence)
    return {node: named.get(node, target.precision) for node in (*named, *found)}


def prove_all(
    rows: AuditRows, audited: Audited, target: Target
) -> tuple[Proof | None, tuple[PromisePart, ...]]:
    """Return what is proven of all that is filed, and the parts, if these decide.

    Both stages hold at once, so that what files more may decide; a branch that was named always has its part.
    """
    tree, seen = rows.run.classifier.tree, target.seen(target.precision)
    firsts = rows.paths.nodes[:, 0]
    tested = branches_to_test(rows, audited, target)
    staged = bool(tested) or target.by_branch
    confidence = stage_confidence(target.confidence, 1, WHOLE) if staged else target.confidence
    proof = guarantees.prove(audited, seen, confidence, target.start)
    whole = None if proof is None else corrected(proof, target)
    if not tested:
        return whole, ()
    proven = prove_parts(
        audited,
        firsts,
        {node: target.seen(precision) for node, precision in tested.items()},
        seen,
        target.confidence,
        target.start,
    )
    parts = []
    for one in proven:
        precision = target.precision if one.branch == OTHERS else tested[one.branch]
        label = None if one.branch == OTHERS else tree.paths[one.branch][0]
        mine = None if one.proof is None else corrected(one.proof, target)
        told = (None, 0, 0, 0.0) if mine is None else (mine.threshold, mine.filed, mine.errors, mine.bound)
        parts.append(PromisePart(label, told[0], precision, one.confidence, one.n, *told[1:]))
    together = _together(parts, len(audited.files))
    if together is None or (whole is not None and not target.own and whole.filed >= together.filed):
        return (None if target.own else whole), ()
    return together, tuple(parts)


def _together(parts: Sequence[PromisePart], n: int) -> Proof | None:
    """Return what the parts file together; its bound is the least of theirs."""
    held = [part for part in parts if part.threshold is not None]
    if not held:
        return None
    others = [part.threshold for part in held if part.branch is None and part.threshold is not None]
    threshold = min(others or [part.threshold for part in held if part.threshold is not None])
    filed, errors = sum(part.filed for part in held), sum(part.errors for part in held)
    return Proof(threshold, n, filed, errors, min(part.bound for part in held))


def corrected(proof: Proof, target: Target) -> Proof:
    """Return a proof whose bound is that of the precision, not of the agreement with labels."""
    return replace(proof, bound=true_precision(proof.bound, target.label_noise))
