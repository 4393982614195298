"""What folders say of the image network whose weights they hold."""

from pathlib import Path

import pytest

from mep3m.errors import UsageError
from mep3m.models.pretrained.run_folder import network_of_folder
from mep3m.models.pretrained.weights import find_weights
from mep3m.store.json_files import write_json
from mep3m.training.network_presets import resolve
from tests.representations.small import tiny_network

IMAGE = {"backbone": "test_resnet", "arguments": {}, "pixels": 48, "mean": [0.4] * 3, "std": [0.3] * 3}


def run_of(folder: Path, **changes: object) -> Path:
    image = {**IMAGE, "margin": 1.25, "crops": [0.0], "mirror": True, "weights": "packaged", **changes}
    write_json(folder / "classifier.json", {"settings": {"image": image}})
    return folder


def test_a_run_names_its_network_and_how_its_pictures_are_made(tmp_path: Path) -> None:
    assert network_of_folder(run_of(tmp_path)) == {**IMAGE, "margin": 1.25, "crops": [0.0]}


def test_a_folder_of_the_hub_names_its_network_and_its_arguments(tmp_path: Path) -> None:
    assert network_of_folder(tiny_network(tmp_path / "a")) == {"backbone": "test_resnet", "arguments": {}}
    write_json(tmp_path / "config.json", {"architecture": "vit", "model_args": {"depth": 2}})
    assert network_of_folder(tmp_path) == {"backbone": "vit", "arguments": {"depth": 2}}


@pytest.mark.parametrize("name", ["nothing", "file.safetensors", "empty", "titles"])
def test_what_says_nothing(name: str, tmp_path: Path) -> None:
    (tmp_path / "file.safetensors").write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    write_json(tmp_path / "titles" / "config.json", {"model_type": "bert"})
    assert network_of_folder(tmp_path / name) == {}


@pytest.mark.parametrize("model", ["pretrained", "timm", "small-cnn", "joint"])
def test_a_model_that_is_not_called_by_its_network_takes_that_of_the_weights(
    model: str, tmp_path: Path
) -> None:
    network, _ = resolve(model, {"image.weights": str(run_of(tmp_path))})
    assert network.image is not None
    assert (network.image.backbone, network.image.pixels, network.image.margin) == ("test_resnet", 48, 1.25)
    assert network.image.mean == (0.4, 0.4, 0.4)


@pytest.mark.parametrize("option", ["pixels", "image.pixels"])
def test_an_option_counts_more_than_what_the_folder_says(option: str, tmp_path: Path) -> None:
    network, _ = resolve("timm", {"weights": str(run_of(tmp_path)), option: "64"})
    assert network.image is not None
    assert (network.image.backbone, network.image.pixels) == ("test_resnet", 64)


def test_another_network_than_that_of_the_weights_is_told(tmp_path: Path) -> None:
    network, _ = resolve("timm", {"weights": str(run_of(tmp_path)), "backbone": "resnet18"})
    assert network.image is not None
    assert network.image.pixels == 64  # nothing of the run
    with pytest.raises(UsageError, match="a run of the network test_resnet, not resnet18"):
        find_weights(network.image)


@pytest.mark.parametrize("model", ["vgg19", "resnet50", "lmf"])
def test_a_model_that_is_called_by_its_network_keeps_it(model: str, tmp_path: Path) -> None:
    network, _ = resolve(model, {"image.weights": str(run_of(tmp_path))})
    assert network.image is not None
    assert network.image.backbone != "test_resnet"
