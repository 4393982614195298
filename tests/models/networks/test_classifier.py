from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from mep3m.errors import ModelError, UsageError
from mep3m.label_tree.probabilities import by_name
from mep3m.label_tree.tree import LabelTree
from mep3m.models.classifier import load
from mep3m.models.inputs.words import TokenVocabulary
from mep3m.models.networks.build import build_network
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.settings.network import ImageSettings, NetworkSettings, TextSettings
from tests.models.catalogue import TREE, products

SETTINGS = NetworkSettings(
    title=TextSettings(embedding=6, hidden=5, tokeniser="whitespace"),
    image=ImageSettings(backbone="test_resnet", pixels=32),
)
FREQUENCIES = np.array([0.6, 0.4, 0.3, 0.3, 0.4], np.float32)


def classifier(*modalities: str) -> NetworkClassifier:
    """Return an untrained classifier of image and title, or of the modalities named."""
    torch.manual_seed(0)
    hidden = {name: None for name in ("image", "title") if modalities and name not in modalities}
    settings = SETTINGS.model_copy(update=hidden)
    vocabulary = TokenVocabulary.fit(["good tea no", "good rice no"], "whitespace", 16, minimum=1)
    coders = {"title": vocabulary} if settings.title else {}
    network = build_network(settings, TREE, {"title": len(vocabulary)}).eval()
    return NetworkClassifier(TREE, settings, network, coders, FREQUENCIES, taxonomy="v1")


def test_missing_modalities_are_masked(tmp_path: Path) -> None:
    model = classifier()
    table, images = products(tmp_path, 4)
    blind = table.set_column(table.schema.get_field_index("image"), "image", [[None] * 4])
    mute = blind.set_column(table.schema.get_field_index("title"), "title", [[None] * 4])
    full, without_image = model.predict_proba(table, images), model.predict_proba(blind, images)
    assert not np.allclose(full, without_image)
    np.testing.assert_array_equal(without_image, model.predict_proba(table, None))
    # the pixels under a mask do not matter
    with torch.no_grad():
        model.network.absent["image"].add_(1)
    assert not np.allclose(without_image, model.predict_proba(blind, images))
    np.testing.assert_allclose(model.predict_proba(mute, images), np.tile(FREQUENCIES, (4, 1)))


def test_flat_heads_divide_a_name_among_its_nodes_as_their_parents_are() -> None:
    tree = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b", "x"), ("b", "z"), ("c", "x")])
    logits = torch.randn(6, len(tree)) * 3
    proba = replace(classifier(), tree=tree).join(logits)
    plain = logits[:, tree.nodes(2)].softmax(1).numpy()
    names, joined = by_name(tree, proba, 2)
    _, place = tree.names(2)
    for column, _ in enumerate(names):
        np.testing.assert_allclose(joined[:, column], plain[:, place == column].sum(1), rtol=1e-5)
    same = [tree.index((parent, "x")) for parent in "abc"]
    above = [tree.index((parent,)) for parent in "abc"]
    np.testing.assert_allclose(proba[:, same], proba[:, above] * joined[:, :1], rtol=1e-5)


def test_no_rows_give_no_probabilities() -> None:
    table, _ = products(Path("unused"), 0)
    assert classifier().predict_proba(table).shape == (0, len(TREE))
    assert classifier().encode(table).vectors.shape == (0, classifier().width)


def test_broken_image_files_are_masked(tmp_path: Path) -> None:
    table, images = products(tmp_path, 3)
    images.file(table["image"][1].as_py()).write_bytes(b"not an image")
    proba = classifier().predict_proba(table, images)
    assert np.isfinite(proba).all()


def damage(folder: Path, how: str) -> None:
    weights = folder / "weights.safetensors"
    if how == "cut":
        weights.write_bytes(weights.read_bytes()[:-50])
    elif how == "gone":
        weights.unlink()
    elif how == "vocabulary":
        (folder / "title.vocabulary.json").write_text("{}")
    elif how == "other network":
        tensors = load_file(weights)
        tensors.pop(sorted(key for key in tensors if key.startswith("encoders"))[0])
        save_file(tensors, weights)
    else:
        description = json.loads((folder / "classifier.json").read_text())
        if how == "taxonomy":
            description["tree"] = LabelTree.from_paths([("a",), ("b",)]).to_json()
        elif how == "format":
            description["format"] = 99
        else:
            del description["settings"]
        (folder / "classifier.json").write_text(json.dumps(description))


@pytest.mark.parametrize(
    ("how", "says"),
    [
        ("cut", "absent or damaged"),
        ("gone", "absent or damaged"),
        ("vocabulary", "not a vocabulary"),
        ("other network", "belongs to another network"),
        ("taxonomy", "another taxonomy"),
        ("format", "format 99"),
        ("incomplete", "incomplete"),
    ],
)
def test_a_damaged_folder_is_refused_with_its_reason(how: str, says: str, tmp_path: Path) -> None:
    classifier().save(tmp_path)
    load(tmp_path)
    damage(tmp_path, how)
    with pytest.raises(ModelError, match=says):
        load(tmp_path)


def test_saved_taxonomy_version_comes_back(tmp_path: Path) -> None:
    classifier().save(tmp_path)
    assert load(tmp_path).taxonomy == "v1"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (NetworkSettings(), "no modality"),
        (
            NetworkSettings(image=ImageSettings(backbone="resnet-fifty")),
            "no network 'resnet-fifty'; near it are .*timm.list_models",
        ),
        (NetworkSettings(image=ImageSettings(backbone="inception-v3", pixels=64)), "at least 75 pixels"),
        (NetworkSettings(title=TextSettings(encoder="bert")), "bert needs weights"),
    ],
)
def test_settings_that_cannot_be_built(settings: NetworkSettings, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        build_network(settings, TREE, {"title": 5})
