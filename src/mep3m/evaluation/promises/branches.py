"""Promises for parts of the tree: branches with a threshold of their own, and all others together.

A branch is a first-level category, and the rows whose likely path begins there. The parts are fixed before
anybody looks at who is wrong: branches that somebody named, and those that file enough rows to be proven at
all. Each part is tested like the whole tree, with its share of the allowed error, so that all that is proven
holds at once; and where each part is precise enough, so is what they file together. Decision 246.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mep3m.evaluation.guarantees import Audited, Proof, fewest, prove

Nodes = NDArray[np.int32]
#: all branches without a test of their own
OTHERS = -1
#: share of the allowed error that the whole tree is tested with, where parts are tested after it
WHOLE = 0.5
#: a branch is tested by itself where it files so many times the rows that a proof without error takes
ENOUGH = 3


@dataclass(frozen=True)
class PartProof:
    """What the audit says of one branch (a node of the first level, or `OTHERS`); `proof` is `None`: nothing.

    `n` rows lie in it. It is tested for its own `precision` with its own `confidence`.
    """

    branch: int
    precision: float
    confidence: float
    n: int
    proof: Proof | None


def stage_confidence(confidence: float, tests: int, share: float) -> float:
    """Return the confidence of each of `tests` that together may err with a `share` of what is allowed."""
    return 1 - share * (1 - confidence) / tests


def nominate(audited: Audited, branches: Nodes, precision: float, confidence: float) -> list[int]:
    """Return the branches that file enough rows for a test of their own, the largest first.

    `branches` (N,) is the branch of each row. Only how many rows could be filed decides, not who is wrong.
    """
    number = np.bincount(branches[audited.files > 0])
    order = np.argsort(-number, kind="stable")
    kept: list[int] = []
    for count, branch in enumerate(order.tolist(), start=1):
        part = stage_confidence(confidence, count + 1, 1 - WHOLE)
        if number[branch] < ENOUGH * fewest(precision, part):
            break
        kept.append(branch)
    return kept


def prove_parts(
    audited: Audited,
    branches: Nodes,
    tested: Mapping[int, float],
    precision: float,
    confidence: float,
    start: int | None = None,
) -> list[PartProof]:
    """Return the proofs of the branches in `tested` (branch -> precision) and of all others together.

    `confidence` is that of everything: half of the error it allows is divided equally among the parts.
    """
    own = stage_confidence(confidence, len(tested) + 1, 1 - WHOLE)
    found = []
    for branch, wanted in (*tested.items(), (OTHERS, precision)):
        mine = ~np.isin(branches, list(tested)) if branch == OTHERS else branches == branch
        rows = audited.take(np.flatnonzero(mine))
        found.append(PartProof(branch, wanted, own, len(rows.files), prove(rows, wanted, own, start)))
    return found
