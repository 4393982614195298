"""The saved linear model: coherence, invariances, round trip, damage. `fit` is tested beside it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mep3m.errors import ModelError
from mep3m.label_tree.probabilities import TOLERANCE, incoherence, make_coherent, softmax
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import load
from mep3m.models.linear.classifier import (
    LinearClassifier,
    NameHead,
    join_scores,
    mix_names,
    name_columns,
    named_levels,
    text_column,
)
from mep3m.models.linear.ngrams import Grams, GramVocabulary, encode_texts
from mep3m.models.tensors import open_tensors, save_tensors
from mep3m.settings.linear import LinearSettings
from mep3m.training.linear.fit import LinearProblem, fit, fit_names
from tests.label_tree.trees import random_scores, seeds, trees
from tests.training.linear.test_fit import table

ORDERS = ("flat", "coarse-to-fine", "fine-to-coarse", "coarse-and-fine")
#: ways to learn: the orders, and coarse to fine with a second opinion on the first two levels
WAYS = (*ORDERS, "coarse-to-fine, names")
PATHS = [("food", "tea", "green"), ("food", "tea", "black"), ("food", "rice"), ("home", "lamp"), ("toys",)]
TITLES = ["green tea leaf", "black tea leaf", "long rice", "desk lamp", "wooden train"]


def learned(way: str, titles: list[str] = TITLES, paths: list[tuple[str, ...]] = PATHS) -> LinearClassifier:
    """Return a model of few titles, learned without held-out rows."""
    order, _, second = way.partition(", ")
    titles = [f"{title} {place}" for place in range(6) for title in titles]
    tree = LabelTree.from_paths(paths)
    codes = tree.encode(paths * 6)
    texts, rows = encode_texts(pa.array(titles)), np.arange(len(titles), dtype=np.int64)
    vocabulary = GramVocabulary.fit(texts, rows, Grams(1, 3, 2, 16), 2, 10_000)
    nobody = np.zeros(0, dtype=np.int64)
    sparse, options = vocabulary.all_rows(texts, rows), LinearSettings(epochs=40)
    problem = LinearProblem(sparse, tree, codes, nobody, options, 0)
    weights, _ = fit(problem, order)
    names, _ = fit_names(problem.first_levels(2)) if second else (None, None)
    one = np.ones(len(tree), np.float32)
    details = {"ocr": False, "hierarchy": order}
    return LinearClassifier(tree, vocabulary, weights, 4 * one, 0 * one, one / len(tree), details, names)


@pytest.mark.parametrize("order", ORDERS)
@settings(max_examples=25, deadline=None)
@given(trees, seeds)
def test_joined_scores_are_probabilities_on_any_tree(order: str, tree: LabelTree, seed: int) -> None:
    proba = join_scores(tree, random_scores(seed, (5, len(tree))), order)
    assert proba.shape == (5, len(tree))
    assert np.isfinite(proba).all()
    if order != "flat":
        assert incoherence(tree, proba) <= TOLERANCE
    assert incoherence(tree, make_coherent(tree, proba)) <= TOLERANCE


@settings(max_examples=40, deadline=None)
@given(trees, seeds)
def test_flat_probabilities_are_a_softmax_over_the_names_of_a_level(tree: LabelTree, seed: int) -> None:
    drawn = random_scores(seed, (4, len(tree)))
    proba = join_scores(tree, drawn[:, tree.first_of_name], "flat")
    for level in range(1, tree.depth + 1):
        nodes, (names, place) = tree.nodes(level), tree.names(level)
        first = [tree.first_of_name[nodes][place == name][0] for name in range(len(names))]
        by_name = np.zeros((4, len(names)))
        np.add.at(by_name.T, place, proba[:, nodes].T)
        np.testing.assert_allclose(by_name, softmax(drawn[:, first]), atol=1e-5)


def test_a_name_below_two_parents_is_divided_as_its_parents_are() -> None:
    tree = LabelTree.from_paths([("a", "other"), ("a", "x"), ("b", "other")])
    scores = np.log(np.array([[0.75, 0.25, 0.5, 0.5, 0.5]], dtype=np.float32))
    proba = join_scores(tree, scores, "flat")[0]
    found = dict(zip(tree.paths, proba.tolist(), strict=True))
    assert found["a", "other"] == pytest.approx(0.5 * 0.75)
    assert found["b", "other"] == pytest.approx(0.5 * 0.25)
    assert found["a", "x"] == pytest.approx(0.5)


@settings(max_examples=60, deadline=None)
@given(trees, seeds, st.data())
def test_a_second_opinion_on_the_first_levels_keeps_probabilities_coherent(
    tree: LabelTree, seed: int, data: st.DataObject
) -> None:
    depth = data.draw(st.integers(1, tree.depth))
    columns, _ = name_columns(tree, depth)
    drawn = random_scores(seed, (5, len(columns)))
    names = NameHead(depth, np.zeros((0, len(columns)), np.float32), np.ones(len(columns), np.float32))
    opinion = names.proba(tree, drawn)
    first = join_scores(tree, random_scores(seed + 1, (5, len(tree))), "coarse-to-fine")
    mixed = first.copy()
    mix_names(tree, mixed, opinion, depth)
    assert incoherence(tree, mixed) <= TOLERANCE
    stop = tree.nodes(depth).stop
    np.testing.assert_allclose(mixed[:, :stop], (first[:, :stop] + opinion) / 2, atol=1e-6)
    for node in range(stop, len(tree)):
        above = tree.parent[node]
        np.testing.assert_allclose(
            mixed[:, node] * first[:, above], mixed[:, above] * first[:, node], atol=1e-5
        )


def test_levels_of_few_names_get_a_second_opinion() -> None:
    tree = LabelTree.from_paths([("a", "x"), ("a", "y", "deep"), ("b", "x"), ("b", "z")])
    assert [named_levels(tree, most) for most in (0, 1, 2, 3, 9)] == [0, 0, 1, 3, 3]
    assert named_levels(LabelTree.from_paths([("a",), ("b",)]), 9) == 0, "one level is flat already"


def test_a_level_of_a_flat_tree_is_learned_as_if_it_were_alone() -> None:
    """The names of the level compete, wherever they stand: a tree above them takes nothing away."""
    titles = ["green tea", "black tea", "tea cup", "green lamp", "black lamp", "wool sock"]
    leaves = ["leaf", "other", "other", "light", "other", "wear"]
    parents = ["food", "food", "home", "home", "home", "toys"]
    whole = learned("flat", titles, list(zip(parents, leaves, strict=True)))
    alone = learned("flat", titles, [(leaf,) for leaf in leaves])
    rows = table([*titles, "green cup", "wool tea"])
    level = whole.predict_proba(rows)
    by_name = np.stack(
        [level[:, [len(path) == 2 and path[-1] == name for path in whole.tree.paths]].sum(1)
         for (name,) in alone.tree.paths], axis=1,
    )  # fmt: skip
    np.testing.assert_allclose(by_name, alone.predict_proba(rows), atol=0.03)


@pytest.mark.parametrize("way", WAYS)
def test_every_order_learns_its_titles_at_every_level(way: str) -> None:
    classifier = learned(way)
    tree = classifier.tree
    proba = make_coherent(tree, classifier.predict_proba(table(TITLES)))
    found = [tree.paths[tree.leaves[row.argmax()]] for row in proba[:, tree.leaves]]
    assert found == PATHS


@pytest.mark.parametrize("way", WAYS)
def test_a_row_is_answered_by_itself_whatever_stands_beside_it(way: str) -> None:
    classifier = learned(way)
    titles = [*TITLES, "", "tea lamp", "ЖЖ"]
    whole = classifier.predict_proba(table(titles))
    backwards = classifier.predict_proba(table(titles[::-1]))[::-1]
    np.testing.assert_array_equal(whole, backwards)
    alone = np.vstack([classifier.predict_proba(table([title])) for title in titles])
    np.testing.assert_array_equal(whole, alone)
    assert classifier.predict(table(titles)).seen.tolist() == [True] * 5 + [False, True, False]


def test_other_names_of_the_classes_change_only_the_columns() -> None:
    """Columns follow the names; scores of a class do not depend on its place among the columns."""
    turned = {
        "food": "z",
        "home": "y",
        "toys": "x",
        "tea": "b",
        "rice": "a",
        "lamp": "l",
        "green": "2",
        "black": "1",
    }
    other = learned("coarse-to-fine", TITLES, [tuple(turned[name] for name in path) for path in PATHS])
    first = learned("coarse-to-fine")
    places = [other.tree.index(tuple(turned[name] for name in path)) for path in first.tree.paths]
    titles = table([*TITLES, "tea lamp"])
    np.testing.assert_allclose(first.predict_proba(titles), other.predict_proba(titles)[:, places], atol=2e-2)


@pytest.mark.parametrize("way", WAYS)
def test_a_saved_model_comes_back_the_same(way: str, tmp_path: Path) -> None:
    classifier = learned(way)
    tmp_path.mkdir(exist_ok=True)
    classifier.save(tmp_path)
    again = load(tmp_path)
    titles = table([*TITLES, "", "unknown thing"])
    np.testing.assert_array_equal(classifier.predict_proba(titles), again.predict_proba(titles))
    assert again.tree.paths == classifier.tree.paths


def test_text_of_images_is_read_only_where_it_was_learned() -> None:
    rows = table(["tea", "lamp"])
    rows = rows.set_column(rows.schema.get_field_index("ocr"), "ocr", pa.array(["sale", None]))
    assert text_column(rows, ("title",)).to_pylist() == ["tea", "lamp"]
    assert text_column(rows, ("title", "ocr")).to_pylist() == ["tea sale", "lamp "]


def test_damage_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    classifier = learned("flat")
    classifier.save(tmp_path)
    description = tmp_path / "classifier.json"
    good = description.read_text()
    for key in ("tree", "ngrams", "details"):
        value = json.loads(good)
        del value[key]
        description.write_text(json.dumps(value))
        with pytest.raises(ModelError, match=f"lacks '{key}'.*copy the classifier folder again"):
            load(tmp_path)
    for other in (1, None):
        description.write_text(json.dumps({**json.loads(good), "format": other}))
        with pytest.raises(ModelError, match=rf"linear model of format {other}, .*train it again"):
            load(tmp_path)
    description.write_text(json.dumps({**json.loads(good), "kind": "liner"}))
    with pytest.raises(ModelError, match=r"names the kind 'liner'.*linear"):
        load(tmp_path)
    description.write_text(json.dumps({**json.loads(good), "tree": [["a"], ["b"]]}))
    with pytest.raises(ModelError, match="different runs: copy the folder again"):
        load(tmp_path)
    description.write_text(json.dumps({**json.loads(good), "names": 1}))
    with pytest.raises(ModelError, match=r"lacks 'names\.weights'"):
        load(tmp_path)
    description.write_text(good)
    tensors = {
        name: np.array(array) for name, array in open_tensors(tmp_path / "weights.safetensors").items()
    }
    del tensors["scale"]
    save_tensors(tmp_path / "weights.safetensors", tensors)
    with pytest.raises(ModelError, match="lacks 'scale'"):
        load(tmp_path)


def test_a_folder_without_a_classifier_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is not a classifier folder: it has no classifier\.json"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("rows", "passes"), [(10, 8), (125_000, 8), (250_000, 4), (500_000, 2), (3_000_000, 2)]
)
def test_large_tables_need_fewer_passes(rows: int, passes: int) -> None:
    assert LinearSettings().passes(rows) == passes
    assert LinearSettings(epochs=5).passes(rows) == 5
