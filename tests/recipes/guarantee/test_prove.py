"""Both stages of a promise: what decides, what is divided, and that the parts are those of the audit."""

from collections.abc import Callable

import numpy as np
import pytest

from mep3m.evaluation.guarantees import at, lower_bound, prove
from mep3m.evaluation.promises.branches import stage_confidence
from mep3m.recipes.audit import AuditRows
from mep3m.recipes.guarantee import Target, make_promise
from mep3m.recipes.guarantee.prove import branches_to_test, prove_all
from tests.assignment.audited import rows

Table = list[tuple[str, ...]]
Audit = Callable[[Table], AuditRows]


def half_wrong(count: int, seed: int) -> Table:
    """Return rows of which every second of one branch is labelled as the other."""
    return [
        (title, "数码", "耳机") if dept == "食品" and number % 2 else (title, dept, kind)
        for number, (title, dept, kind) in enumerate(rows(count, seed))
    ]


def test_without_parts_all_of_the_error_is_for_the_whole(audit: Audit) -> None:
    held = audit(rows(1500, 2))
    audited = held.audited()
    proof, parts = prove_all(held, audited, Target(0.95))
    assert parts == ()
    assert proof == prove(audited, 0.95, 0.95)


def test_with_parts_half_of_it_is(audit: Audit) -> None:
    held = audit(rows(3000, 2))
    audited = held.audited()
    proof, parts = prove_all(held, audited, Target(0.95, by_branch=True))
    assert proof is not None
    whole = prove(audited, 0.95, stage_confidence(0.95, 1, 0.5))
    assert whole is not None
    if parts:
        assert sum(part.filed for part in parts) > whole.filed
    else:
        assert proof == whole


@pytest.mark.parametrize("precision", [0.9, 0.95, 0.97])
def test_each_part_is_what_its_own_rows_say(audit: Audit, precision: float) -> None:
    held = audit(half_wrong(3000, 3))
    audited = held.audited()
    _, parts = prove_all(held, audited, Target(precision, by_branch=True))
    tree, firsts = held.run.classifier.tree, held.paths.nodes[:, 0]
    named = {part.branch for part in parts}
    for part in parts:
        labels = np.array([tree.paths[node][0] for node in firsts])
        mine = labels == part.branch if part.branch else ~np.isin(labels, [one for one in named if one])
        own = audited.take(np.flatnonzero(mine))
        assert part.n == mine.sum()
        assert part.confidence == pytest.approx(stage_confidence(0.95, len(parts), 0.5))
        if part.threshold is None:
            assert (part.filed, part.errors, part.bound) == (0, 0, 0.0)
        else:
            told = at(own, part.threshold, part.confidence)
            assert (part.filed, part.errors, part.bound) == (told.filed, told.errors, told.bound)
            assert part.bound >= precision


def test_a_named_branch_keeps_its_precision_whatever_files_more(audit: Audit) -> None:
    held = audit(rows(3000, 2))
    proof, parts = prove_all(held, held.audited(), Target(0.8, own={"食品": 0.97}))
    assert proof is not None
    assert [part.precision for part in parts] == [0.97, 0.8]
    assert proof.threshold == parts[1].threshold
    assert proof.bound == min(part.bound for part in parts if part.threshold is not None)


def test_where_no_part_is_proven_a_named_branch_has_no_promise(audit: Audit) -> None:
    held = audit(rows(60, 2))
    assert prove_all(held, held.audited(), Target(0.99, own={"食品": 0.99})) == (None, ())
    promise, told = make_promise(held, Target(0.99, own={"食品": 0.99}))
    assert promise is None
    assert told["rows_needed"] > 60


def test_which_branches_are_tested_depends_on_rows_and_names(audit: Audit) -> None:
    held = audit(rows(3000, 2))
    tree = held.run.classifier.tree
    food, digital = tree.index(("食品",)), tree.index(("数码",))
    audited = held.audited()
    assert branches_to_test(held, audited, Target(0.95)) == {}
    assert branches_to_test(held, audited, Target(0.95, own={"食品": 0.9})) == {food: 0.9}
    both = branches_to_test(held, audited, Target(0.95, own={"食品": 0.9}, by_branch=True))
    assert both == {food: 0.9, digital: 0.95}
    assert branches_to_test(held, audited, Target(0.999, by_branch=True)) == {}


@pytest.mark.parametrize("noise", [0.0, 0.01, 0.05])
def test_bounds_are_those_of_the_precision_not_of_the_labels(audit: Audit, noise: float) -> None:
    held = audit(rows(1500, 2))
    promise, told = make_promise(held, Target(0.9, label_noise=noise))
    assert promise is not None
    seen = float(lower_bound(promise.filed, promise.errors, 0.95))
    assert promise.bound == pytest.approx(min((seen - noise) / (1 - 2 * noise), 1.0))
    assert promise.bound >= 0.9
    assert told["per_1000"]["wrong_at_most"] == pytest.approx(
        1000 * promise.filed / 1500 * (1 - promise.bound)
    )
    for beside in told["beside"].values():
        if beside is not None and beside["filed"]:
            low = float(lower_bound(beside["filed"], beside["errors"], 0.95))
            assert beside["bound"] == pytest.approx(min((low - noise) / (1 - 2 * noise), 1.0))


def test_sets_come_from_the_rows_that_are_not_filed(audit: Audit) -> None:
    held = audit(rows(3000, 2))
    promise, _ = make_promise(held, Target(0.95, set_coverage=0.8))
    assert promise is not None
    assert promise.sets is not None
    read = held.paths.chances[:, 0] > 0
    assert promise.sets.n == int((read & (held.audited().files < promise.threshold)).sum())
    assert promise.sets.coverage == 0.8
    assert promise.sets.own == {}
    branched, _ = make_promise(held, Target(0.95, set_coverage=0.8, sets_by_branch=True))
    assert branched is not None
    assert branched.sets is not None
    assert set(branched.sets.own) <= {"食品", "数码"}
