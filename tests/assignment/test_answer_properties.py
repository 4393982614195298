"""What becomes of any product, beside a loop that decides one at a time."""

from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from PIL import Image

from mep3m.assignment.answer import Assignment, Beside, assign
from mep3m.assignment.reasons.novelty import Novelty
from mep3m.imaging.look import Look
from mep3m.label_tree.probabilities import from_leaves
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Prediction
from mep3m.product import Label, Origin, Product, to_table
from mep3m.store.images import FolderImages

TREE = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b", "z"), ("c",)])
ORIGINS: list[Origin] = ["given", "mapped", "predicted", "reviewed"]


class Drawn:
    """A model that gives drawn probabilities, and sees nothing of every seventh product."""

    tree = TREE
    reads = ("title",)

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)

    def predict(self, products: pa.Table, images: Any = None) -> Prediction:
        leaves = self.draw.dirichlet([0.2] * len(TREE.leaves), products.num_rows).astype(np.float32)
        seen = np.arange(products.num_rows) % 7 != 6
        return Prediction(from_leaves(TREE, leaves), seen, [])

    def predict_proba(self, products: pa.Table, images: Any = None) -> np.ndarray:
        return self.predict(products).proba

    def save(self, folder: Path) -> None:
        raise AssertionError


class Unlike(Novelty):
    """Gives drawn p-values."""

    def known(self, tree: LabelTree, proba: Any, titles: Any) -> Any:
        return np.random.default_rng(len(proba)).random(len(proba))


def products(count: int, seed: int) -> pa.Table:
    draw = np.random.default_rng(seed)
    made = []
    for number in range(count):
        path = [("a", "x"), ("a",), ("b", "z"), ("q", "r"), ()][draw.integers(0, 5)]
        origin = ORIGINS[draw.integers(0, 4)]
        labels = tuple(Label(name, origin, "li") for name in path)
        made.append(Product(f"s:{number}", "s", str(number), title=f"t {number}", labels=labels))
    return to_table(made)


def one_at_a_time(
    row: dict[str, Any], proba: np.ndarray, seen: bool, known: float, confidence: float
) -> tuple[str, tuple[str, ...], str | None]:
    """Return decision, path and whose label was kept of one product, as the guide says it."""
    label = tuple(one["category"] for one in row["labels"])
    stands = label and row["labels"][-1]["origin"] in ("given", "reviewed") and label[0] in "abc"
    path: tuple[str, ...] = ()
    decision = "review"
    if seen:
        leaf = TREE.leaves[proba[TREE.leaves].argmax()]
        sure = [node for node in range(len(TREE)) if proba[node] >= confidence]
        if proba[leaf] >= confidence:
            path, decision = TREE.paths[leaf], "filed"
        elif sure:
            deepest = max(len(TREE.paths[node]) for node in sure)
            best = max((node for node in sure if len(TREE.paths[node]) == deepest), key=lambda n: proba[n])
            path = TREE.paths[best]
        if known <= 0.1:
            path, decision = (), "none"
    if stands and not (decision == "filed" and len(path) > len(label) and path[: len(label)] == label):
        return "filed", label, row["labels"][-1]["origin"]
    return decision, path, None


@pytest.mark.parametrize("confidence", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_each_decision_is_that_of_the_loop(seed: int, confidence: float) -> None:
    table = products(120, seed)
    expected = Drawn(seed).predict(table)
    novelty = Unlike(np.zeros(1), np.zeros(0), np.zeros(1), None)
    known = novelty.known(TREE, expected.proba, None)
    beside = Beside(keep_labels=True, novelty=novelty, none_share=0.1)
    found = assign(Drawn(seed), table, min_confidence=confidence, beside=beside)  # type: ignore[arg-type]
    for row, one in enumerate(found):
        given = table.slice(row, 1).to_pylist()[0]
        wanted = one_at_a_time(given, expected.proba[row], bool(expected.seen[row]), known[row], confidence)
        assert (one.decision, one.path, one.kept) == wanted
    assert {one.decision for one in found} == {"filed", "review", "none"}
    assert {one.kept for one in found} == {None, "given", "reviewed"}


def answered(seed: int, **beside: Any) -> list[Assignment]:
    return assign(Drawn(seed), products(60, seed), min_confidence=0.6, beside=Beside(**beside))  # type: ignore[arg-type]


def test_what_is_told_agrees_with_the_decision() -> None:
    novelty = Unlike(np.zeros(1), np.zeros(0), np.zeros(1), None)
    for one in answered(1, keep_labels=True, novelty=novelty, none_share=0.1):
        assert one.review == (one.decision == "review")
        assert (one.reason is None) == (one.decision == "filed" and one.kept is None)
        assert len(one.confidence) == (len(one.path) if one.decision != "none" and one.kept is None else 0)
        assert list(one.confidence) == sorted(one.confidence, reverse=True)
        assert (one.known is None) == (not one.top)
        assert one.platform == "s"
        assert one.title == f"t {one.id}"
        assert one.why is None


def test_nothing_beside_changes_nothing_else() -> None:
    plain = answered(3)
    told = answered(3, model="m")
    assert [one.decision for one in plain] == [one.decision for one in told]
    assert {one.model for one in told} == {"m"}
    assert {one.known for one in plain} == {None}
    assert {one.decision for one in plain} == {"filed", "review"}


@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 1.0])
def test_more_are_of_no_category_where_a_larger_share_may_be(share: float) -> None:
    novelty = Unlike(np.zeros(1), np.zeros(0), np.zeros(1), None)
    found = answered(5, novelty=novelty, none_share=share)
    shown = [one for one in found if one.top]
    none = [one for one in shown if one.decision == "none"]
    assert len(none) == sum(one.known is not None and one.known <= share for one in shown)
    assert all(one.path == () and "unlike the products" in str(one.reason) for one in none)


@pytest.mark.parametrize(
    ("reads", "seen"), [(("title",), [None] * 3), (("title", "image"), [Look(20, 1.0), None, None])]
)
def test_an_answer_says_what_a_picture_is_like_where_the_model_reads_it(
    tmp_path: Path, reads: tuple[str, ...], seen: list[Look | None]
) -> None:
    Image.new("L", (20, 30), 255).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"torn")
    names = ("a.png", "b.png", None)
    table = to_table(
        [Product(f"s:{n}", "s", str(n), title="t", image_ref=one) for n, one in enumerate(names)]
    )
    model = Drawn(1)
    model.reads = reads  # type: ignore[assignment]
    found = assign(model, table, FolderImages(tmp_path))  # type: ignore[arg-type]
    assert [one.picture for one in found] == seen
    assert {one.picture for one in assign(model, table)} == {None}  # type: ignore[arg-type]
    assert '"picture":{"side":20' in orjson.dumps(found[0]).decode() or seen[0] is None
