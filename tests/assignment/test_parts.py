"""Parts of a promise: each row has the threshold of its branch, in `assign` as in the audit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mep3m.assignment.answer import assign
from mep3m.assignment.parts import NEVER, PromisePart, part_of, row_thresholds
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.promise import Promise
from mep3m.assignment.run import Run
from mep3m.errors import FormatError, UsageError
from mep3m.label_tree.tree import LabelTree
from mep3m.recipes.guarantee import Target, check_promise, make_promise, plan_audit
from tests.assignment.audited import audit_of, rows, write

TREE = LabelTree.from_paths([("a", "x"), ("b",), ("c",)])
A = PromisePart("a", 0.9, 0.95, 0.99, 100, 80, 1, 0.96)
B = PromisePart("b", None, 0.95, 0.99, 10, 0, 0, 0.0)
OTHERS = PromisePart(None, 0.7, 0.95, 0.99, 50, 20, 0, 0.95)


def test_each_row_has_the_threshold_of_its_branch() -> None:
    firsts = np.array([0, 1, 2, 0], dtype=np.int32)
    assert row_thresholds([A, B, OTHERS], 0.5, TREE, firsts).tolist() == [0.9, NEVER, 0.7, 0.9]
    assert row_thresholds([A], 0.5, TREE, firsts).tolist() == [0.9, NEVER, NEVER, 0.9]
    assert row_thresholds([], 0.5, TREE, firsts).tolist() == [0.5] * 4
    assert part_of([A, B, OTHERS], TREE, firsts).tolist() == [0, 1, 2, 0]


@pytest.mark.parametrize("part", [A, B, OTHERS])
def test_a_part_comes_back_from_json(part: PromisePart) -> None:
    assert PromisePart.parse(part.to_json()) == part


@pytest.fixture
def parted(audited_run: Run, tmp_path: Path) -> Promise:
    held = audit_of(audited_run, write(tmp_path / "audit.tsv", rows(3000, 2)))
    promise, told = make_promise(held, Target(0.9, own={"食品": 0.97}))
    assert promise is not None
    assert [part["branch"] for part in told["parts"]] == ["食品", None]
    return promise


def test_a_named_branch_has_its_own_promise(parted: Promise, audited_run: Run, tmp_path: Path) -> None:
    food, others = parted.parts
    assert (food.precision, others.precision) == (0.97, 0.9)
    assert food.threshold is not None
    assert others.threshold is not None
    assert food.threshold > others.threshold
    assert food.bound >= 0.97
    assert parted.filed == food.filed + others.filed
    assert parted.n == food.n + others.n == 3000
    parted.save(tmp_path / "p.json")
    assert Promise.load(tmp_path / "p.json") == parted


def test_what_is_filed_is_what_was_audited_in_each_part(
    parted: Promise, audited_run: Run, tmp_path: Path
) -> None:
    parted.save(tmp_path / "p.json")
    held = audit_of(audited_run, write(tmp_path / "audit.tsv", rows(3000, 2)))
    policy = FilingPolicy.open(tmp_path / "p.json", audited_run)
    answers = assign(audited_run.classifier, held.products, policy=policy)
    filed = [one.path[0] for one in answers if one.decision == "filed"]
    assert filed.count("食品") == parted.parts[0].filed
    assert len(filed) == parted.filed
    told = check_promise(parted, held)
    assert (told["verdict"], told["filed"], told["errors"]) == ("holds", parted.filed, parted.errors)
    assert [part["verdict"] for part in told["parts"]] == ["holds", "holds"]


def test_a_branch_that_is_not_proven_goes_to_review(
    parted: Promise, audited_run: Run, tmp_path: Path
) -> None:
    unproven = replace(parted.parts[0], threshold=None, filed=0, errors=0, bound=0.0)
    policy = FilingPolicy(replace(parted, parts=(unproven, parted.parts[1])), tmp_path / "p.json")
    held = audit_of(audited_run, write(tmp_path / "audit.tsv", rows(200, 5)))
    answers = assign(audited_run.classifier, held.products, policy=policy)
    food = [one for one in answers if one.top and one.top[0]["path"][0] == "食品"]
    assert {one.decision for one in food} == {"review"}
    assert {one.reason for one in food} == {"nothing is promised in the category that it seems to be of"}
    assert "filed" in {one.decision for one in answers}


def test_new_rows_break_the_part_that_got_worse(parted: Promise, audited_run: Run, tmp_path: Path) -> None:
    later = rows(3000, 7)
    swapped = [(title, dept, "苹果" if kind == "香蕉" else kind) for title, dept, kind in later]
    told = check_promise(parted, audit_of(audited_run, write(tmp_path / "later.tsv", swapped)))
    assert told["verdict"] == "broken"
    assert [part["verdict"] for part in told["parts"]] == ["broken", "holds"]
    few = check_promise(parted, audit_of(audited_run, write(tmp_path / "few.tsv", rows(40, 8))))
    assert few["verdict"] == "unclear"


def test_by_branch_is_used_where_it_files_more(audited_run: Run, tmp_path: Path) -> None:
    held = audit_of(audited_run, write(tmp_path / "audit.tsv", rows(3000, 2)))
    alone, _ = make_promise(held, Target(0.95))
    both, _ = make_promise(held, Target(0.95, by_branch=True))
    assert alone is not None
    assert both is not None
    assert both.filed >= sum(part.filed for part in both.parts)
    assert both.bound >= 0.95
    # 食品 as wrong as it can be: everything together proves nothing, the other branch does
    broken = [
        (title, "数码", "耳机") if dept == "食品" and number % 2 else (title, dept, kind)
        for number, (title, dept, kind) in enumerate(rows(3000, 9))
    ]
    held = audit_of(audited_run, write(tmp_path / "broken.tsv", broken))
    assert make_promise(held, Target(0.97))[0] is None
    saved, _ = make_promise(held, Target(0.97, by_branch=True))
    assert saved is not None
    assert {part.branch for part in saved.parts if part.threshold is not None} == {"数码"}


def test_wrong_names_and_shares_are_refused(audited_run: Run, tmp_path: Path) -> None:
    held = audit_of(audited_run, write(tmp_path / "audit.tsv", rows(300, 2)))
    with pytest.raises(UsageError, match=r"no branch .*'食品类'.*did you mean '食品'"):
        make_promise(held, Target(0.9, own={"食品类": 0.95}))
    with pytest.raises(UsageError, match="the precision of '食品' 1 is not allowed"):
        Target(0.9, own={"食品": 1.0})
    with pytest.raises(UsageError, match=r"label noise 0\.5 is not allowed"):
        Target(0.9, label_noise=0.5)


def test_a_plan_uses_each_branch_and_its_share_of_the_error(audited_run: Run, tmp_path: Path) -> None:
    held = audit_of(audited_run, write(tmp_path / "audit.tsv", rows(300, 2)))
    alone = {one["branch"]: one for one in plan_audit(held, Target(0.9))["branches"]}
    own = {one["branch"]: one for one in plan_audit(held, Target(0.9, own={"食品": 0.98}))["branches"]}
    assert own["食品"]["rows_needed"] > alone["食品"]["rows_needed"]


def test_label_noise_is_part_of_the_promise(audited_run: Run, tmp_path: Path) -> None:
    held = audit_of(audited_run, write(tmp_path / "audit.tsv", rows(1500, 2)))
    plain, _ = make_promise(held, Target(0.97))
    noisy, told = make_promise(held, Target(0.97, label_noise=0.01))
    assert plain is not None
    assert noisy is not None
    assert noisy.filed >= plain.filed
    assert noisy.bound >= 0.97
    assert "at least 1 % of the labels" in noisy.assumption
    assert told["label_noise"] == 0.01
    assert check_promise(noisy, held)["holds"]
    own, _ = make_promise(held, Target(0.95, label_noise=0.01, own={"食品": 0.95}))
    assert own is not None
    assert check_promise(own, held)["holds"]


def test_an_older_promise_is_made_again(promise: Promise, tmp_path: Path) -> None:
    import json

    promise.save(tmp_path / "p.json")
    value = json.loads((tmp_path / "p.json").read_text())
    (tmp_path / "p.json").write_text(json.dumps(value | {"format": 1}))
    with pytest.raises(FormatError, match="make it again"):
        Promise.load(tmp_path / "p.json")
    for wrong in ({"parts": 3}, {"parts": [{}]}, {"sets": []}, {"sets": {"coverage": "x"}}):
        (tmp_path / "p.json").write_text(json.dumps(value | wrong))
        with pytest.raises(FormatError, match="is no promise"):
            Promise.load(tmp_path / "p.json")
