"""The JSON of an evaluation: the names and their order, which other programs read."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mep3m.dataset.dataset import Dataset
from mep3m.errors import UsageError
from mep3m.evaluation.card import metric_card, training_counts
from mep3m.evaluation.evaluate import OutsidePath, evaluate, score
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import Prediction
from mep3m.product import Label, Product, to_table
from mep3m.store.rejects import Reject

TREE = LabelTree.from_paths([("food", "tea"), ("food", "rice"), ("home", "lamp")])
LEVEL = ["level", "known_classes", "n", "classes", "unseen", "top1", "top5", "macro_f1", "weighted_f1"]
LEVEL += ["ap_macro", "ap_micro"]
DETAILS = ["intervals", "calibration", "classes_by_training_rows", "buckets", "platforms", "mistakes"]


def shelf(*paths: tuple[str, ...]) -> Dataset:
    rows = [
        Product(str(n), "s", str(n), labels=tuple(Label(name, "given", "s") for name in path))
        for n, path in enumerate(paths)
    ]
    return Dataset.of(to_table(rows))


class Always:
    """A classifier that is sure of tea, and could not read the second image."""

    tree = TREE

    def predict(self, products: pa.Table, images: Any = None) -> Prediction:
        proba = np.zeros((products.num_rows, len(TREE)), dtype=np.float32)
        proba[:, [TREE.index(("food",)), TREE.index(("food", "tea"))]] = 1
        seen = np.ones(products.num_rows, dtype=bool)
        return Prediction(proba, seen, [Reject("train", "s", "broken", product="1")])


def test_the_json_of_an_evaluation_has_these_names_in_this_order() -> None:
    evaluation = evaluate(Always(), shelf(("food", "tea"), ("food", "rice"), ("home", "tea")))  # type: ignore[arg-type]
    said = evaluation.to_json()
    assert list(said) == ["levels", "hierarchical", "filing_curve", "unreadable_images"]
    assert [list(level) for level in said["levels"]] == [LEVEL, LEVEL]
    assert list(said["hierarchical"])[-2:] == ["operating_curve", "outside"]
    assert said["unreadable_images"] == {"n": 1, "first": ({"product": "1", "reason": "broken"},)}
    assert said["levels"][0]["top1"] == evaluation.levels[0].scores.top1 == pytest.approx(2 / 3)
    assert evaluation.outside.misplaced == evaluation.outside.rows == 1
    assert evaluation.outside.most_frequent == (
        OutsidePath(("home", "tea"), evaluation.outside.most_frequent[0].reason, 1),
    )


def test_the_json_of_a_card_has_these_names_in_this_order() -> None:
    rows = shelf(("food", "tea"), ("food", "rice"))
    proba = Always().predict(rows.products).proba
    said = metric_card(TREE, proba, rows, training_counts(TREE, rows)).to_json()
    assert list(said) == ["levels", "hierarchical", "filing_curve", "averaging"]
    assert [list(level) for level in said["levels"]] == [LEVEL + DETAILS] * 2
    assert list(said["levels"][0]["intervals"]) == ["top1", "macro_f1"]
    names = ["wrong", "siblings", "cross_parent", "most_frequent", "examples"]
    assert list(said["levels"][0]["mistakes"]) == names


def test_rows_without_a_label_say_which_option_names_the_columns() -> None:
    with pytest.raises(UsageError, match=r"none of the 1 rows has a label .* with --labels"):
        score(TREE, np.zeros((1, len(TREE)), dtype=np.float32), shelf(()))
