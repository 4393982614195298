"""After edits of the tree a promise files on where all products have come along, and says where not."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

from mep3m.alignment.edits.edit import Edit, Record, SplitPart, successor
from mep3m.alignment.edits.history import read_history, record_edit
from mep3m.assignment.answer import assign
from mep3m.assignment.edited_promise import MovedTree
from mep3m.assignment.edited_tree import EditedTreeClassifier, apply_edits
from mep3m.assignment.policy import FilingPolicy
from mep3m.assignment.run import Run
from mep3m.dataset.reading import open_products
from mep3m.label_tree.tree import LabelTree
from mep3m.product import Product, to_table
from mep3m.recipes.audit import read_audit
from mep3m.recipes.classify import train_run
from mep3m.recipes.guarantee import Target, make_promise
from mep3m.settings.run import RunSettings
from mep3m.taxonomy import Category, Taxonomy
from tests.assignment.audited import COLUMNS, rows, write
from tests.assignment.test_edited_tree import Fixed, edited, histories
from tests.cli.runner import ran

PAIRS = (("a", None), ("b", None), ("x", "a"), ("y", "a"), ("z", "b"), ("w", "b"))
TAXONOMY = Taxonomy(tuple(Category(name, name, None, parent) for name, parent in PAIRS))
OLD = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b", "z"), ("b", "w")])


def after(*edits: Edit) -> tuple[MovedTree, LabelTree]:
    classifier, _, _, told = apply_edits(
        Fixed(OLD, np.zeros((0, len(OLD)), np.float32)), TAXONOMY, edited(TAXONOMY, list(edits)), [{}]
    )
    assert isinstance(classifier, EditedTreeClassifier)
    assert told["broken"] == []
    return MovedTree.of(OLD, classifier.tree, classifier.place), classifier.tree


@pytest.mark.parametrize(
    ("edit", "lost"),
    [
        (Edit("merge", "y", target="x", reason="same"), {}),  # within one branch: all have come along
        (Edit("merge", "z", target="y", reason="same"), {"b": "z"}),  # b's products of z are a's now
        (Edit("move", "w", target="a"), {"b": "w"}),
        (Edit("move", "w", target=""), {"b": "w"}),
        (Edit("split", "x", parts=(SplitPart("x1", "x1"), SplitPart("x2", "x2"))), {}),
        (Edit("archive", "x", reason="no longer sold"), {}),
    ],
)
def test_what_a_promise_no_longer_covers(edit: Edit, lost: dict[str, str]) -> None:
    moved, _ = after(edit)
    assert {OLD.paths[node][-1] for node in moved.lost} == set(lost)
    for node, why in moved.lost.items():
        assert f"'{lost[OLD.paths[node][-1]]}' no longer lies in it" in why
    assert [one["path"] for one in moved.no_longer_covered()] == list(lost)


def test_a_category_that_is_gone_with_all_above_it_is_not_covered() -> None:
    moved, tree = after(Edit("archive", "b", reason="sold"))
    assert {OLD.paths[node] for node in moved.lost} >= {("b",)}
    assert moved.places([OLD.index(("b",))]) == [-1]
    assert moved.places([OLD.index(("a", "x")), OLD.index(("a", "y"))]) == sorted(
        [tree.index(("a", "x")), tree.index(("a", "y"))]
    )


@settings(deadline=None)
@given(histories())
def test_a_node_is_lost_where_a_category_below_it_has_left(
    history: tuple[LabelTree, Taxonomy, list[Record]],
) -> None:
    """Any edits: a filing that was right before is right after, unless its node is lost."""
    tree, taxonomy, records = history
    if all(successor(path[-1], records)[0] is None for path in tree.paths):
        return
    followed, _, _, _ = apply_edits(
        Fixed(tree, np.zeros((0, len(tree)), np.float32)), taxonomy, records, [{}]
    )
    if not isinstance(followed, EditedTreeClassifier):
        return
    moved = MovedTree.of(tree, followed.tree, followed.place)
    for node, path in enumerate(tree.paths):
        now = [
            followed.tree.paths[place] if (place := int(followed.place[below])) >= 0 else None
            for below, other in enumerate(tree.paths)
            if other[: len(path)] == path
        ]
        here = followed.tree.paths[followed.place[node]] if followed.place[node] >= 0 else None
        stays = here is not None and all(one is not None and one[: len(here)] == here for one in now)
        assert (node in moved.lost) == (not stays)


IDS = {"食品": "1", "数码": "2", "苹果": "11", "香蕉": "12", "手机壳": "21", "耳机": "22"}


def by_id(table: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
    return [(title, IDS[dept], IDS[kind]) for title, dept, kind in table]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on ids with a promise, and edits that came later: headphones went to food."""
    folder = tmp_path_factory.mktemp("edited")
    table = write(folder / "items.tsv", by_id(rows(400, 1)))
    train_run(open_products(table, COLUMNS), COLUMNS, None, RunSettings(), folder / "run")
    tree = Taxonomy(tuple(Category(i, None, name, i[0] if len(i) > 1 else None) for name, i in IDS.items()))
    tree.save(folder / "run" / "taxonomy.json")
    run = Run.open(folder / "run")
    write(folder / "audit.tsv", by_id(rows(1500, 2)))
    promise, _ = make_promise(read_audit(run, run.read(folder / "audit.tsv", ids=False)), Target(0.95))
    assert promise is not None
    promise.save(folder / "p.json")
    for record in edited(
        tree, [Edit("move", "22", target="1"), Edit("merge", "12", target="11", reason="one")]
    ):
        record_edit(folder / "tree.edits.jsonl", record)
    return folder


def test_filing_goes_on_in_the_tree_of_the_promise(place: Path) -> None:
    run = Run.open(place / "run")
    titles = ["苹果 1", "香蕉 2", "耳机 3", "手机壳 4", "好物", "手机壳 耳机"]
    products = to_table(Product(str(n), "t", str(n), title=title) for n, title in enumerate(titles))
    plain = assign(run.classifier, products, policy=FilingPolicy.open(place / "p.json", run))
    later = run.with_edits(read_history(place / "tree.edits.jsonl"))
    policy = FilingPolicy.open(place / "p.json", later)
    moved = assign(later.classifier, products, policy=policy, taxonomy=later.taxonomy)
    assert [one.path for one in moved[:4]] == [("1", "11"), ("1", "11"), ("1", "22"), ("2", "21")]
    assert [one.decision for one in moved[:4]] == [one.decision for one in plain[:4]] == ["filed"] * 4
    assert moved[4].decision == "review"
    # electronics as a whole is no longer covered: what was filed there is headphones too
    both = products.slice(5, 1)
    first, second = assign(run.classifier, both, min_confidence=0)[0].confidence
    loose = replace(policy, promise=replace(policy.promise, threshold=(first + second) / 2))
    (last,) = assign(later.classifier, both, policy=loose)
    assert (last.decision, last.path) == ("review", ())
    assert last.reason == "the promise no longer covers '2': '22' no longer lies in it"


def test_check_says_what_is_no_longer_covered(place: Path) -> None:
    words = ("guarantee", "check", place / "p.json", "--audit", place / "audit.tsv")
    edits = ("--edits", place / "tree.edits.jsonl")
    done = ran(*words, *edits)
    assert done.code == 0
    assert "nothing is filed at 2: the promise no longer covers '2': '22' no longer lies in it" in done.out
    told = ran(*words, *edits, "--json").json
    assert [one["path"] for one in told["no_longer_covered"]] == ["2"]
    assert told["holds"]
    assert ran(*words, "--json").json["no_longer_covered"] == []


def test_assign_files_on_after_edits(place: Path) -> None:
    write(place / "new.tsv", [("苹果 9",), ("耳机 8",)], "title")
    out = place / "out.jsonl"
    more = ("--promise", place / "p.json", "--edits", place / "tree.edits.jsonl", "--title", "title")
    done = ran("assign", place / "run", place / "new.tsv", *more, "--out", out)
    assert done.code == 0, done.err
    assert "nothing is filed at 2: the promise no longer covers '2'" in done.err
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [(one["path"], one["decision"]) for one in found] == [
        (["1", "11"], "filed"),
        (["1", "22"], "filed"),
    ]
