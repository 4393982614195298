"""Encoders that are networks: kept by content, and equal to PyTorch and to timm's own way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from timm.data import create_transform, resolve_data_config

from mep3m.dataset.reading import open_pictures
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.pretrained.packaged import packaged_weights
from mep3m.representations.encode import encode
from mep3m.representations.network import NetworkEncoder
from mep3m.representations.weights import open_encoders
from tests.models.catalogue import products
from tests.representations.small import tiny_network

#: what bench.encode states: the least cosine with timm's own pixels, and the most that compiling changes
COSINE, COMPILED = 0.99, 1e-4


def draw(folder: Path, count: int = 6) -> list[Path]:
    """Write smooth pictures of several sizes as JPEG files."""
    folder.mkdir()
    files = []
    for n in range(count):
        coarse = np.random.default_rng(n).integers(0, 256, (8, 8, 3)).astype(np.uint8)
        size = (300 + 90 * n, 260 + 40 * (n % 3))
        file = folder / f"{n}.jpg"
        Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC).save(file, quality=90)
        files.append(file)
    return files


def test_what_is_kept_is_what_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table, images = products(tmp_path / "images", 9, without="image")
    weights = [str(tiny_network(tmp_path / "net"))]
    fresh = encode(table, images, "image", open_encoders("image", weights))
    first = encode(table, images, "image", open_encoders("image", weights, cache=tmp_path / "cache"))
    monkeypatch.setattr(NetworkClassifier, "encode", lambda *_: pytest.fail("encoded again"))
    second = encode(
        table.take([3, 3, 0]), images, "image", open_encoders("image", weights, cache=tmp_path / "cache")
    )
    np.testing.assert_allclose(first.vectors, fresh.vectors, atol=1e-6)
    np.testing.assert_array_equal(first.told, fresh.told)
    np.testing.assert_array_equal(second.vectors, first.vectors[[3, 3, 0]])


def test_other_weights_share_nothing(tmp_path: Path) -> None:
    table, images = products(tmp_path / "images", 2)
    made = []
    for seed in (0, 1):
        weights = [str(tiny_network(tmp_path / f"net{seed}", seed))]
        made.append(
            encode(table, images, "image", open_encoders("image", weights, cache=tmp_path / "c")).vectors
        )
    assert not np.allclose(*made)
    assert len(list((tmp_path / "c").iterdir())) == 2


def test_a_picture_met_twice_is_computed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = draw(tmp_path / "pictures", 2)
    (tmp_path / "pictures" / "again.jpg").write_bytes(files[0].read_bytes())
    opened = open_pictures(tmp_path / "pictures")
    (encoder,) = open_encoders("image", [str(tiny_network(tmp_path / "net"))], cache=tmp_path / "cache")
    assert isinstance(encoder, NetworkEncoder)
    counted: list[int] = []
    own = NetworkClassifier.encode

    def noted(self: NetworkClassifier, table: object, images: object) -> object:
        counted.append(table.num_rows)  # type: ignore[attr-defined]
        return own(self, table, images)  # type: ignore[arg-type]

    monkeypatch.setattr(NetworkClassifier, "encode", noted)
    made = encode(opened.products, opened.images, "image", [encoder])
    assert counted == [2]
    assert made.told.all()


def test_the_packaged_network_sees_what_timm_sees(tmp_path: Path) -> None:
    """Our decoder and resizing, compiled, beside Pillow, timm's transform and PyTorch."""
    files = draw(tmp_path / "pictures")
    opened = open_pictures(tmp_path / "pictures")
    (encoder,) = open_encoders("image", ["packaged"])
    assert isinstance(encoder, NetworkEncoder)
    ours = encode(opened.products, opened.images, "image", [encoder]).vectors
    name = encoder.facts()["network"]
    whole = timm.create_model(name)
    whole.load_state_dict(packaged_weights(name)[0])
    whole.reset_classifier(0)
    transform = create_transform(**resolve_data_config({}, model=whole))
    with torch.no_grad():
        pixels = torch.stack([transform(Image.open(file).convert("RGB")) for file in files])
        theirs = whole.eval()(pixels).numpy()
    cosine = (ours * theirs).sum(1) / np.linalg.norm(theirs, axis=1)
    assert cosine.min() > COSINE

    compiled = encoder.read(opened.products, opened.images).vectors
    encoder.backbone.network.sooner["image"] = encoder.backbone.network.encoders["image"]
    plain = encoder.read(opened.products, opened.images).vectors
    assert np.abs(compiled - plain).max() < COMPILED * np.abs(plain).max()
