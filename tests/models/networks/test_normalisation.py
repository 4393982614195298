"""Colours are normalised as the network was made for, in training, prediction and export alike."""

import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from mep3m.errors import SettingsError
from mep3m.label_tree.tree import LabelTree
from mep3m.models.features import weights_hash, with_normalisation
from mep3m.models.networks.build import build_network
from mep3m.models.networks.classifier import NetworkClassifier, load
from mep3m.models.networks.image import normalise
from mep3m.models.onnx.network import export_onnx
from mep3m.models.pretrained.figures import IMAGENET, Normalisation, with_own_figures
from mep3m.settings.network import ImageSettings, NetworkSettings
from mep3m.store.json_files import read_json, write_json
from mep3m.training import network as training
from tests.models.catalogue import products
from tests.training.tasks import task_of
from tests.training.test_models import TINY

HALF = Normalisation((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
CLIP = Normalisation((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))
TREE = LabelTree.from_paths([("a",), ("b",), ("c",)])


def classifier_of(image: ImageSettings) -> NetworkClassifier:
    torch.manual_seed(0)
    settings = NetworkSettings(image=image)
    built = build_network(settings, TREE, {}).eval()
    return NetworkClassifier(TREE, settings, built, {}, np.full(len(TREE), 1 / 3, np.float32))


@pytest.mark.parametrize(
    ("backbone", "figures"),
    [
        ("resnet18", IMAGENET),
        ("resnet9", IMAGENET),
        ("VGG-19", IMAGENET),
        ("resnet-50", IMAGENET),
        ("tf_efficientnet_lite0", HALF),
        ("inception-v3", HALF),
        ("inception_v3.tf_in1k", HALF),
        ("vit_tiny_patch16_224", HALF),
        ("vit_base_patch16_clip_224.openai", CLIP),
        ("no such network", IMAGENET),
    ],
)
def test_each_network_has_its_own_figures(backbone: str, figures: Normalisation) -> None:
    own = with_own_figures(ImageSettings(backbone=backbone))
    assert Normalisation.of(own) == figures
    assert (own.mean, own.std) == figures


def test_what_the_settings_say_goes_before_and_weights_before_the_name(tmp_path: Path) -> None:
    said = ImageSettings(backbone="tf_efficientnet_lite0", mean=(0.1, 0.2, 0.3))
    assert Normalisation.of(with_own_figures(said)) == ((0.1, 0.2, 0.3), HALF.std)
    write_json(tmp_path / "config.json", {"architecture": "resnet18", "pretrained_cfg": HALF._asdict()})
    weights = ImageSettings(backbone="resnet18", weights=str(tmp_path))
    assert Normalisation.of(with_own_figures(weights)) == HALF
    write_json(tmp_path / "config.json", {"architecture": "resnet18"})
    assert Normalisation.of(with_own_figures(weights)) == IMAGENET
    with pytest.raises(SettingsError, match=r"image\.std"):
        NetworkSettings.parse({"image": {"std": [0, 1, 1]}}, "here")


@pytest.mark.parametrize("figures", [HALF, IMAGENET])
def test_normalised_values_are_those_of_the_formula(figures: Normalisation) -> None:
    pixels = torch.arange(48, dtype=torch.uint8).view(1, 3, 4, 4)
    mean, std = (np.array(value)[:, None, None] for value in figures)
    expected = (pixels[0].numpy() / 255 - mean) / std
    np.testing.assert_allclose(normalise(pixels, 4, figures)[0].numpy(), expected, atol=1e-5)


@pytest.mark.parametrize("backbone", ["tf_efficientnet_lite0", "inception_v3", "resnet18", "test_vit"])
def test_a_trained_classifier_keeps_its_figures(backbone: str, tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 8)
    side = {"inception_v3": 75, "test_vit": 160}.get(backbone, 32)
    options = TINY | {"epochs": 1, "backbone": backbone, "pixels": side, "batch": 4}
    trained = training.train(task_of(table, images, "small-cnn", options), tmp_path / "run")
    own = with_own_figures(ImageSettings(backbone=backbone))
    kept = read_json(tmp_path / "run" / "classifier.json")["settings"]["image"]
    assert (kept["mean"], kept["std"]) == (list(own.mean or ()), list(own.std or ()))
    again = load(tmp_path / "run")
    assert again.settings.image is not None
    assert Normalisation.of(again.settings.image) == (own.mean, own.std)
    assert isinstance(trained.classifier, NetworkClassifier)
    whole = trained.classifier.predict_proba(table, images)
    np.testing.assert_array_equal(again.predict_proba(table, images), whole)


def test_a_folder_without_figures_answers_with_those_of_imagenet(tmp_path: Path) -> None:
    """So it was trained, whatever its network expects."""
    table, images = products(tmp_path / "images", 4, without="title")
    image = ImageSettings(backbone="tf_efficientnet_lite0", pixels=32)
    classifier = classifier_of(image.model_copy(update={"mean": IMAGENET.mean, "std": IMAGENET.std}))
    before = classifier.predict_proba(table, images)
    classifier.save(tmp_path / "run")
    description = read_json(tmp_path / "run" / "classifier.json")
    for name in ("mean", "std", "max_pixels"):
        del description["settings"]["image"][name]
    write_json(tmp_path / "run" / "classifier.json", description)
    np.testing.assert_array_equal(load(tmp_path / "run").predict_proba(table, images), before)
    half = image.model_copy(update={"mean": HALF.mean, "std": HALF.std})
    assert not np.array_equal(classifier_of(half).predict_proba(table, images), before)


def test_features_computed_with_other_figures_are_not_taken() -> None:
    image = ImageSettings(backbone="test_resnet", pixels=32)
    half = image.model_copy(update={"mean": HALF.mean, "std": HALF.std})
    assert weights_hash(classifier_of(image)) != weights_hash(classifier_of(half))
    assert with_normalisation(NetworkSettings()) == NetworkSettings()


@pytest.mark.parametrize("figures", [HALF, IMAGENET])
def test_the_exported_file_says_its_figures_and_answers_the_same(
    figures: Normalisation, tmp_path: Path
) -> None:
    table, images = products(tmp_path / "images", 4)
    classifier = classifier_of(
        ImageSettings(backbone="test_resnet", pixels=32, mean=figures.mean, std=figures.std)
    )
    expected = classifier.predict_proba(table, images)
    export_onnx(classifier, tmp_path / "model.onnx")
    said = {entry.key: json.loads(entry.value) for entry in onnx.load(tmp_path / "model.onnx").metadata_props}
    assert said == {
        "image_mean": list(figures.mean),
        "image_std": list(figures.std),
        "image_crops": [0.0],
    }
    pixels = classifier.inputs(table, images).take(np.arange(4))["image"].numpy() / 255
    mean, std = (np.array(said[name])[:, None, None] for name in ("image_mean", "image_std"))
    values = {"image": ((pixels - mean) / std).astype(np.float32), "present": np.ones((4, 1), bool)}
    got = onnxruntime.InferenceSession(str(tmp_path / "model.onnx")).run(None, values)[0]
    np.testing.assert_allclose(got, expected, atol=1e-5)
