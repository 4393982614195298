from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from hypothesis import given
from hypothesis import strategies as st

from mep3m.errors import ModelError, UsageError
from mep3m.models.networks.build import build_network
from mep3m.models.networks.fusion import LowRankFusion, TensorFusion
from mep3m.models.networks.image import image_encoder, normalise
from mep3m.models.networks.product import drop_modalities
from mep3m.models.networks.text import RecurrentText, reverse_within_length
from mep3m.models.pretrained.figures import IMAGENET
from mep3m.settings.network import ImageSettings, NetworkSettings, TextSettings
from tests.models.catalogue import TREE


@pytest.mark.parametrize("bidirectional", [False, True])
def test_padding_never_changes_a_vector(bidirectional: bool) -> None:
    torch.manual_seed(0)
    encoder = RecurrentText(torch.randn(20, 4), 6, bidirectional, layers=2).eval()
    tokens = torch.tensor([[3, 4, 5]])
    padded = torch.tensor([[3, 4, 5, 0, 0, 0], [7, 8, 9, 10, 11, 12]])
    torch.testing.assert_close(encoder(tokens)[0], encoder(padded)[0])


def test_a_bilstm_is_torchs_own() -> None:
    torch.manual_seed(0)
    encoder = RecurrentText(torch.randn(20, 4), 6, bidirectional=True).eval()
    own = torch.nn.LSTM(4, 6, batch_first=True, bidirectional=True)
    ahead, back = encoder.forward_layers[0], encoder.backward_layers[0]
    for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
        setattr(own, name, getattr(ahead, name))
        setattr(own, f"{name}_reverse", getattr(back, name))
    tokens = torch.randint(1, 20, (3, 5))
    torch.testing.assert_close(encoder(tokens), own(encoder.embedding(tokens))[0].amax(1))


@given(st.integers(1, 6), st.integers(1, 6))
def test_reversing_twice_gives_the_row_back(length: int, extra: int) -> None:
    values = torch.arange(float(length + extra)).reshape(1, -1, 1)
    lengths = torch.tensor([length])
    twice = reverse_within_length(reverse_within_length(values, lengths), lengths)
    torch.testing.assert_close(twice[:, :length], values[:, :length])


def test_tensor_fusion_is_the_outer_product_with_ones() -> None:
    fusion = TensorFusion([3, 4], inner=2)
    first, second = torch.randn(5, 3), torch.randn(5, 4)
    parts = [
        torch.cat([norm(project(vector)).relu(), torch.ones(5, 1)], 1)
        for vector, project, norm in zip((first, second), fusion.projections, fusion.norms, strict=True)
    ]
    expected = torch.einsum("ba,bc->bac", *parts).flatten(1)
    torch.testing.assert_close(fusion([first, second]), expected)
    assert fusion.width == expected.shape[1]


def test_low_rank_fusion_is_a_tensor_fusion_with_a_factored_weight() -> None:
    torch.manual_seed(0)
    fusion = LowRankFusion([3, 4], width=2, rank=3)
    vectors = [torch.randn(5, 3), torch.randn(5, 4)]
    ones = [
        torch.cat([norm(vector), torch.ones(5, 1)], 1)
        for norm, vector in zip(fusion.norms, vectors, strict=True)
    ]
    factors = [
        torch.cat([layer.weight, layer.bias[:, None]], 1).reshape(3, 2, -1) for layer in fusion.factors
    ]
    weight = torch.einsum("r,rwa,rwc->wac", fusion.weights, *factors)
    expected = torch.einsum("wac,ba,bc->bw", weight, *ones) + fusion.bias
    torch.testing.assert_close(fusion(vectors), expected)


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=20))
def test_dropping_a_modality_leaves_one_and_adds_none(rows: list[list[bool]]) -> None:
    present = torch.tensor(rows)
    dropped = drop_modalities(present, 1.0)
    assert not bool((dropped & ~present).any())
    expected = torch.where(present.sum(1) > 1, present.sum(1) - 1, present.sum(1))
    torch.testing.assert_close(dropped.sum(1), expected)


def test_absent_rows_do_not_touch_the_image_statistics() -> None:
    torch.manual_seed(0)
    settings = NetworkSettings.parse({"image": {"backbone": "test_resnet", "pixels": 32}}, "test")
    network = build_network(settings, TREE, {}).train()
    pixels = torch.randn(6, 3, 32, 32)
    network({"image": pixels[:4], "present": torch.ones(4, 1, dtype=torch.bool)})
    alone = {key: value.clone() for key, value in network.state_dict().items() if "running" in key}
    torch.manual_seed(0)
    again = build_network(settings, TREE, {}).train()
    present = torch.tensor([[True]] * 4 + [[False]] * 2)
    again({"image": pixels, "present": present})
    for key, value in alone.items():
        torch.testing.assert_close(again.state_dict()[key], value)


@pytest.mark.parametrize("name", ["vgg19", "resnet-50"])
def test_the_papers_networks_run_small(name: str) -> None:
    encoder = image_encoder(name, 32).eval()
    with torch.no_grad():
        assert encoder(torch.zeros(1, 3, 32, 32)).shape == (1, encoder.width)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("test_resnet", {"in_chans": 1}),
        ("test_resnet", {"in_chans": 4}),
        ("test_resnet", {"colour": "red"}),
        ("resnet9", {"width": 0}),
        ("resnet9", {"in_chans": 1}),
    ],
)
def test_networks_for_other_images_are_refused(name: str, arguments: dict[str, object]) -> None:
    with pytest.raises(
        UsageError, match=f"{name} does not take images of 3 channels and 32 pixels"
    ) as refused:
        image_encoder(name, 32, **arguments)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("bits", ["fits", "narrow"])
def test_weights_of_another_channel_count_are_refused(bits: str, tmp_path: Path) -> None:
    channels = 3 if bits == "fits" else 1
    made = timm.create_model("test_resnet", in_chans=channels)
    torch.save(made.state_dict(), tmp_path / "w.pth")
    image = ImageSettings(backbone="test_resnet", pixels=32, weights=str(tmp_path / "w.pth"))
    if bits == "fits":
        build_network(NetworkSettings(image=image), TREE, {})
    else:
        with pytest.raises(ModelError, match="does not fit the network"):
            build_network(NetworkSettings(image=image), TREE, {})


def test_a_mirror_image_gets_the_same_prediction_with_mirror() -> None:
    torch.manual_seed(0)
    encoder = image_encoder("resnet9", 32, width=4).eval()
    pixels = torch.randn(2, 3, 32, 32)
    assert not torch.allclose(encoder(pixels), encoder(pixels.flip(3)))
    encoder.mirror = True
    torch.testing.assert_close(encoder(pixels), encoder(pixels.flip(3)))
    encoder.train()
    assert not torch.allclose(encoder(pixels), encoder(pixels.flip(3)))


@given(st.integers(0, 1000), st.floats(0.05, 0.95))
def test_dropping_hides_the_share_it_is_told(seed: int, chance: float) -> None:
    torch.manual_seed(seed)
    present = torch.ones(4000, 3, dtype=torch.bool)
    hidden = ~drop_modalities(present, chance)
    assert abs(float(hidden.any(1).float().mean()) - chance) < 0.05
    # every modality is hidden about equally often
    assert float(hidden.sum(0).max() - hidden.sum(0).min()) < 0.12 * 4000


def test_hidden_modalities_give_the_learned_vector() -> None:
    torch.manual_seed(0)
    settings = NetworkSettings(title=TextSettings(embedding=4, hidden=4), modality_dropout=0.5)
    both = settings.model_copy(update={"ocr": settings.title})
    network = build_network(both, TREE, {"title": 9, "ocr": 9})
    tokens = torch.randint(1, 9, (64, 5))
    inputs = {"title": tokens, "ocr": tokens, "present": torch.ones(64, 2, dtype=torch.bool)}
    network.train()
    network.encoders.eval()
    vectors = network.encode(inputs)
    width = vectors.shape[1] // 2
    absent = [(vectors[:, place : place + width] == 0).all(1) for place in (0, width)]
    assert 10 < int(absent[0].sum() + absent[1].sum()) < 54
    assert not bool((absent[0] & absent[1]).any())
    network.eval()
    assert not bool((network.encode(inputs)[:, :width] == 0).all(1).any())


def test_normalised_pixels_have_the_mean_of_imagenet() -> None:
    white = torch.full((1, 3, 8, 8), 255, dtype=torch.uint8)
    expected = (1 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    np.testing.assert_allclose(normalise(white, 4, IMAGENET)[0, :, 0, 0].numpy(), expected, rtol=1e-5)


def test_frozen_encoders_do_not_train() -> None:
    settings = NetworkSettings(title=TextSettings(embedding=4, hidden=4), frozen=True)
    network = build_network(settings, TREE, {"title": 9})
    assert not any(value.requires_grad for value in network.encoders.parameters())
    assert all(value.requires_grad for value in network.head.parameters())
