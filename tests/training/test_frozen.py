from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import timm
import torch

from mep3m.errors import StoreError, UsageError
from mep3m.label_tree.probabilities import TOLERANCE, incoherence
from mep3m.models.classifier import load
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.networks.image import image_encoder
from mep3m.settings.network import NetworkSettings
from mep3m.settings.run import RunSettings
from mep3m.settings.training import TrainingSettings
from mep3m.store.filesystem import exclusive_lock
from mep3m.store.images import ContentImages
from mep3m.training import network
from mep3m.training.frozen import joined_settings, train_on_frozen
from mep3m.training.network import train_network
from mep3m.training.task import Task
from tests.models.catalogue import TREE, products
from tests.training.tasks import task_of
from tests.training.test_network import NETWORKS, QUICK

CODES = TREE.encode([("food", "tea"), ("food", "rice"), ("home", "lamp")])
HEADS = TrainingSettings(epochs=10, batch=8, precision="float32", average=None, learning_rate=1e-2)


def task(products: pa.Table, images: ContentImages) -> Task:
    codes = CODES[np.arange(30) % 3]
    everything = np.arange(30)
    return Task(products, TREE, codes, everything, everything[:0], images, RunSettings(), "none")


@pytest.fixture(scope="module")
def backbones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, NetworkClassifier]:
    folder = tmp_path_factory.mktemp("backbones")
    table, images = products(folder / "images")
    return {
        name: train_network(task_of(table, images), NETWORKS[name], QUICK, folder / name)[0]
        for name in ("bilstm", "image", "concatenation")
    }


@pytest.mark.parametrize("order", ["flat", "coarse-to-fine", "fine-to-coarse", "coarse-and-fine"])
@pytest.mark.parametrize("parts", [("bilstm",), ("image",), ("bilstm", "image")], ids="+".join)
def test_heads_on_frozen_backbones_are_one_classifier(
    order: str, parts: tuple[str, ...], backbones: dict[str, NetworkClassifier], tmp_path: Path
) -> None:
    table, images = products(tmp_path / "images", without="title")
    settings = NetworkSettings(hierarchy=order, hidden=(16,))
    chosen = [backbones[name] for name in parts]
    whole = joined_settings(chosen, settings)
    classifier, history, *_ = train_on_frozen(task(table, images), chosen, whole, HEADS, tmp_path / "run")
    assert len(history) == HEADS.epochs
    before = classifier.predict_proba(table, images)
    classifier.save(tmp_path / "run")
    np.testing.assert_array_equal(before, load(tmp_path / "run").predict_proba(table, images))
    right = before[1:, TREE.nodes(2)].argmax(1) + TREE.starts[1] == CODES[np.arange(1, 30) % 3, 1]
    assert right.mean() > 0.8
    if order != "flat":
        assert incoherence(TREE, before) <= TOLERANCE
    for name in parts:
        encoder = "title" if name == "bilstm" else "image"
        for key, value in backbones[name].network.encoders[encoder].state_dict().items():
            assert value.equal(classifier.network.encoders[encoder].state_dict()[key])


def test_backbones_that_do_not_go_together(backbones: dict[str, NetworkClassifier], tmp_path: Path) -> None:
    settings = NetworkSettings(hierarchy="coarse-to-fine")
    with pytest.raises(UsageError, match="two backbones for the modality 'title'"):
        joined_settings([backbones["bilstm"]] * 2, settings)
    with pytest.raises(UsageError, match="has one modality, this one has image, title"):
        joined_settings([backbones["concatenation"]], settings)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    torch.manual_seed(3)
    torch.save(timm.create_model("test_resnet").state_dict(), tmp_path / "w.pth")
    return tmp_path / "w.pth"


FROZEN = {
    "backbone": "test_resnet",
    "pixels": 32,
    "frozen": "true",
    "epochs": 30,
    "batch": 8,
    "average": "none",
}


def test_frozen_encoders_stay_as_they_were_loaded(weights: Path, tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 36)
    options = FROZEN | {"weights": str(weights), "learning_rate": 0.01}
    trained = network.train(task_of(table, images, "small-cnn", options, valid=9), tmp_path / "run")
    given = image_encoder("test_resnet", 32).state_dict()
    given = {
        f"network.{key}": value for key, value in torch.load(weights).items() if f"network.{key}" in given
    }
    own = trained.classifier.network.encoders["image"].state_dict()  # type: ignore[attr-defined]
    assert own.keys() == given.keys()
    for key, value in given.items():
        assert torch.equal(own[key].cpu(), value)
    again = load(tmp_path / "run").predict_proba(table.take(np.arange(27, 36)), images)
    # those of the training came of the features, which were computed in other batches
    np.testing.assert_allclose(again, trained.valid_proba, atol=1e-5)
    right = again[:, TREE.nodes(2)].argmax(1) + TREE.starts[1] == CODES[np.arange(27, 36) % 3, 1]
    assert right.mean() > 0.6
    losses = [figures["validation_loss"] for figures in trained.log["epochs"] if "validation_loss" in figures]
    assert len(losses) == 10
    assert losses[-1] < losses[0]


def test_two_runs_share_the_features_of_frozen_encoders(
    weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, images = products(tmp_path / "images", 24, without="image")
    images.file(table["image"][3].as_py()).write_bytes(b"broken")
    options = FROZEN | {"weights": str(weights), "cache": str(tmp_path / "cache"), "epochs": 2}
    first = network.train(task_of(table, images, "small-cnn", options), tmp_path / "first")
    assert [reject["product"] for reject in first.log["unreadable_images"]] == ["p3"]
    encoded: list[int] = []
    encode = NetworkClassifier.encode
    monkeypatch.setattr(
        NetworkClassifier,
        "encode",
        lambda self, rows, images: (encoded.append(rows.num_rows), encode(self, rows, images))[1],
    )
    second = network.train(
        task_of(table, images, "small-cnn", options | {"hidden": "8"}), tmp_path / "second"
    )
    # what could not be read is tried again, and still reported
    assert encoded == [1]
    assert [reject["product"] for reject in second.log["unreadable_images"]] == ["p3"]
    assert not list((tmp_path / "second/work").glob("features-*"))
    with exclusive_lock(tmp_path / "cache"), pytest.raises(StoreError, match="another run is writing into"):
        network.train(task_of(table, images, "small-cnn", options), tmp_path / "third")


def test_two_runs_share_decoded_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, images = products(tmp_path / "images", 12)
    options = {key: value for key, value in FROZEN.items() if key != "frozen"}
    options |= {"cache": str(tmp_path / "cache"), "epochs": 1}
    network.train(task_of(table, images, "small-cnn", options), tmp_path / "first")
    monkeypatch.setattr("mep3m.models.inputs.pixels.decode", lambda *_: pytest.fail("decoded again"))
    network.train(task_of(table, images, "small-cnn", options), tmp_path / "second")


@pytest.mark.parametrize("fusion", ["tensor", "low_rank"])
def test_frozen_encoders_of_two_modalities_can_be_fused_in_any_way(
    fusion: str, backbones: dict[str, NetworkClassifier], tmp_path: Path
) -> None:
    table, images = products(tmp_path / "images")
    chosen = [backbones["bilstm"], backbones["image"]]
    whole = joined_settings(chosen, NetworkSettings(rank=4)).model_copy(update={"fusion": fusion})
    classifier = train_on_frozen(task(table, images), chosen, whole, HEADS, tmp_path / "run").classifier
    classifier.save(tmp_path / "run")
    before = classifier.predict_proba(table, images)
    np.testing.assert_array_equal(before, load(tmp_path / "run").predict_proba(table, images))
    right = before[:, TREE.nodes(2)].argmax(1) + TREE.starts[1] == CODES[np.arange(30) % 3, 1]
    assert right.mean() > 0.8


@pytest.mark.parametrize(
    ("model", "options", "says"),
    [
        ("small-cnn", {"frozen": "true"}, "that of the image has none: give image.weights"),
        ("bilstm", {"frozen": "true"}, "that of the title has none: give text.weights"),
    ],
)
def test_a_frozen_encoder_without_weights_is_refused(
    model: str, options: dict[str, str], says: str, tmp_path: Path
) -> None:
    table, images = products(tmp_path / "images", 6)
    with pytest.raises(UsageError, match=says):
        network.train(task_of(table, images, model, options), tmp_path / "run")
