"""Rows of a pre-training, and what is refused before any work."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mep3m.dataset.dataset import Dataset
from mep3m.errors import NotFoundError, SettingsError, UsageError
from mep3m.product import Label, Product, to_table
from mep3m.settings.run import PretrainSettings
from mep3m.training.pretraining.prepare import Pretraining, make_pretraining, network_for

KINDS = ("tea", "rice", "lamp")


def product(n: int, **changes: Any) -> Product:
    kind = KINDS[n % 3]
    made = Product(
        id=f"p{n}",
        source="ab"[n % 2],
        source_id=f"p{n}",
        title=f"{kind} {n}",
        image_ref=f"{n}.png",
        labels=(Label("goods", "given", "a"), Label(kind, "given", "a")),
    )
    return replace(made, **changes)


def prepared(*products: Product, **settings: Any) -> Pretraining:
    rows = products or tuple(product(n) for n in range(30))
    return make_pretraining(Dataset.of(to_table(rows)), PretrainSettings(**settings), None, None)


def test_labels_of_every_level_are_learned_and_some_rows_held_out() -> None:
    made = prepared()
    assert made.task.tree.depth == 2
    assert len(made.task.train) + len(made.task.valid) == 30
    assert len(made.task.valid) == 3
    assert made.task.settings.model == "small-cnn"
    assert made.task.tags["platform"].tolist() == [0, 1] * 15
    assert made.left is None


def test_without_labels_an_objective_that_needs_none_still_learns() -> None:
    rows = [product(n, labels=()) for n in range(10)]
    made = prepared(*rows, objective="self-supervised")
    assert len(made.task.tree) == 1
    assert len(made.task) == 10
    pairs = prepared(*rows, objective="image-text")
    assert set(pairs.task.tags["category"].tolist()) == {-1}
    assert len(set(pairs.task.tags["group"].tolist())) == 10


def test_kin_are_numbered_by_their_deepest_label_and_by_title() -> None:
    rows = [product(0), product(3, title="TEA 0!"), product(1), product(4, labels=())]
    tags = prepared(*rows, objective="image-text").task.tags
    assert tags["category"].tolist() == [0, 0, 1, -1]
    assert tags["group"][0] == tags["group"][1]
    assert len(set(tags["group"].tolist())) == 3


def test_rows_that_lack_what_is_learned_from_are_left_out_and_counted() -> None:
    rows = [product(n) for n in range(8)] + [product(8, title=None), product(9, image_ref=None)]
    pairs = prepared(*rows, objective="image-text")
    assert (len(pairs.dataset), pairs.skipped) == (8, 2)
    images = prepared(*rows)
    assert (len(images.dataset), images.skipped) == (9, 1)
    both = prepared(*rows, modality="image+text")
    assert (len(both.dataset), both.skipped) == (10, 0)  # either is enough


def test_a_platform_that_is_left_out_is_measured_and_not_learned() -> None:
    made = prepared(leave_out="b")
    assert made.left is not None
    assert set(made.left.products["source"].to_pylist()) == {"b"}
    assert set(made.dataset.products["source"].to_pylist()) == {"a"}
    assert len(made.task) == len(made.dataset) == len(made.left) == 15


@pytest.mark.parametrize(
    ("changes", "settings", "says"),
    [
        ({"labels": ()}, {}, "none of the 30 rows has a label"),
        ({"labels": (Label("tea", "given", "a"),)}, {}, "every label is 'tea'; a classifier needs at least"),
        ({"title": None}, {"objective": "image-text"}, "no product has a title.*--title"),
        ({"title": ""}, {"objective": "image-text"}, "no product has a title.*--title"),
        ({"image_ref": None}, {}, "no product has an image.*--image"),
        ({"image_ref": None}, {"objective": "image-text"}, "no product has an image.*--image"),
        ({"title": None}, {"modality": "text"}, "no product has a title.*--title"),
        ({"source": "one"}, {"platform_signal": "auxiliary"}, "one platform, 'one'.*--platform"),
        ({}, {"platform_signal": "adversarial", "leave_out": "a"}, "one platform, 'b'.*--platform"),
        ({"source": "one"}, {"leave_out": "one"}, "without it there are none to learn from"),
    ],
)
def test_rows_that_do_not_suffice_are_told(
    changes: dict[str, Any], settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        prepared(*(product(n, **changes) for n in range(30)), **settings)


def test_one_pair_is_not_enough_and_an_unknown_platform_is_named() -> None:
    lone = [product(0), product(1, title=None), product(2, image_ref=None)]
    with pytest.raises(UsageError, match="1 of 3 products have image and title: an encoder needs two"):
        prepared(*lone, objective="image-text")
    with pytest.raises(NotFoundError, match=r"the platform 'aa' \(did you mean 'a'\? allowed: a, b"):
        prepared(leave_out="aa")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"objective": "image-text", "modality": "text"}, "teaches images by titles"),
        ({"objective": "self-supervised", "modality": "text"}, "compares views of images"),
        ({"objective": "self-supervised", "modality": "image+text"}, "compares views of images"),
        ({"modality": "text", "weights": "packaged"}, "begins an image network"),
        ({"options": {"frozen": "true"}}, "what is frozen learns nothing"),
        ({"options": {"paste": "0.5"}}, "--set paste is not for pre-training"),
        ({"options": {"training.patience": "2"}}, "--set patience is not for pre-training"),
        ({"options": {"image.weights": "packaged"}}, "--weights says where the encoder begins"),
        ({"objective": "self-supervised", "options": {"augment": "false"}}, "needs views that differ"),
    ],
)
def test_settings_that_do_not_go_together_are_told(settings: dict[str, Any], says: str) -> None:
    with pytest.raises((UsageError, SettingsError), match=says):
        prepared(**settings)


@pytest.mark.parametrize(
    ("settings", "model", "options"),
    [
        ({}, "small-cnn", {}),
        ({"modality": "text"}, "bilstm", {"preset": "modern"}),
        ({"modality": "image+text"}, "joint", {}),
        ({"objective": "image-text"}, "joint", {}),
        ({"options": {"pixels": "96"}}, "small-cnn", {"pixels": "96"}),
        (
            {"weights": "packaged"},
            "timm",
            {"image.weights": "packaged", "backbone": "tf_efficientnet_lite0", "image.pixels": 128},
        ),
        ({"weights": "packaged", "options": {"pixels": "96"}}, "timm", {"pixels": "96"}),
        ({"weights": "x/run", "objective": "image-text"}, "joint", {"image.weights": "x/run"}),
    ],
)
def test_the_network_by_what_is_read_and_where_it_begins(
    settings: dict[str, Any], model: str, options: dict[str, Any]
) -> None:
    found, every = network_for(PretrainSettings(**settings))
    assert found == model
    assert every.items() >= options.items()
    assert not ("pixels" in every and "image.pixels" in every)
    assert ("backbone" in every) == (settings.get("weights") == "packaged")


def test_a_setting_of_the_caller_counts_more_than_that_of_the_purpose() -> None:
    options = {"learning_rate": "0.1", "crop": "0.9"}
    settings = PretrainSettings(objective="self-supervised", weights="packaged", options=options)
    _, every = network_for(settings)
    assert (every["learning_rate"], every["crop"], every["batch"]) == ("0.1", "0.9", 128)


def test_the_same_rows_are_held_out_whatever_is_learned() -> None:
    supervised, views = prepared(), prepared(objective="self-supervised")
    assert np.array_equal(supervised.task.valid, views.task.valid)
    assert not np.array_equal(supervised.task.valid, prepared(seed=1).task.valid)
