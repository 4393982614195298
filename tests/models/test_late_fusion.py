from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import check_grad

from mep3m.errors import ModelError
from mep3m.label_tree.probabilities import TOLERANCE, from_siblings, incoherence
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import load
from mep3m.models.late_fusion import LateFusion, _loss, fuse, learn_weights
from tests.label_tree.trees import random_scores, seeds, trees
from tests.models.catalogue import TREE, products
from tests.models.networks.test_classifier import FREQUENCIES, classifier


def opinions(count: int, seed: int, strength: float) -> tuple[np.ndarray, np.ndarray]:
    """Return (N, C) probabilities that lean to the truth by `strength`, and the codes (N, 2)."""
    generator = np.random.default_rng(seed)
    leaf = generator.integers(0, 3, count)
    codes = TREE.encode([(("food", "tea"), ("food", "rice"), ("home", "lamp"))[kind] for kind in leaf])
    scores = np.random.default_rng(seed + int(100 * strength)).normal(0, 1, (count, len(TREE)))
    for level in range(2):
        scores[np.arange(count), codes[:, level]] += strength
    proba = np.empty_like(scores)
    for level in (1, 2):
        nodes = TREE.nodes(level)
        powers = np.exp(scores[:, nodes])
        proba[:, nodes] = powers / powers.sum(1, keepdims=True)
    return proba.astype(np.float32), codes


def accuracy(proba: np.ndarray, codes: np.ndarray) -> float:
    nodes = TREE.nodes(2)
    return float((proba[:, nodes].argmax(1) + nodes.start == codes[:, 1]).mean())


def test_two_opinions_beat_each_alone() -> None:
    weak, codes = opinions(3000, 1, 0.8)
    strong, _ = opinions(3000, 1, 1.5)
    both = np.ones((3000, 2), bool)
    weights = learn_weights(TREE, [weak[:1500], strong[:1500]], codes[:1500], both[:1500])
    fused = fuse(TREE, [weak[1500:], strong[1500:]], weights, both[1500:])
    best = max(accuracy(weak[1500:], codes[1500:]), accuracy(strong[1500:], codes[1500:]))
    assert accuracy(fused, codes[1500:]) > best


def test_a_part_without_information_gets_no_weight() -> None:
    strong, codes = opinions(2000, 1, 1.5)
    noise, _ = opinions(2000, 7, 0.0)
    weights = learn_weights(TREE, [noise, strong], codes, np.ones((2000, 2), bool))
    assert weights[1, 0] < 0.1
    assert weights[1, 1] > 0.7


@given(trees, seeds)
def test_joined_opinions_are_coherent_on_any_tree(tree: LabelTree, seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [from_siblings(tree, random_scores(seed + part, (8, len(tree)))) for part in range(2)]
    present = rng.random((8, 2)) < 0.6
    codes = tree.encode([tree.paths[node] for node in rng.integers(0, len(tree), 8)])
    weights = learn_weights(tree, parts, codes, present, joined=True)
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    fused = fuse(tree, parts, weights, present, joined=True)
    assert incoherence(tree, fused) <= TOLERANCE
    for row, (left, right) in enumerate(present):
        if left != right:
            np.testing.assert_allclose(fused[row], parts[0 if left else 1][row], atol=1e-5)


def test_joined_weights_ask_who_knows_the_siblings_apart() -> None:
    tree = LabelTree.from_paths([("food", "tea"), ("food", "rice"), ("home", "lamp"), ("home", "bed")])
    rng = np.random.default_rng(0)
    leaves = rng.integers(2, 6, 2000)
    codes = tree.ancestors[leaves]
    coarse, fine = (rng.normal(size=(2000, len(tree))).astype(np.float32) for _ in range(2))
    coarse[np.arange(2000), codes[:, 0]] += 2
    fine[np.arange(2000), codes[:, 1]] += 2
    opinions = [from_siblings(tree, coarse), from_siblings(tree, fine)]
    weights = learn_weights(tree, opinions, codes, np.ones((2000, 2), bool), joined=True)
    assert weights[0, 0] > 5 * weights[0, 1]
    assert weights[1, 1] > 5 * weights[1, 0]


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=8))
def test_one_modality_alone_keeps_its_own_probabilities(mask: list[tuple[bool, bool]]) -> None:
    first, _ = opinions(len(mask), 1, 1.0)
    second, _ = opinions(len(mask), 2, 1.0)
    present = np.array(mask)
    fused = fuse(TREE, [first, second], np.full((2, 2), 0.7), present)
    for row, (left, right) in enumerate(mask):
        if left != right:
            np.testing.assert_allclose(fused[row], (first if left else second)[row], rtol=1e-4)
    for level in (1, 2):
        np.testing.assert_allclose(fused[:, TREE.nodes(level)].sum(1), 1, rtol=1e-5)


def test_the_gradient_is_the_gradient() -> None:
    first, codes = opinions(50, 1, 1.0)
    second, _ = opinions(50, 2, 1.0)
    nodes = TREE.nodes(2)
    scores = np.log(np.stack([first, second], 2)[:, nodes].astype(np.float64))
    truth = codes[:, 1] - nodes.start
    rivals = np.random.default_rng(0).random(scores.shape[:2]) < 0.7
    rivals[np.arange(50), truth] = True
    error = check_grad(
        lambda w: _loss(w, scores, truth, rivals)[0],
        lambda w: _loss(w, scores, truth, rivals)[1],
        np.array([0.3, 1.2]),
    )
    assert error < 1e-5


def test_a_fusion_comes_back_from_its_folder(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 5, without="image")
    model = LateFusion(TREE, {"image": classifier(), "text": classifier()}, np.ones((2, 2)))
    model.save(tmp_path / "run")
    again = load(tmp_path / "run")
    np.testing.assert_array_equal(again.predict_proba(table, images), model.predict_proba(table, images))


def test_without_images_the_text_decides_alone(tmp_path: Path) -> None:
    table, _ = products(tmp_path / "images", 5)
    text = classifier("title")
    model = LateFusion(TREE, {"image": classifier("image"), "text": text}, np.full((2, 2), 3.0))
    np.testing.assert_allclose(model.predict_proba(table), text.predict_proba(table), rtol=1e-4)


def test_a_row_that_shows_nothing_gets_the_class_frequencies(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 5)
    for column in ("title", "image"):
        table = table.set_column(table.schema.get_field_index(column), column, [[None] * 5])
    model = LateFusion(TREE, {"image": classifier("image"), "text": classifier("title")}, np.ones((2, 2)))
    found = model.predict(table, images)
    assert not found.seen.any()
    np.testing.assert_allclose(found.proba, np.tile(FREQUENCIES, (5, 1)), rtol=1e-5)


def test_parts_of_another_taxonomy_are_refused(tmp_path: Path) -> None:
    LateFusion(TREE, {"image": classifier()}, np.ones((2, 1))).save(tmp_path)
    other = LateFusion(LabelTree.from_paths([("a",)]), {}, np.ones((1, 0)))
    text = (tmp_path / "classifier.json").read_text()
    other.save(tmp_path)
    changed = (tmp_path / "classifier.json").read_text().replace('"parts": []', '"parts": ["image"]')
    (tmp_path / "classifier.json").write_text(changed)
    with pytest.raises(ModelError, match="another taxonomy"):
        load(tmp_path)
    (tmp_path / "classifier.json").write_text(text.replace('"weights"', '"wait"'))
    with pytest.raises(ModelError, match="incomplete"):
        load(tmp_path)


def test_held_out_rows_without_a_mistake_give_no_certainty() -> None:
    sure, codes = opinions(12, 1, 6.0)
    both = np.ones((12, 2), bool)
    weights = learn_weights(TREE, [sure, sure], codes, both)
    fused = fuse(TREE, [sure, sure], weights, both)
    assert accuracy(fused, codes) == 1.0
    assert fused[np.arange(12), codes[:, 1]].mean() < 0.97


def test_weights_of_three_are_learned_from_rows_that_lack_one_too() -> None:
    weak, codes = opinions(2000, 1, 0.3)
    middle, _ = opinions(2000, 1, 1.0)
    strong, _ = opinions(2000, 1, 1.5)
    parts = [weak, middle, strong]
    present = np.ones((2000, 3), bool)
    present[np.arange(2000), np.arange(2000) % 3] = False
    weights = learn_weights(TREE, parts, codes, present)
    assert weights[1, 2] > weights[1, 1] > weights[1, 0]
    fused = fuse(TREE, parts, weights, present)
    alone = [accuracy(part, codes) for part in parts]
    assert accuracy(fused, codes) > np.mean(alone)
    # what a row lacks changes nothing
    shuffled = [np.where(present[:, [n]], part, part[::-1]) for n, part in enumerate(parts)]
    np.testing.assert_allclose(learn_weights(TREE, shuffled, codes, present), weights, rtol=1e-6)
    np.testing.assert_allclose(fuse(TREE, shuffled, weights, present), fused, rtol=1e-6)
