"""What people labelled stands: a prediction adds levels below such a label, and replaces none."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from mep3m.assignment.answer import Assignment, Beside, assign
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.promise import Promise
from mep3m.assignment.reasons.given_labels import given_labels
from mep3m.assignment.run import Run
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import load
from mep3m.product import Label, Origin, Product, to_table

TREE = LabelTree.from_paths([("食品", "苹果"), ("数码", "手机壳")])


def labelled(path: Sequence[str | None], origin: Origin, title: str | None = "红富士苹果 包邮") -> Any:
    labels = tuple(Label(one, origin, "li") for one in path)
    return to_table([Product("1", "shop", "1", title=title, labels=labels)])


def answer(run_folder: Any, products: Any, keep: bool = True) -> Assignment:
    return assign(load(run_folder), products, min_confidence=0.5, beside=Beside(keep_labels=keep))[0]


@pytest.mark.parametrize("origin", ["given", "reviewed"])
@pytest.mark.parametrize("path", [("数码", "手机壳"), ("数码",), ("食品", "苹果")])
def test_a_label_of_people_stands(run_folder: Any, origin: Origin, path: tuple[str, ...]) -> None:
    found = answer(run_folder, labelled(path, origin))
    assert (found.decision, found.path, found.kept, found.review) == ("filed", path, origin, False)
    assert found.reason == f"its {origin} label stands"
    assert found.top[0]["path"] == ("食品", "苹果")  # what the model thinks is still told


def test_levels_below_it_may_be_added(run_folder: Any) -> None:
    found = answer(run_folder, labelled(("食品",), "reviewed"))
    assert (found.decision, found.path, found.kept) == ("filed", ("食品", "苹果"), None)


@pytest.mark.parametrize("title", [None, "!!!", "zzz"])
def test_it_stands_where_the_model_reads_nothing_or_is_unsure(run_folder: Any, title: str | None) -> None:
    found = answer(run_folder, labelled(("食品",), "given", title))
    assert (found.decision, found.path, found.kept) == ("filed", ("食品",), "given")


@pytest.mark.parametrize("origin", ["mapped", "predicted"])
def test_labels_by_machines_and_of_other_trees_do_not(run_folder: Any, origin: Origin) -> None:
    others = [
        answer(run_folder, labelled(("数码", "手机壳"), origin)),
        answer(run_folder, labelled(("生鲜", "水果"), "given")),
        answer(run_folder, labelled(("数码", "手机壳"), "given"), keep=False),
    ]
    assert {(one.decision, one.path, one.kept) for one in others} == {("filed", ("食品", "苹果"), None)}


def test_gaps_and_rows_without_labels() -> None:
    rows = [
        Product("1", "s", "1", labels=(Label("食品", "given", "s"), Label(None, "given", "s"))),
        Product("2", "s", "2"),
        Product("3", "s", "3", labels=(Label("数码", "mapped", "s"), Label("手机壳", "reviewed", "s"))),
    ]
    found = given_labels(TREE, to_table(rows))
    assert {row: (one.path, one.origin) for row, one in found.items()} == {
        0: (("食品",), "given"),
        2: (("数码", "手机壳"), "reviewed"),
    }
    assert given_labels(TREE, to_table([])) == {}
    assert given_labels(TREE, to_table(rows).select(["id"])) == {}


@pytest.mark.parametrize("stopped", [False, True])
def test_a_promise_has_no_part_in_it(
    promise: Promise, audited_run: Run, tmp_path: Path, stopped: bool
) -> None:
    """People filed it: no promise is named, so that no watch draws it, and no stop file takes it back."""
    promise.save(tmp_path / "p.json")
    policy = FilingPolicy.open(tmp_path / "p.json", audited_run, shadow=stopped)
    products = [labelled(path, "reviewed") for path in (("数码", "手机壳"), ("食品",), ())]
    found = assign(
        audited_run.classifier, pa.concat_tables(products), policy=policy, beside=Beside(keep_labels=True)
    )
    model = "review" if stopped else "filed"
    assert [(one.decision, one.kept) for one in found] == [
        ("filed", "reviewed"), (model, None), (model, None),
    ]  # fmt: skip
    assert [one.promise for one in found] == [None, promise.id, promise.id]
    assert [one.shadow for one in found] == [None, *["filed" if stopped else None] * 2]
    assert [one.path for one in found] == [("数码", "手机壳"), ("食品", "苹果"), ("食品", "苹果")]
