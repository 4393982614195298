"""What is to be promised, and of which parts of the tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mep3m.errors import UsageError, did_you_mean
from mep3m.evaluation.guarantees import seen_precision
from mep3m.evaluation.promises.sets import COVERAGE
from mep3m.label_tree.tree import LabelTree
from mep3m.taxonomy import Taxonomy


@dataclass(frozen=True)
class Target:
    """What is to be promised.

    `label_noise` of the audited labels are wrong at `min_level` already, whatever the model says. `own` are
    branches (first-level labels or their names) that get a promise of their own, and its precision; with
    `by_branch` all that file enough rows get one. `set_coverage` of the prediction sets hold the truth:
    of all products that are not filed, or with `sets_by_branch` of those of each branch.

    Raises:
        UsageError: a share is not between 0 and 1, or `label_noise` not below 0.5.
    """

    precision: float
    confidence: float = 0.95
    min_level: int = 1
    #: rows that the first tested threshold files at least; `None`: `guarantees.first_rows`
    start: int | None = None
    label_noise: float = 0.0
    own: Mapping[str, float] = field(default_factory=dict)
    by_branch: bool = False
    set_coverage: float = COVERAGE
    sets_by_branch: bool = False

    def __post_init__(self) -> None:
        shares = {"precision": self.precision, "confidence": self.confidence}
        shares["the share of prediction sets (--sets)"] = self.set_coverage
        for name, value in (
            shares | {f"the precision of '{key}'": one for key, one in self.own.items()}
        ).items():
            if not 0 < value < 1:
                reason = "; no audit of finitely many rows proves certainty" if value == 1 else ""
                raise UsageError(
                    f"{name} {value:.12g} is not allowed: write a number between 0 and 1{reason}"
                )
        if not 0 <= self.label_noise < 0.5:
            raise UsageError(
                f"label noise {self.label_noise:g} is not allowed: write the share of audited labels that "
                "are wrong, from 0 to below 0.5"
            )

    def seen(self, precision: float) -> float:
        """Return the share of filings that have to agree with their labels for a precision."""
        return seen_precision(precision, self.label_noise)

    def named(self, tree: LabelTree, names: Taxonomy | None) -> dict[int, float]:
        """Return the first-level nodes of `own` with the precision of each.

        Raises:
            UsageError: there is no such branch, or two have the name.
        """
        labels = {node: tree.paths[node][0] for node in range(*tree.nodes(1).indices(len(tree)))}
        called: dict[str, set[int]] = {}
        for node, label in labels.items():
            shown = names[label].name if names is not None and label in names else label
            for word in (label, shown):
                called.setdefault(word, set()).add(node)
        found = {}
        for word, precision in self.own.items():
            nodes = called.get(word, set())
            if not nodes:
                hint = did_you_mean(word, called)
                raise UsageError(f"the run has no branch (first-level category) '{word}'{hint}")
            if len(nodes) > 1:
                raise UsageError(
                    f"{len(nodes)} branches of the run have the name '{word}'; give the id of one"
                )
            found[next(iter(nodes))] = precision
        return found
