"""What was filed and wrong by level, branch and platform, beside a count row by row."""

from collections.abc import Callable

import numpy as np
import pytest

from mep3m.recipes.audit import AuditRows
from mep3m.recipes.guarantee.groups import branch_names, breakdown
from tests.assignment.audited import rows

Table = list[tuple[str, ...]]


@pytest.mark.parametrize("threshold", [0.3, 0.9, 0.97, 1.1])
@pytest.mark.parametrize("min_level", [1, 2])
def test_a_breakdown_is_what_counting_gives(
    audit: Callable[[Table], AuditRows], threshold: float, min_level: int
) -> None:
    held = audit(rows(400, 2))
    # each branch by its own threshold, as parts have it
    least = np.where(branch_names(held) == "食品", threshold, 0.95)
    told = breakdown(held, least, min_level)
    tree = held.run.classifier.tree
    counted: dict[tuple[str, object], list[int]] = {}
    for row, node in enumerate(held.paths.until(least, min_level).tolist()):
        branch, platform = branch_names(held)[row], held.products["source"][row].as_py()
        for key in (("branch", branch), ("platform", platform)):
            counted.setdefault(key, [0, 0, 0])[0] += 1
        if node < 0:
            continue
        path = tree.paths[node]
        known = tree.paths[held.truth[row]] if held.truth[row] >= 0 else ()
        wrong = int(known[: len(path)] != path)
        for key in (("branch", branch), ("platform", platform), ("level", len(path))):
            number = counted.setdefault(key, [0, 0, 0])
            number[1] += 1
            number[2] += wrong
    for group, kind in (("branches", "branch"), ("platforms", "platform")):
        assert len(told[group]) == sum(name == kind for name, _ in counted)
        for one in told[group]:
            assert [one["n"], one["filed"], one["errors"]] == counted[kind, one[kind]]
            assert one["coverage"] == one["filed"] / one["n"]
    assert [one["level"] for one in told["levels"]] == list(range(min_level, 3))
    for one in told["levels"]:
        assert [one["filed"], one["errors"]] == counted.get(("level", one["level"]), [0, 0, 0])[1:]
