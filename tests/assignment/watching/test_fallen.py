"""A branch that fell back files at what lies above it, in every process, from the next batch on."""

from pathlib import Path

import pytest

from mep3m.assignment.answer import assign
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.promise import Promise
from mep3m.assignment.run import Run
from mep3m.assignment.watching.fallen import FallenBranches, fallen_file, read_fallen, write_fallen
from mep3m.errors import FormatError
from mep3m.product import Product, to_table

TITLES = ("红富士苹果 1", "香蕉 2", "手机壳 3", "耳机 4")


@pytest.fixture
def policy(promise: Promise, audited_run: Run, tmp_path: Path) -> FilingPolicy:
    promise.save(tmp_path / "p.json")
    return FilingPolicy.open(tmp_path / "p.json", audited_run)


def decided(run: Run, policy: FilingPolicy) -> list[tuple[str, tuple[str, ...]]]:
    products = to_table(Product(str(n), "s", str(n), title=title) for n, title in enumerate(TITLES))
    return [(one.decision, one.path) for one in assign(run.classifier, products, policy=policy)]


def test_that_branch_alone_falls_and_at_once(policy: FilingPolicy, audited_run: Run) -> None:
    before = decided(audited_run, policy)
    assert {decision for decision, _ in before} == {"filed"}
    write_fallen(policy.file, policy.promise.id, FallenBranches((("食品", "苹果"),)))
    after = decided(audited_run, policy)
    assert after[0] == ("filed", ("食品",))
    assert after[1:] == before[1:]
    write_fallen(policy.file, policy.promise.id, FallenBranches((("食品",),)))
    after = decided(audited_run, policy)
    assert [decision for decision, _ in after] == ["review", "review", "filed", "filed"]


def test_the_whole_stops_and_says_why(policy: FilingPolicy, audited_run: Run) -> None:
    write_fallen(policy.file, policy.promise.id, FallenBranches(((),)))
    products = to_table([Product("1", "s", "1", title=TITLES[0])])
    found = assign(audited_run.classifier, products, policy=policy)[0]
    assert (found.decision, found.shadow) == ("review", "filed")
    assert "not as precise as promised" in str(found.reason)


def test_only_a_new_promise_files_there_again(policy: FilingPolicy, audited_run: Run) -> None:
    write_fallen(policy.file, "another promise", FallenBranches((("食品",),)))
    assert {decision for decision, _ in decided(audited_run, policy)} == {"filed"}
    assert read_fallen(policy.file, "another promise").paths == (("食品",),)


@pytest.mark.parametrize("content", ["{}", "[1]", '{"promise": 1}'])
def test_a_damaged_file_files_nothing(policy: FilingPolicy, audited_run: Run, content: str) -> None:
    fallen_file(policy.file).write_text(content)
    with pytest.raises(FormatError, match="does not say which branches fell back"):
        decided(audited_run, policy)
