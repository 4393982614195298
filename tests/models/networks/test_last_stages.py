"""A network of which the last stages are trained: what stays as it was, and the two parts it is cut into."""

import pytest
import torch
from torch import nn

from mep3m.errors import SettingsError, UsageError
from mep3m.models.networks.compiled import compile_encoder
from mep3m.models.networks.image import ImageEncoder, image_encoder
from mep3m.models.networks.last_stages import cut, train_last
from mep3m.settings.network import ImageSettings

SIDE = 32


def encoder(name: str, stages: int, pooling: str = "last", mirror: bool = False) -> ImageEncoder:
    torch.manual_seed(0)
    made = image_encoder(name, SIDE, pooling)  # type: ignore[arg-type]
    made.mirror = mirror
    train_last(made, stages, name)
    return made


@pytest.mark.parametrize("pooling", ["last", "blocks"])
@pytest.mark.parametrize(("mirror", "crops"), [(False, 1), (True, 1), (True, 2)])
@pytest.mark.parametrize(
    ("name", "stages"), [("test_efficientnet", 1), ("test_efficientnet", 3), ("test_resnet", 2)]
)
def test_the_two_parts_give_the_vectors_of_the_whole(
    name: str, stages: int, pooling: str, mirror: bool, crops: int
) -> None:
    whole = encoder(name, stages, pooling, mirror)
    parts = cut(whole, SIDE, crops)
    assert parts is not None
    pixels = torch.randn((5, 3, SIDE, SIDE) if crops == 1 else (5, crops, 3, SIDE, SIDE))
    whole.eval(), parts.above.eval()
    with torch.no_grad():
        seen = parts.below(pixels)
        assert seen.shape == (5, parts.below.width)
        torch.testing.assert_close(parts.above(seen), whole(pixels), atol=1e-4, rtol=1e-3)
    assert [id(one) for one in parts.above.parameters()] == [
        id(one) for one in whole.parameters() if one.requires_grad
    ]


@pytest.mark.parametrize(
    "name", ["test_efficientnet", "test_convnext", "regnetx_002", "mobilenetv3_small_050"]
)
def test_networks_of_other_families_have_a_seam_too(name: str) -> None:
    whole = encoder(name, 2)
    parts = cut(whole, SIDE)
    assert parts is not None
    pixels = torch.randn(2, 3, SIDE, SIDE)
    with torch.no_grad():
        again = parts.above.eval()(parts.below(pixels))
        torch.testing.assert_close(again, whole.eval()(pixels), atol=1e-4, rtol=1e-3)


def test_a_network_without_a_seam_is_not_cut() -> None:
    made = image_encoder("test_vit", 160)
    train_last(made, 2, "test_vit")
    assert cut(made, 160) is None
    assert 0 < sum(one.requires_grad for one in made.parameters()) < len(list(made.parameters()))


def test_the_views_of_a_row_are_drawn_in_training_and_averaged_after_it() -> None:
    parts = cut(encoder("test_resnet", 1, mirror=True), SIDE)
    assert parts is not None
    with torch.no_grad():
        seen = parts.below(torch.randn(1, 3, SIDE, SIDE))
        one, other = (parts.above.eval()._vector(view) for view in seen.unflatten(1, (2, -1)).unbind(1))
        torch.testing.assert_close(parts.above(seen), (one + other) / 2)
        drawn = {tuple(parts.above.train()(seen)[0].tolist()) for _ in range(12)}
    assert len(drawn) == 2
    for value in drawn:
        assert any(torch.allclose(torch.tensor(value), view[0], atol=1e-5) for view in (one, other))


def test_what_stays_keeps_weights_and_statistics_and_what_trains_moves() -> None:
    whole = encoder("test_efficientnet", 2)
    before = {key: value.clone() for key, value in whole.state_dict().items()}
    optimiser = torch.optim.SGD([one for one in whole.parameters() if one.requires_grad], 0.1)
    whole.train()
    whole(torch.randn(8, 3, SIDE, SIDE)).square().sum().backward()  # type: ignore[no-untyped-call]
    optimiser.step()
    moved = {key for key, value in whole.state_dict().items() if not torch.equal(value, before[key])}
    assert moved
    assert all(key.split(".")[1:3] in (["blocks", "3"], ["blocks", "4"], ["conv_head", "weight"]) or
               key.startswith("network.bn2") for key in moved)  # fmt: skip
    assert any("running_mean" in key for key in moved)


def test_the_norms_of_the_stages_above_keep_their_statistics_on_kept_maps() -> None:
    parts = cut(encoder("test_resnet", 1), SIDE)
    assert parts is not None
    norms = [one for one in parts.above.train().modules() if isinstance(one, nn.BatchNorm2d)]
    assert norms
    assert not any(one.training for one in norms)
    assert parts.above.network.training


@pytest.mark.parametrize("mirror", [False, True])
def test_the_part_below_is_compiled_as_a_whole_network_is(mirror: bool) -> None:
    pytest.importorskip("openvino", reason="the ocr extra is not installed")
    parts = cut(encoder("test_efficientnet", 2, "blocks", mirror), SIDE)
    assert parts is not None
    pixels = torch.randn(3, 3, SIDE, SIDE)
    with torch.no_grad():
        expected = parts.below(pixels)
    torch.testing.assert_close(compile_encoder(parts.below, SIDE)(pixels), expected, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("name", "stages", "says"),
    [
        ("resnet9", 1, "resnet9 has no stages that could be trained apart"),
        ("vgg19", 1, "vgg19 has no stages that could be trained apart"),
        ("test_resnet", 5, "trained = 5 of the 5 stages of test_resnet leaves none .*: give 1 to 4"),
        ("test_resnet", 99, "give 1 to 4"),
    ],
)  # fmt: skip
def test_a_network_without_stages_and_a_number_that_is_too_large_are_refused(
    name: str, stages: int, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        train_last(image_encoder(name, SIDE), stages, name)


@pytest.mark.parametrize("trained", [0, -1, "two", 1.5])
def test_a_number_that_is_none_is_refused(trained: object) -> None:
    with pytest.raises(SettingsError, match="trained"):
        ImageSettings.parse({"trained": trained}, "options")
