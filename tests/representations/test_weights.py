"""Encoders by the weights that a user names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch

from mep3m.errors import Mep3mError, ModelError, NotFoundError, UsageError
from mep3m.models.linear.latent import LatentText
from mep3m.models.pretrained import packaged
from mep3m.representations.encode import encode
from mep3m.representations.weights import open_encoders, part_of
from mep3m.store.json_files import write_json
from mep3m.training import network
from tests.models.catalogue import products
from tests.representations.small import sentence_folder, tiny_bert, tiny_network, titled, unit
from tests.training.tasks import task_of
from tests.training.test_models import TINY

MEAN = {"pooling_mode_mean_tokens": True, "pooling_mode_cls_token": False}
TITLES = pa.chunked_array([["green tea", "black tea", "white rice"]])


def test_packaged_weights_are_the_default_of_pictures_and_the_titles_teach_the_text() -> None:
    for weights in ((), ("auto",), ("packaged",)):
        image, title = open_encoders("image+text", weights, TITLES)
        assert (image.part, title.part) == ("image", "title")
        assert "efficientnet" in image.facts()["source"]
        assert image.facts()["licence"] == "Apache-2.0"
        assert title.facts()["source"] == "n-grams of 3 titles"


def test_without_weights_there_are_none_said_to_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "PACKAGES", {})
    monkeypatch.setattr("mep3m.models.pretrained.weights.PACKAGES", {})
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=r"pip install 'mep3m\[train\]'"):
        open_encoders("image")


def test_none_is_a_network_that_the_seed_draws(tmp_path: Path) -> None:
    table, images = products(tmp_path, 2)
    one, again, other = (
        encode(table, images, "image", open_encoders("image", ["none"], seed=seed)).vectors
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)
    assert open_encoders("text", ["none"], TITLES)[0].facts()["source"] == "n-grams of 3 titles"


def test_a_folder_for_each_part(tmp_path: Path) -> None:
    LatentText.fit(TITLES).save(tmp_path / "text")
    folders = [str(tmp_path / "text"), str(tiny_network(tmp_path / "net"))]
    image, title = open_encoders("image+text", folders)
    assert image.facts()["network"] == "test_resnet"
    assert title.facts()["hash"] == LatentText.load(tmp_path / "text").key
    assert open_encoders("image", folders[1:])[0].facts()["hash"] == image.facts()["hash"]


def test_a_file_of_weights_is_of_the_house_network_or_refused(tmp_path: Path) -> None:
    file = tiny_network(tmp_path) / "model.safetensors"
    with pytest.raises(ModelError, match="does not fit the network"):
        open_encoders("image", [str(file)])


@pytest.mark.parametrize(
    ("modality", "weights", "kind", "says"),
    [
        ("picture", [], UsageError, "no modality 'picture'"),
        ("image", ["auto", "none"], UsageError, "auto and as none"),
        ("image", ["{0}/text"], UsageError, "encodes the title, which --modality image does not look at"),
        ("text", ["{0}/net"], UsageError, "encodes the image"),
        ("text", ["{0}/text", "{0}/bert"], UsageError, "both encode the title"),
        ("image", ["{0}/nowhere"], NotFoundError, "no weights at"),
        ("image", ["packged"], NotFoundError, "give auto, packaged, hub, none"),
        ("text", ["{0}/empty"], ModelError, "holds no encoder"),
        ("text", [], UsageError, "needs its folder, or titles"),
    ],
)
def test_what_cannot_be_opened_says_so(
    modality: str, weights: list[str], kind: type[Mep3mError], says: str, tmp_path: Path
) -> None:
    LatentText.fit(TITLES).save(tmp_path / "text")
    tiny_network(tmp_path / "net")
    tiny_bert(tmp_path / "bert")
    (tmp_path / "empty").mkdir()
    with pytest.raises(kind, match=says):
        open_encoders(modality, [one.format(tmp_path) for one in weights])


def mean_of_tokens(folder: Path, texts: list[str]) -> np.ndarray:
    """What sentence-transformers computes, by transformers alone."""
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        hidden = AutoModel.from_pretrained(folder).eval()(**tokens).last_hidden_state
    mask = tokens["attention_mask"][:, :, None]
    return np.asarray((hidden * mask).sum(1) / mask.sum(1))


@pytest.mark.parametrize("kind", ["transformers", "sentence-transformers", "normalised", "newer"])
def test_a_transformer_gives_the_mean_of_its_tokens(kind: str, tmp_path: Path) -> None:
    if kind == "transformers":
        folder = own = tiny_bert(tmp_path / "bert")
    else:
        pooling = {"pooling_mode": "mean"} if kind == "newer" else MEAN
        folder = sentence_folder(tmp_path / "s", pooling, *["Normalize"] * (kind == "normalised"))
        own = folder / "0_Transformer"
    texts = ["good tea no 1", "lamp", "rice rice good no 7"]
    encoders = open_encoders("text", [str(folder)], cache=tmp_path / "cache")
    made = encode(titled(*texts, None), None, "text", encoders)
    np.testing.assert_allclose(made.vectors[:3], unit(mean_of_tokens(own, texts)), atol=1e-5)
    assert made.told[:, 0].tolist() == [True, True, True, False]


@pytest.mark.parametrize(
    ("pooling", "steps", "says"),
    [
        ({"pooling_mode_cls_token": True}, [], "by pooling_mode_cls_token; here it is the mean"),
        ({"pooling_mode": "cls"}, [], "by pooling_mode_cls_tokens"),
        (MEAN | {"pooling_mode_max_tokens": True}, [], "pooling_mode_max_tokens"),
        (MEAN, ["Dense"], "has a step Dense"),
    ],
)
def test_a_sentence_model_that_does_something_else_is_refused(
    pooling: dict[str, Any], steps: list[str], says: str, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=says):
        open_encoders("text", [str(sentence_folder(tmp_path, pooling, *steps))])


@pytest.mark.parametrize(("model", "part"), [("small-cnn", "image"), ("bilstm", "title"), ("joint", "image")])
def test_a_run_of_a_network_is_an_encoder(model: str, part: str, tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 12)
    options = {"epochs": 1} if part == "title" else TINY | {"epochs": 1}
    task = task_of(table, None if part == "title" else images, model, options, valid=3)
    trained = network.train(task, tmp_path / "run")
    trained.classifier.save(tmp_path / "run")
    assert part_of(tmp_path / "run") == part
    modality = "text" if part == "title" else "image"
    encoders = open_encoders(modality, [str(tmp_path / "run")])
    made = encode(table, images, modality, encoders)
    assert made.told.all()
    if model != "joint":
        own = trained.classifier.encode(table, images).vectors
        np.testing.assert_allclose(made.vectors, unit(own), atol=1e-4)


def test_a_run_without_a_network_is_none(tmp_path: Path) -> None:
    write_json(tmp_path / "classifier.json", {"kind": "linear"})
    with pytest.raises(ModelError, match="holds no encoder"):
        open_encoders("text", [str(tmp_path)])
