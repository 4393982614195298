"""What the numbers of a metric card must add up to, whatever the classifier answers."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.dataset.dataset import Dataset
from mep3m.evaluation.card import BUCKETS, metric_card, training_counts
from mep3m.label_tree.probabilities import from_siblings
from tests.evaluation.test_card import TREE, shelf

KNOWN = [("food", "tea"), ("food", "rice"), ("home", "lamp"), ("food",), ("home",)]
rows = st.lists(st.sampled_from([*KNOWN, ("home", "vase"), ("toys",)]), min_size=2, max_size=20)


def answered(seed: int, count: int) -> np.ndarray:
    scores = np.random.default_rng(seed).normal(0, 3, (count, len(TREE))).astype(np.float32)
    return from_siblings(TREE, scores)


def card_of(truth: Dataset, proba: np.ndarray, trained: list[tuple[str, ...]]) -> dict[str, Any]:
    return metric_card(TREE, proba, truth, training_counts(TREE, shelf(trained))).to_json()


@settings(max_examples=15)
@given(truth=rows, trained=st.lists(st.sampled_from(KNOWN[:3]), max_size=30), seed=st.integers(0, 999))
def test_every_part_of_a_level_counts_the_same_rows(
    truth: list[tuple[str, ...]], trained: list[tuple[str, ...]], seed: int
) -> None:
    card = card_of(shelf(truth), answered(seed, len(truth)), trained)
    for level in card["levels"]:
        n = level["n"]
        assert n == sum(len(path) >= level["level"] for path in truth)
        assert sum(bucket["n"] for bucket in level["buckets"]) == n
        assert sum(shop["n"] for shop in level["platforms"]) == n
        assert sum(row["n"] for row in level["classes_by_training_rows"]) == n - level["unseen"]
        for part in (level["buckets"], level["platforms"]):
            assert sum(one["n"] * one["top1"] for one in part) == pytest.approx(n * level["top1"])
        wrong = level["mistakes"]
        assert wrong["wrong"] == wrong["siblings"] + wrong["cross_parent"] == round(n * (1 - level["top1"]))
        assert sum(pair["n"] for pair in wrong["most_frequent"]) <= wrong["wrong"]


@settings(max_examples=15)
@given(truth=rows, trained=st.lists(st.sampled_from(KNOWN[:3]), max_size=30), seed=st.integers(0, 999))
def test_classes_stand_in_the_bucket_of_their_training_rows(
    truth: list[tuple[str, ...]], trained: list[tuple[str, ...]], seed: int
) -> None:
    card = card_of(shelf(truth), answered(seed, len(truth)), trained)
    for level in card["levels"]:
        k = level["level"]
        seen = Counter(path[k - 1] for path in trained if len(path) >= k)
        of_truth = [seen[path[k - 1]] for path in truth if len(path) >= k]
        for bucket in level["buckets"]:
            low, high = bucket["training_rows"]
            assert low in BUCKETS
            assert bucket["n"] == sum(low <= count < (high or 1e9) for count in of_truth)
        for row in level["classes_by_training_rows"]:
            assert row["training_rows"] == seen[row["name"]]


@settings(max_examples=15)
@given(truth=rows, seed=st.integers(0, 999))
def test_intervals_hold_their_value_and_the_reliability_plot_every_row(
    truth: list[tuple[str, ...]], seed: int
) -> None:
    card = card_of(shelf(truth), answered(seed, len(truth)), [])
    for level in card["levels"]:
        for score in ("top1", "macro_f1"):
            found = level["intervals"][score]
            assert found["low"] - 1e-9 <= found["value"] <= found["high"] + 1e-9
            assert 0 <= found["low"] <= found["high"] <= 1
        assert level["intervals"]["top1"]["value"] == pytest.approx(level["top1"])
        bars = level["calibration"]["reliability"]
        assert sum(bar["n"] for bar in bars) == level["n"]
        assert 0 <= level["calibration"]["ece"] <= 1


@settings(max_examples=15)
@given(truth=rows, seed=st.integers(0, 999), order=st.integers(0, 99))
def test_the_order_of_the_rows_says_nothing(truth: list[tuple[str, ...]], seed: int, order: int) -> None:
    places = np.random.default_rng(order).permutation(len(truth))
    proba, data = answered(seed, len(truth)), shelf(truth)
    one, other = card_of(data, proba, KNOWN), card_of(data.take(places), proba[places], KNOWN)
    for mine, theirs in zip(one["levels"], other["levels"], strict=True):
        for score in ("n", "top1", "top5", "macro_f1", "weighted_f1", "ap_macro", "unseen"):
            assert mine[score] == pytest.approx(theirs[score], nan_ok=True)
        assert mine["mistakes"] == theirs["mistakes"]
        assert [shop["n"] for shop in mine["platforms"]] == [shop["n"] for shop in theirs["platforms"]]


def test_a_card_of_the_truth_itself_is_perfect() -> None:
    truth = [("food", "tea"), ("food", "rice"), ("home", "lamp")] * 3
    proba = np.zeros((len(truth), len(TREE)), np.float32)
    for row, path in enumerate(truth):
        proba[row, [TREE.index(path[:1]), TREE.index(path)]] = 1
    for level in card_of(shelf(truth), proba, truth)["levels"]:
        assert (level["top1"], level["macro_f1"], level["ap_macro"]) == (1, 1, 1)
        assert level["mistakes"]["wrong"] == level["calibration"]["ece"] == 0
        assert level["intervals"]["top1"]["high"] == level["intervals"]["macro_f1"]["high"] == 1
        assert level["intervals"]["top1"]["low"] == pytest.approx(0.025 ** (1 / 9))
