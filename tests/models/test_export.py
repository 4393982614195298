from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from mep3m.models.inputs.words import Vocabulary
from mep3m.models.labels import LabelTree
from mep3m.models.networks.build import build_network
from mep3m.models.networks.export import export_onnx
from mep3m.models.neural import NetworkClassifier
from mep3m.settings.network import ImageSettings, NetworkSettings, TextSettings

TREE = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b", "z")])
TEXT = TextSettings(embedding=6, hidden=5, tokeniser="whitespace")
IMAGE = ImageSettings(backbone="test_resnet", pixels=32)


@pytest.mark.parametrize(
    "settings",
    [
        NetworkSettings(title=TEXT),
        NetworkSettings(image=IMAGE),
        NetworkSettings(title=TEXT, image=IMAGE, fusion="tensor", rank=3),
        NetworkSettings(title=TEXT, ocr=TEXT, image=IMAGE, fusion="low_rank", rank=2),
    ],
    ids=["bilstm", "image", "tensor fusion", "low-rank fusion of three"],
)
def test_onnx_predicts_what_the_network_predicts(settings: NetworkSettings, tmp_path: Path) -> None:
    torch.manual_seed(0)
    vocabulary = Vocabulary("whitespace", tuple("abcdefghij"), 64)
    network = build_network(settings, TREE, {"title": 10, "ocr": 10}).eval()
    coders = {name: vocabulary for name in settings.modalities if name != "image"}
    classifier = NetworkClassifier(TREE, settings, network, coders, np.zeros(len(TREE), np.float32))
    export_onnx(classifier, tmp_path / "model.onnx")
    values: dict[str, torch.Tensor] = {}
    for name in settings.modalities:
        text = torch.nn.functional.pad(torch.randint(1, 10, (5, 7)), (0, 2))
        values[name] = torch.randn(5, 3, 32, 32) if name == "image" else text
    values["present"] = torch.rand(5, len(settings.modalities)) > 0.3
    with torch.no_grad():
        expected = classifier.level_softmax(network(values)).numpy()
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    given = {name: value.numpy() for name, value in values.items()}
    got = session.run(["probabilities"], given)[0]
    np.testing.assert_allclose(got, expected, atol=1e-5)
