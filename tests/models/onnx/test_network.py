from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mep3m.label_tree.probabilities import from_siblings
from mep3m.label_tree.tree import LabelTree
from mep3m.models.inputs.words import TokenVocabulary
from mep3m.models.networks.build import build_network
from mep3m.models.networks.classifier import NetworkClassifier
from mep3m.models.onnx.network import example_inputs, export_onnx, multiply_down
from mep3m.settings.network import ImageSettings, NetworkSettings, TextSettings

TREE = LabelTree.from_paths([("a", "x"), ("a", "y"), ("b", "x"), ("b", "z"), ("c", "x", "deep")])
TEXT = TextSettings(embedding=6, hidden=5, tokeniser="whitespace")
IMAGE = ImageSettings(backbone="test_resnet", pixels=32)
FROZEN = IMAGE.model_copy(update={"crops": (0.9, 0.0), "mirror": True, "pooling": "stages"})


@pytest.mark.parametrize(
    "settings",
    [
        NetworkSettings(title=TEXT),
        NetworkSettings(image=IMAGE),
        NetworkSettings(title=TEXT, image=IMAGE, fusion="tensor", rank=3),
        NetworkSettings(title=TEXT, ocr=TEXT, image=IMAGE, fusion="low_rank", rank=2),
        NetworkSettings(title=TEXT, hierarchy="coarse-to-fine"),
        NetworkSettings(title=TEXT, hierarchy="fine-to-coarse"),
        NetworkSettings(image=IMAGE, title=TEXT, hierarchy="coarse-and-fine"),
        NetworkSettings(title=TEXT, hierarchy="coarse-to-fine", head="linear"),
        NetworkSettings(
            image=FROZEN, frozen=True, standardise=True, hierarchy="fine-to-coarse", head="linear"
        ),
    ],
    ids=[
        "bilstm",
        "image",
        "tensor fusion",
        "low-rank fusion of three",
        "coarse to fine",
        "fine to coarse",
        "coarse and fine",
        "linear coarse to fine",
        "frozen with two views and their mirror images",
    ],
)
def test_onnx_predicts_what_the_network_predicts(settings: NetworkSettings, tmp_path: Path) -> None:
    torch.manual_seed(0)
    vocabulary = TokenVocabulary("whitespace", tuple("abcdefghij"), 64)
    network = build_network(settings, TREE, {"title": 10, "ocr": 10}).eval()
    coders = {name: vocabulary for name in settings.modalities if name != "image"}
    classifier = NetworkClassifier(TREE, settings, network, coders, np.zeros(len(TREE), np.float32))
    if settings.frozen:
        blank = torch.zeros(1, 2, 3, 32, 32)
        classifier._forward(network, {"image": blank, "present": torch.ones(1, 1, dtype=torch.bool)})
        assert network.sooner
    export_onnx(classifier, tmp_path / "model.onnx")
    values: dict[str, torch.Tensor] = {}
    for name in settings.modalities:
        text = torch.nn.functional.pad(torch.randint(1, 10, (5, 7)), (0, 2))
        values[name] = (
            torch.randn(5, *example_inputs(classifier)[name].shape[1:]) if name == "image" else text
        )
    values["present"] = torch.rand(5, len(settings.modalities)) > 0.3
    with torch.no_grad():
        expected = classifier.join(network(values))
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"))
    given = {name: value.numpy() for name, value in values.items()}
    got = session.run(["probabilities"], given)[0]
    np.testing.assert_allclose(got, expected, atol=1e-5)


TREES = [
    [("a",), ("b", "x"), ("b", "y", "deep"), ("c", "z")],
    [("a",)],
    [("a", "only", "child"), ("b", "c"), ("b", "d", "e"), ("b", "d", "f")],
]


@given(st.sampled_from(TREES), st.integers(0, 100), st.sampled_from([1.0, 300.0]))
def test_multiplying_down_in_torch_is_multiplying_down(
    paths: list[tuple[str, ...]], seed: int, size: float
) -> None:
    tree = LabelTree.from_paths(paths)
    logits = np.random.default_rng(seed).normal(0, size, (4, len(tree))).astype(np.float32)
    np.testing.assert_allclose(
        multiply_down(tree, torch.from_numpy(logits)).numpy(), from_siblings(tree, logits), atol=1e-6
    )
