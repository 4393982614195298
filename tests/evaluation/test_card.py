"""The metric card on a case small enough to check by hand."""

import numpy as np
import pytest

from mep3m.dataset.dataset import Dataset
from mep3m.errors import UsageError
from mep3m.evaluation.card import metric_card, training_counts
from mep3m.label_tree.tree import LabelTree
from mep3m.product import Label, Product, to_table

TREE = LabelTree.from_paths([("food", "tea"), ("food", "rice"), ("home", "lamp")])
TRUTH = [("food", "tea"), ("food", "rice"), ("home", "lamp"), ("home", "lamp"), ("home", "vase"), ("food",)]
ANSWERS = [
    ("food", "tea"),
    ("food", "tea"),
    ("home", "lamp"),
    ("food", "tea"),
    ("home", "lamp"),
    ("food", "tea"),
]
TRAINED = [("food", "tea")] * 60 + [("food", "rice")] * 12 + [("home", "lamp")] * 3


def shelf(paths: list[tuple[str, ...]]) -> Dataset:
    return Dataset.of(
        to_table(
            Product(
                id=str(n),
                source=f"shop{n % 2}",
                source_id=str(n),
                labels=tuple(Label(name, "given", "shop") for name in path),
            )
            for n, path in enumerate(paths)
        )
    )


@pytest.fixture(scope="module")
def card() -> dict:
    proba = np.full((len(ANSWERS), len(TREE)), 0.05, dtype=np.float32)
    for row, path in enumerate(ANSWERS):
        proba[row, [TREE.index(path[:1]), TREE.index(path)]] = 0.9
    return metric_card(TREE, proba, shelf(TRUTH), training_counts(TREE, shelf(TRAINED))).to_json()


def test_a_level_counts_the_rows_that_have_it(card: dict) -> None:
    assert [(row["n"], row["unseen"]) for row in card["levels"]] == [(6, 0), (5, 1)]
    assert [row["top1"] for row in card["levels"]] == [pytest.approx(5 / 6), pytest.approx(2 / 5)]


def test_accuracy_of_a_class_stands_beside_its_training_rows(card: dict) -> None:
    rows = {row["name"]: row for row in card["levels"][1]["classes_by_training_rows"]}
    assert {name: (row["training_rows"], row["n"], row["accuracy"]) for name, row in rows.items()} == {
        "tea": (60, 1, 1.0),
        "rice": (12, 1, 0.0),
        "lamp": (3, 2, 0.5),
    }


def test_buckets_hold_every_row_once_and_unseen_classes_first(card: dict) -> None:
    buckets = card["levels"][1]["buckets"]
    assert [(row["training_rows"], row["n"]) for row in buckets] == [
        ((0, 1), 1),
        ((1, 10), 2),
        ((10, 50), 1),
        ((50, 200), 1),
    ]


def test_mistakes_tell_siblings_from_strangers(card: dict) -> None:
    first, second = (row["mistakes"] for row in card["levels"])
    assert (first["wrong"], first["siblings"]) == (1, 0)
    assert (second["wrong"], second["siblings"], second["cross_parent"]) == (3, 1, 2)
    assert {"truth": "rice", "answer": "tea", "n": 1, "siblings": True} in second["most_frequent"]
    assert {"truth": "(unseen)", "answer": "lamp", "n": 1, "siblings": False} in second["most_frequent"]


def test_platforms_and_calibration_cover_the_rows(card: dict) -> None:
    level = card["levels"][1]
    assert {row["platform"]: row["n"] for row in level["platforms"]} == {"shop0": 3, "shop1": 2}
    assert sum(bar["n"] for bar in level["calibration"]["reliability"]) == 5
    assert level["calibration"]["ece"] == pytest.approx(0.9 - 0.4, abs=1e-5)


def test_a_card_without_labels_is_an_error() -> None:
    with pytest.raises(UsageError, match="has a label"):
        metric_card(TREE, np.zeros((1, len(TREE)), np.float32), shelf([()]), [{}, {}])


def test_two_new_names_are_two_classes_in_one_bucket() -> None:
    told = [("food", "tea"), ("home", "vase"), ("home", "clock"), ("home", "vase")]
    proba = np.full((4, len(TREE)), 0.05, dtype=np.float32)
    proba[:, [TREE.index(("food",)), TREE.index(("food", "tea"))]] = 0.9
    made = metric_card(TREE, proba, shelf(told), training_counts(TREE, shelf(TRAINED))).to_json()
    second = made["levels"][1]
    assert (second["classes"], second["unseen"]) == (3, 3)
    assert second["macro_f1"] == pytest.approx((2 / 5 + 0 + 0) / 3)
    assert second["intervals"]["macro_f1"]["value"] == second["macro_f1"]
    unseen = second["buckets"][0]
    assert (unseen["training_rows"], unseen["classes"], unseen["n"]) == ((0, 1), 2, 3)
    assert (unseen["top1"], unseen["macro_f1"]) == (0.0, 0.0)
    assert second["mistakes"]["most_frequent"][0]["truth"] == "(unseen)"
    assert second["mistakes"]["wrong"] == 3
