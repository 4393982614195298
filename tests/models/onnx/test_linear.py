"""The ONNX form of the linear model answers what the model answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pyarrow as pa
import pytest
from hypothesis import given, settings

from mep3m.label_tree.tree import LabelTree
from mep3m.models.linear.classifier import LinearClassifier, NameHead, name_columns
from mep3m.models.linear.ngrams import Grams, GramVocabulary, encode_texts
from mep3m.models.onnx.linear import export_linear
from tests.cli.runner import ran
from tests.label_tree.trees import seeds, trees
from tests.models.linear.test_classifier import ORDERS, TITLES, WAYS, learned
from tests.training.linear.test_fit import table

ROWS = [*TITLES, "", "tea lamp", "ЖЖ", "green " * 40]


def answered(file: Path, classifier: LinearClassifier, titles: list[str]) -> np.ndarray:
    session = onnxruntime.InferenceSession(str(file))
    return np.asarray(session.run(["probabilities"], classifier.inputs(table(titles)))[0])


@pytest.mark.parametrize("way", WAYS)
def test_a_learned_model_predicts_the_same(way: str, tmp_path: Path) -> None:
    classifier = learned(way)
    export_linear(classifier, tmp_path / "model.onnx")
    found = answered(tmp_path / "model.onnx", classifier, ROWS)
    np.testing.assert_allclose(found, classifier.predict_proba(table(ROWS)), atol=1e-6)
    alone = answered(tmp_path / "model.onnx", classifier, ROWS[:1])
    np.testing.assert_allclose(alone, found[:1], atol=1e-6)


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=12, deadline=None)
@given(trees, seeds)
def test_any_weights_on_any_tree_predict_the_same(
    order: str, tmp_path_factory: pytest.TempPathFactory, tree: LabelTree, seed: int
) -> None:
    random = np.random.default_rng(seed)
    texts = encode_texts(pa.array(TITLES))
    vocabulary = GramVocabulary.fit(texts, np.arange(len(texts)), Grams(1, 2, 1, 12), 1, 1000)
    shape = (len(vocabulary), len(tree))
    weights = random.normal(size=shape).astype(np.float32)
    if order == "flat":
        weights = weights[:, tree.first_of_name]
    scale, prior = (random.random(len(tree), dtype=np.float32) for _ in range(2))
    scale = scale[tree.first_of_name]
    details = {"hierarchy": order}
    names = None
    if order == "coarse-to-fine":
        depth = 1 + seed % tree.depth
        count = len(name_columns(tree, depth)[0])
        own = random.normal(size=(len(vocabulary), count)).astype(np.float32)
        names = NameHead(depth, own, 20 * random.random(count, dtype=np.float32))
    classifier = LinearClassifier(tree, vocabulary, weights, 20 * scale, 0 * scale, prior, details, names)
    file = tmp_path_factory.mktemp("onnx") / "model.onnx"
    export_linear(classifier, file)
    np.testing.assert_allclose(
        answered(file, classifier, ROWS), classifier.predict_proba(table(ROWS)), atol=2e-6
    )


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("factor", [1, 30, 300])
def test_large_scores_of_long_titles_keep_the_bound_that_the_guide_states(
    order: str, factor: float, tmp_path: Path
) -> None:
    """Both sides add in float32, in another order: the larger the scores, the more that shows."""
    random, way = np.random.default_rng(0), learned(order)
    titles = [" ".join(random.choice(["tea", "lamp", "green", "leaf", *TITLES], 60)) for _ in range(200)]
    large = replace(way, scale=way.scale * np.float32(factor))
    export_linear(large, tmp_path / "model.onnx")
    found = answered(tmp_path / "model.onnx", large, titles)
    np.testing.assert_allclose(found, large.predict_proba(table(titles)), atol=1e-4, rtol=0)


def test_the_command_writes_it(tmp_path: Path) -> None:
    classifier = learned("flat")
    (tmp_path / "run").mkdir()
    classifier.save(tmp_path / "run")
    done = ran("export-onnx", tmp_path / "run", tmp_path / "model.onnx", "--json")
    assert done.code == 0, done.err
    assert done.json["bytes"] == (tmp_path / "model.onnx").stat().st_size
    found = answered(tmp_path / "model.onnx", classifier, ROWS)
    np.testing.assert_allclose(found, classifier.predict_proba(table(ROWS)), atol=1e-6)


def test_inputs_are_filled_up_with_zeros() -> None:
    classifier = learned("flat")
    found = classifier.inputs(table(["tea", "", "green tea leaf"]))
    used = (found["values"] != 0).sum(1)
    assert used[1] == 1  # the constant feature alone
    assert used[0] < used[2] == found["values"].shape[1]
    assert found["features"].max() < len(classifier.vocabulary)
    assert not found["features"][0, used[0] :].any()
