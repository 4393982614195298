from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from mep3m.errors import UsageError
from mep3m.models.classifier import load
from mep3m.models.neural import NetworkClassifier
from mep3m.models.tree import TOLERANCE, incoherence
from mep3m.settings.network import NetworkSettings
from mep3m.settings.run import RunSettings
from mep3m.settings.training import TrainingSettings
from mep3m.store.images import ContentImages
from mep3m.training.frozen import train_on_frozen
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
    classifier = train_on_frozen(
        task(table, images), np.arange(30), chosen, settings, HEADS, tmp_path / "run"
    )
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
    given = task(*products(tmp_path / "images"))
    settings = NetworkSettings(hierarchy="coarse-to-fine")
    with pytest.raises(UsageError, match="two backbones for the modality 'title'"):
        train_on_frozen(given, given.train, [backbones["bilstm"]] * 2, settings, HEADS, tmp_path)
    with pytest.raises(UsageError, match="has one modality, this one has image, title"):
        train_on_frozen(given, given.train, [backbones["concatenation"]], settings, HEADS, tmp_path)
