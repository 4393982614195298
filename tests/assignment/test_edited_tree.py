"""Trained models follow edits of their tree: no probability is lost, and what cannot follow says why."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.alignment.edits.edit import Edit, Record, make, successor
from mep3m.alignment.edits.history import read_history, record_edit
from mep3m.assignment.edited_tree import apply_edits
from mep3m.assignment.run import Run
from mep3m.errors import Mep3mError, UsageError
from mep3m.label_tree.probabilities import from_leaves, incoherence, softmax
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Prediction
from mep3m.store.images import Images
from mep3m.taxonomy import Category, Taxonomy
from tests.label_tree.trees import random_scores, seeds, trees
from tests.recipes.test_classify import call, write_table
from tests.service.clients import serving


@dataclass(frozen=True)
class Fixed:
    """A classifier that has learned by heart what every row is."""

    tree: LabelTree
    proba: np.ndarray

    def predict(self, products: pa.Table, images: Images | None = None) -> Prediction:
        return Prediction(self.proba, np.ones(len(self.proba), dtype=bool), [])

    def predict_proba(self, products: pa.Table, images: Images | None = None) -> np.ndarray:
        return self.proba

    def save(self, folder: Path) -> None:
        np.save(folder / "proba.npy", self.proba)


def taxonomy_of(tree: LabelTree) -> tuple[Taxonomy, LabelTree]:
    """Return a taxonomy with an id of its own for every node, and the same tree over those ids."""
    number = {path: f"c{place}" for place, path in enumerate(tree.paths)}
    ids = LabelTree.from_paths(
        tuple(number[path[:depth]] for depth in range(1, len(path) + 1)) for path in tree.paths
    )
    nodes = (Category(number[path], path[-1], None, number.get(path[:-1])) for path in tree.paths)
    return Taxonomy(tuple(nodes)), ids


def edited(taxonomy: Taxonomy, edits: list[Edit]) -> list[Record]:
    """Make the edits that make sense, one after the other."""
    records = []
    for edit in edits:
        try:
            taxonomy, record = make(taxonomy, edit, "li", "2026-11-25")
        except Mep3mError:
            continue
        records.append(record)
    return records


@st.composite
def histories(draw: st.DrawFn) -> tuple[LabelTree, Taxonomy, list[Record]]:
    taxonomy, tree = taxonomy_of(draw(trees))
    ids = st.sampled_from([category.id for category in taxonomy])
    one = st.builds(Edit, st.sampled_from(["merge", "move", "archive", "rename"]), ids, ids, st.just("新名"))
    return tree, taxonomy, edited(taxonomy, draw(st.lists(one, max_size=5)))


@settings(deadline=None)
@given(histories(), seeds)
def test_answers_stay_coherent_and_lose_only_what_has_no_place(
    history: tuple[LabelTree, Taxonomy, list[Record]], seed: int
) -> None:
    tree, taxonomy, records = history
    proba = from_leaves(tree, softmax(random_scores(seed, (5, len(tree.leaves)))))
    if all(successor(path[-1], records)[0] is None for path in tree.paths):
        with pytest.raises(UsageError, match="none of the run's classes"):
            apply_edits(Fixed(tree, proba), taxonomy, records, [{}])
        return
    followed, now, _, told = apply_edits(Fixed(tree, proba), taxonomy, records, [{}])
    assert told["broken"] == []
    moved = followed.predict_proba(pa.table({}))
    assert incoherence(followed.tree, moved) < 1e-4
    for path in followed.tree.paths:
        assert path == tuple(category.id for category in now.path(path[-1]))
    whole, first = moved[:, followed.tree.nodes(1)].sum(axis=1), proba[:, tree.nodes(1)].sum(axis=1)
    lost = [path for path in tree.paths if len(path) == 1 and path[0] in told["gone"]]
    assert (whole <= first + 1e-4).all()
    if not lost:
        assert whole == pytest.approx(first, abs=1e-4)


def test_a_merged_class_answers_as_its_successor_with_the_probability_of_both() -> None:
    taxonomy = Taxonomy(tuple(Category(i, i, None, p) for i, p in (("a", None), ("b", None), ("x", "a"),
                                                                   ("y", "a"), ("z", "b"))))  # fmt: skip
    tree = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b", "z")])
    proba = from_leaves(tree, np.array([[0.5, 0.2, 0.3]], dtype=np.float32))
    records = edited(taxonomy, [Edit("merge", "z", target="y", reason="same")])
    rows = [{"a": 7, "b": 3}, {"x": 4, "y": 3, "z": 3}]
    followed, _, counts, told = apply_edits(Fixed(tree, proba), taxonomy, records, rows)
    found = dict(zip(followed.tree.paths, followed.predict_proba(pa.table({}))[0], strict=True))
    assert found == pytest.approx({("a",): 1.0, ("b",): 0.0, ("a", "x"): 0.5, ("a", "y"): 0.5})
    assert told == {"edits": 1, "now": {"z": "y"}, "gone": {}, "broken": []}
    assert counts[1]["y"] == 6


def test_archived_and_split_classes_give_way_to_the_one_above_and_say_why() -> None:
    taxonomy = Taxonomy((Category("a", "a"), Category("x", "x", parent="a"), Category("y", "y", parent="a")))
    tree = LabelTree.from_paths([("a", "x"), ("a", "y")])
    proba = from_leaves(tree, np.array([[0.6, 0.4]], dtype=np.float32))
    records = edited(taxonomy, [Edit("archive", "x", reason="no longer sold")])
    followed, _, _, told = apply_edits(Fixed(tree, proba), taxonomy, records, [{}])
    found = dict(zip(followed.tree.paths, followed.predict_proba(pa.table({}))[0], strict=True))
    assert found == pytest.approx({("a",): 1.0, ("a", "y"): 0.4})
    assert told["gone"] == {"x": "x was archived: no longer sold"}


def test_edits_of_later_categories_are_told_and_do_not_stop() -> None:
    later = Taxonomy((Category("a", "a"), Category("b", "b"), Category("new", "new")))
    before = Taxonomy(later.categories[:2])
    tree = LabelTree.from_paths([("a",), ("b",)])
    proba = np.array([[0.9, 0.1]], dtype=np.float32)
    records = edited(later, [Edit("archive", "new"), Edit("rename", "a", name_zh="甲")])
    followed, now, _, told = apply_edits(Fixed(tree, proba), before, records, [{}])
    assert [told["edits"], len(told["broken"])] == [1, 1]
    assert now["a"].name_zh == "甲"
    assert followed.tree.paths == tree.paths
    with pytest.raises(UsageError, match="classes of this run are names"):
        apply_edits(Fixed(tree, proba), None, records, [{}])


IDS = {"food": "1", "home": "2", "tea": "11", "rice": "12", "lamp": "22"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on ids, as a store leaves it: food is tea or rice, home is lamp."""
    folder = tmp_path_factory.mktemp("followed")
    lines = write_table(folder / "names.tsv").read_text().splitlines()
    cells = [line.split("\t") for line in lines[1:]]
    for name, ids in (("ids", IDS), ("later", IDS | {"rice": "11"})):
        rows = ["\t".join([*row[:2], *(ids.get(label, "") for label in row[2:4]), row[4]]) for row in cells]
        (folder / f"{name}.tsv").write_text("\n".join([lines[0], *rows]) + "\n")
    columns = ("--title", "name", "--labels", "l1,l2", "--id", "sku", "--platform", "shop")
    assert call("train", folder / "ids.tsv", *columns, "--modality", "text", "--out", folder / "run") == 0
    tree = Taxonomy(tuple(Category(i, None, name, i[0] if len(i) > 1 else None) for name, i in IDS.items()))
    tree.save(folder / "run" / "taxonomy.json")
    for record in edited(tree, [Edit("merge", "12", target="11", reason="one shelf")]):
        record_edit(folder / "tree.edits.jsonl", record)
    return folder


def test_evaluate_follows_a_merge(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The rows of rice are labelled tea since the merge: without the edits the old run is wrong there."""
    scores = {}
    for name, edits in (("before", ()), ("after", ("--edits", place / "tree.edits.jsonl"))):
        capsys.readouterr()
        assert call("evaluate", place / "run", "--data", place / "later.tsv", "--json", *edits) == 0
        scores[name] = json.loads(capsys.readouterr().out)
    assert scores["before"]["levels"][1]["top1"] < 0.7
    assert scores["after"]["levels"][1]["top1"] > 0.95
    assert scores["after"]["hierarchical"]["f1"] > 0.95
    assert scores["after"]["edits"]["now"] == {"12": "11"}


def test_evaluate_says_what_was_followed_and_makes_the_whole_card(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    edits = ("--edits", place / "tree.edits.jsonl")
    card = ("--card", tmp_path / "card.json", "--report", tmp_path / "card.html")
    assert call("evaluate", place / "run", "--data", place / "later.tsv", *edits, *card) == 0
    assert "1 edits applied: 1 classes of the run have become another" in capsys.readouterr().err
    by_class = json.loads((tmp_path / "card.json").read_text())["levels"][1]["classes_by_training_rows"]
    rows = {row["name"]: row["training_rows"] for row in by_class}
    assert set(rows) == {"11", "22"}
    assert rows["11"] > 1.5 * rows["22"]


def test_assign_answers_with_the_categories_of_today(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = place / "answers.jsonl"
    given = ("--title", "name", "--id", "sku", "--out", out, "--edits", place / "tree.edits.jsonl")
    assert call("assign", place / "run", place / "names.tsv", *given) == 0
    answers = [json.loads(line) for line in out.read_text().splitlines()]
    assert {answer["path"][-1] for answer in answers if not answer["review"]} == {"11", "22"}
    missing = ("--out", place / "x.jsonl", "--title", "name", "--edits", place / "none.jsonl")
    assert call("assign", place / "run", place / "names.tsv", *missing) == 2
    assert "none.jsonl is not a file" in capsys.readouterr().err


def test_the_server_answers_with_the_categories_of_today(place: Path) -> None:
    run = Run.open(place / "run").with_edits(read_history(place / "tree.edits.jsonl"))
    question = {"products": [{"title": "rice grain model 5"}, {"title": "lamp bulb model 7"}]}
    with serving(run) as client:
        answers = client.post("/assign", json=question).json()
        assert client.get("/health").json()["classes"] == 2
    assert [answer["path"] for answer in answers] == [["1", "11"], ["2", "22"]]
    assert answers[0]["names"] == ["food", "tea"]


def test_serve_refuses_edits_that_do_not_exist(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("serve", place / "run", "--port", "0", "--edits", place / "none.jsonl") == 2
    assert "none.jsonl is not a file" in capsys.readouterr().err
