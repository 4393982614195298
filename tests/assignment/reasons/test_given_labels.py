"""What people labelled stands: a prediction adds levels below such a label, and replaces none."""

from collections.abc import Sequence
from typing import Any

import pytest

from mep3m.assignment.answer import Assignment, Beside, assign
from mep3m.assignment.reasons.given_labels import given_labels
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
    assert (found.decision, found.path, found.review) == ("kept", path, False)
    assert found.reason == f"its {origin} label stands"
    assert found.top[0]["path"] == ("食品", "苹果")  # what the model thinks is still told


def test_levels_below_it_may_be_added(run_folder: Any) -> None:
    found = answer(run_folder, labelled(("食品",), "reviewed"))
    assert (found.decision, found.path) == ("filed", ("食品", "苹果"))


@pytest.mark.parametrize("title", [None, "!!!", "zzz"])
def test_it_stands_where_the_model_reads_nothing_or_is_unsure(run_folder: Any, title: str | None) -> None:
    assert answer(run_folder, labelled(("食品",), "given", title)).decision == "kept"


@pytest.mark.parametrize("origin", ["mapped", "predicted"])
def test_labels_by_machines_and_of_other_trees_do_not(run_folder: Any, origin: Origin) -> None:
    assert answer(run_folder, labelled(("数码", "手机壳"), origin)).decision == "filed"
    assert answer(run_folder, labelled(("生鲜", "水果"), "given")).decision == "filed"
    assert answer(run_folder, labelled(("数码", "手机壳"), "given"), keep=False).decision == "filed"


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
