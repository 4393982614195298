from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.classifier import LinearClassifier
from mep3m.models.linear.ngrams import Grams, GramVocabulary, encode_texts
from mep3m.product import PRODUCT_SCHEMA
from mep3m.settings.run import RunSettings
from mep3m.training.linear.fit import purity, rare_weights, train
from mep3m.training.task import Task, Trained

KINDS = ("green tea", "long rice", "desk lamp", "wool socks")


def table(titles: list[str]) -> pa.Table:
    columns = {field.name: pa.nulls(len(titles), field.type) for field in PRODUCT_SCHEMA}
    ids = pa.array([str(row) for row in range(len(titles))])
    columns |= {"id": ids, "source": ids, "source_id": ids, "title": pa.array(titles)}
    return pa.table(columns, schema=PRODUCT_SCHEMA)


def trained(count: int, held: int, folder: Path, **options: object) -> Trained:
    """Train on `count` easy titles, of which `held` calibrate."""
    paths = [(KINDS[row % len(KINDS)],) for row in range(count)]
    tree = LabelTree.from_paths(paths)
    products = table([f"{path[0]} no {row * 7919 % 1000}" for row, path in enumerate(paths)])
    order = np.random.default_rng(0).permutation(count)
    settings = RunSettings(options=options)
    task = Task(products, tree, tree.encode(paths), order[held:], order[:held], None, settings, "split")
    return train(task, folder)


def test_a_small_training_set_does_not_make_the_model_certain(tmp_path: Path) -> None:
    classifier = trained(80, 8, tmp_path).classifier
    easy, strange = classifier.predict_proba(table(["desk lamp no 5", "tea lamp socks rice"]))
    assert 0.7 < easy.max() < 0.97
    assert strange.max() < 0.9


def test_the_same_seed_gives_the_same_classifier(tmp_path: Path) -> None:
    one, two = (trained(60, 8, tmp_path / name).classifier for name in "ab")
    titles = table(["green tea", "socks"])
    np.testing.assert_array_equal(one.predict_proba(titles), two.predict_proba(titles))


def test_coarse_to_fine_lets_the_names_of_small_levels_compete_too(tmp_path: Path) -> None:
    paths = [(kind.split()[1], kind) for kind in (KINDS[row % 4] for row in range(80))]
    tree = LabelTree.from_paths(paths)
    products = table([f"{path[1]} no {row % 7}" for row, path in enumerate(paths)])
    found = {}
    for most in (0, 256):
        settings = RunSettings(options={"name_head_size": most})
        rows = np.arange(80)
        task = Task(products, tree, tree.encode(paths), rows[16:], rows[:16], None, settings, "split")
        found[most] = train(task, tmp_path)
    plain, mixed = (found[most].classifier for most in (0, 256))
    assert isinstance(plain, LinearClassifier)
    assert isinstance(mixed, LinearClassifier)
    assert plain.names is None
    assert mixed.names is not None
    assert mixed.names.depth == 2
    titles = table(["desk lamp no 5"])
    assert (mixed.predict_proba(titles) != plain.predict_proba(titles)).any()
    for one in found.values():
        assert (
            one.valid_proba[:, tree.leaves].argmax(1)
            == np.searchsorted(tree.leaves, tree.encode(paths)[:16, 1])
        ).all()


def test_a_text_without_known_features_gets_the_class_frequencies(tmp_path: Path) -> None:
    classifier = trained(80, 8, tmp_path).classifier
    np.testing.assert_allclose(classifier.predict_proba(table(["", "ЖЖЖ"])), 0.25, atol=1e-6)


def test_classes_below_the_median_of_their_level_weigh_their_rows_more() -> None:
    tree = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b", "z")])
    codes = tree.encode([("a", "x")] * 160 + [("a", "y")] * 10 + [("b", "z")] * 10 + [("a",)] * 4)
    weights = dict(zip(tree.paths, rare_weights(tree, codes, 0.5), strict=True))
    assert weights["a",] == weights["a", "x"] == weights["a", "y"] == 1.0
    assert weights["b",] == pytest.approx((92 / 10) ** 0.5)
    np.testing.assert_array_equal(rare_weights(tree, codes, 0.0), 1.0)
    few = tree.encode([("a", "x")] * 10_000 + [("b", "z")])
    assert rare_weights(tree, few, 1.0).max() == 8.0
    lone = rare_weights(tree, tree.encode([("a", "x")] * 10_000), 1.0)
    np.testing.assert_array_equal(lone, 1.0, err_msg="a node without a row neither weighs nor counts")


def test_a_feature_of_one_class_is_worth_more_than_one_of_all() -> None:
    names = [path[0] for path in (("tea",), ("rice",), ("lamp",), ("sock",))]
    titles = [f"new {name}" for name in names for _ in range(20)]
    texts, rows = encode_texts(pa.array(titles)), np.arange(len(titles), dtype=np.int64)
    vocabulary = GramVocabulary.fit(texts, rows, Grams(3, 3, 1, 16), 2, 1000)
    sparse = vocabulary.all_rows(texts, rows)
    codes = np.repeat(np.arange(4, dtype=np.int32), 20)[:, None]
    worth = purity(sparse, codes, 0.5)
    common = set(sparse.features[: sparse.stops[0]]) & set(sparse.features[sparse.starts[-1] :])
    own = set(sparse.features[: sparse.stops[0]]) - common
    assert min(worth[list(own)]) > 1.5 * max(worth[list(common)])
    np.testing.assert_array_equal(purity(sparse, codes, 0.0), 1.0)
    # a level that nobody has a label of, or one class alone, says nothing about any feature
    np.testing.assert_allclose(purity(sparse, np.zeros_like(codes), 0.5), 1.05**0.5, rtol=1e-6)


def test_scores_of_held_out_rows_do_not_know_their_labels(tmp_path: Path) -> None:
    """Neither the weights of features nor those of rare classes may look at them; only the scale does."""
    paths = [(KINDS[row % 4],) for row in range(80)]
    tree = LabelTree.from_paths(paths)
    products = table(
        [f"{path[0]} {'red' if row % 3 else 'blue'} {row % 7}" for row, path in enumerate(paths)]
    )
    order = np.random.default_rng(0).permutation(80)
    held, rest = order[:16], order[16:]
    found = []
    for shift in (0, 1):
        codes = tree.encode(paths)
        codes[held] = (codes[held] + shift) % 4
        task = Task(products, tree, codes, rest, held, None, RunSettings(), "split")
        log = np.log(train(task, tmp_path).valid_proba)
        log -= log.mean(axis=1, keepdims=True)
        found.append(log / np.abs(log).max())
    np.testing.assert_allclose(*found, atol=2e-3)
