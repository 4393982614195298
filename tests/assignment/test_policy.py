"""Under a promise: what is filed is what was tested, and a file, a date or a shadow hold it back."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from mep3m.assignment.answer import Assignment, assign
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.promise import Promise
from mep3m.assignment.run import Run
from mep3m.errors import ModelError
from mep3m.product import Product, to_table
from mep3m.recipes.guarantee import Target, make_promise
from tests.assignment.audited import audit_of, rows, write

TITLES = ("红富士苹果", "好物", "zzz", "!!!", None)


@pytest.fixture
def policy(promise: Promise, audited_run: Run, tmp_path: Path) -> FilingPolicy:
    promise.save(tmp_path / "p.json")
    return FilingPolicy.open(tmp_path / "p.json", audited_run)


def products(*titles: str | None) -> pa.Table:
    return to_table(Product(str(n), "new", str(n), title=title) for n, title in enumerate(titles))


def answers(run: Run, policy: FilingPolicy) -> list[Assignment]:
    return assign(run.classifier, products(*TITLES), policy=policy)


def test_what_is_filed_is_what_was_audited(policy: FilingPolicy, audited_run: Run, tmp_path: Path) -> None:
    table = write(tmp_path / "audit.tsv", rows(1500, 2))
    audited = audit_of(audited_run, table)
    found = assign(audited_run.classifier, audited.products, policy=policy)
    assert sum(one.decision == "filed" for one in found) == policy.promise.filed
    truth = [audited_run.classifier.tree.paths[node] for node in audited.truth]
    wrong = [
        one.path != path[: len(one.path)]
        for one, path in zip(found, truth, strict=True)
        if one.decision == "filed"
    ]
    assert sum(wrong) == policy.promise.errors


def test_sure_products_are_filed_and_the_others_reviewed(policy: FilingPolicy, audited_run: Run) -> None:
    found = answers(audited_run, policy)
    assert [one.decision for one in found] == ["filed", "review", "review", "review", "review"]
    assert found[0].path == ("食品", "苹果")
    assert {one.promise for one in found} == {policy.promise.id}
    assert {one.shadow for one in found} == {None}
    assert all(one.reason for one in found[1:])
    assert all(one.review == (one.decision != "filed") for one in found)


def test_an_inner_category_may_be_filed_and_a_least_level_forbids_it(
    policy: FilingPolicy, audited_run: Run
) -> None:
    fruit = products("苹果 香蕉 苹果 香蕉")
    first, second = assign(audited_run.classifier, fruit, min_confidence=0)[0].confidence
    threshold = round((first + second) / 2, 4)
    loose = replace(policy, promise=replace(policy.promise, threshold=threshold))
    deep = replace(policy, promise=replace(loose.promise, min_level=2))
    (one,), (other,) = (assign(audited_run.classifier, fruit, policy=given) for given in (loose, deep))
    assert (one.decision, one.path) == ("filed", ("食品",))
    assert (other.decision, other.path) == ("review", ("食品",))
    assert other.reason == f"no category below '食品' has a probability of {threshold:g}"


def test_a_stop_file_stops_the_next_batch(policy: FilingPolicy, audited_run: Run) -> None:
    assert answers(audited_run, policy)[0].decision == "filed"
    policy.stop_file.touch()
    stopped = answers(audited_run, policy)
    assert {one.decision for one in stopped} == {"review"}
    assert stopped[0].reason == f"filing is stopped: {policy.stop_file.name} exists"
    assert stopped[0].shadow == "filed"
    policy.stop_file.unlink()
    assert answers(audited_run, policy)[0].decision == "filed"


def test_a_promise_that_expires_while_a_service_runs_files_nothing(
    policy: FilingPolicy, audited_run: Run
) -> None:
    old = replace(policy, promise=replace(policy.promise, expires="2020-01-01"))
    assert answers(audited_run, old)[0].reason == "the promise expired on 2020-01-01"


def test_a_shadow_says_what_would_be_filed(policy: FilingPolicy, audited_run: Run) -> None:
    found = answers(audited_run, replace(policy, shadow=True))
    assert [one.shadow for one in found] == ["filed", "review", "review", "review", "review"]
    assert {one.decision for one in found} == {"review"}
    assert found[0].reason == "shadow: it would be filed"


def test_a_policy_of_another_run_cannot_be_opened(promise: Promise, run_folder: Path, tmp_path: Path) -> None:
    promise.save(tmp_path / "p.json")
    with pytest.raises(ModelError, match="made for another model"):
        FilingPolicy.open(tmp_path / "p.json", Run.open(run_folder))


def test_a_product_in_review_gets_a_prediction_set(audited_run: Run, tmp_path: Path) -> None:
    table = [(title, dept, kind) for title, dept, kind in rows(3000, 2)]
    promise, told = make_promise(audit_of(audited_run, write(tmp_path / "audit.tsv", table)), Target(0.95))
    assert promise is not None
    assert promise.sets is not None
    assert told["sets"]["coverage"] == 0.9
    policy = FilingPolicy(promise, tmp_path / "p.json")
    found = answers(audited_run, policy)
    assert [one.prediction_set is None for one in found] == [True, False, True, True, True]
    assert found[1].prediction_set  # 好物: any of the kinds
    held = audit_of(audited_run, write(tmp_path / "later.tsv", rows(3000, 3)))
    tree = audited_run.classifier.tree
    inside = [
        any(tree.paths[node][: len(path)] == path for path in one.prediction_set)
        for one, node in zip(
            assign(audited_run.classifier, held.products, policy=policy), held.truth.tolist(), strict=True
        )
        if one.prediction_set is not None
    ]
    assert len(inside) > 50
    assert sum(inside) / len(inside) > 0.85


def test_no_set_without_enough_rows_in_review_and_in_shadow_only_for_review(
    audited_run: Run, tmp_path: Path
) -> None:
    sure = [row for row in rows(1500, 2) if not row[0].startswith("好物")]
    promise, _ = make_promise(audit_of(audited_run, write(tmp_path / "audit.tsv", sure)), Target(0.95))
    assert promise is not None
    assert promise.sets is None
    assert {one.prediction_set for one in answers(audited_run, FilingPolicy(promise, tmp_path / "p"))} == {
        None
    }


def test_in_a_shadow_what_would_be_filed_has_no_set(policy: FilingPolicy, audited_run: Run) -> None:
    found = answers(audited_run, replace(policy, shadow=True))
    assert found[0].prediction_set is None
    assert (found[1].prediction_set is None) == (policy.promise.sets is None)
