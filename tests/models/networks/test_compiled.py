"""The frozen pass through OpenVINO gives the vectors of PyTorch, for one view and for several."""

import pytest
import torch

from mep3m.errors import UsageError
from mep3m.models.networks.compiled import can_compile, compile_encoder
from mep3m.models.networks.image import image_encoder

pytest.importorskip("openvino", reason="the ocr extra is not installed")


@pytest.mark.parametrize("pooling", ["last", "stages", "blocks"])
@pytest.mark.parametrize("views", [1, 2])
def test_the_same_vectors_as_pytorch(pooling: str, views: int) -> None:
    torch.manual_seed(0)
    encoder = image_encoder("tf_efficientnet_lite0", 64, pooling=pooling).eval()  # type: ignore[arg-type]
    encoder.mirror = views > 1
    assert can_compile() != torch.cuda.is_available()
    sooner = compile_encoder(encoder, 64)
    for rows in (1, 5):
        shape = (rows, 3, 64, 64) if views == 1 else (rows, views, 3, 64, 64)
        pixels = torch.randn(shape)
        with torch.no_grad():
            expected = encoder(pixels)
        assert expected.shape == (rows, encoder.width)
        torch.testing.assert_close(sooner(pixels), expected, atol=1e-4, rtol=1e-3)


def test_one_compilation_serves_any_number_of_views() -> None:
    encoder = image_encoder("test_resnet", 32).eval()
    sooner = compile_encoder(encoder, 32)
    pixels = torch.randn(2, 3, 32, 32)
    for mirror in (True, False, True):
        encoder.mirror = mirror
        with torch.no_grad():
            torch.testing.assert_close(sooner(pixels), encoder(pixels), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(
    ("pooling", "name"), [("stages", "tf_efficientnet_lite0"), ("blocks", "test_resnet")]
)
def test_where_timm_tells_no_blocks_apart_they_are_the_stages(pooling: str, name: str) -> None:
    blocks, other = (image_encoder(name, 32, pooling=how).width for how in ("blocks", pooling))  # type: ignore[arg-type]
    stages = image_encoder(name, 32, pooling="stages").width
    assert other == stages
    assert (blocks > stages) == (name == "tf_efficientnet_lite0")


def test_stages_stand_beside_the_last_vector() -> None:
    torch.manual_seed(0)
    last, stages = (image_encoder("test_resnet", 32, pooling=how).eval() for how in ("last", "stages"))  # type: ignore[arg-type]
    stages.network.load_state_dict(last.network.state_dict())
    pixels = torch.randn(3, 3, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(stages(pixels)[:, -last.width :], last(pixels))
    assert stages.width > last.width


@pytest.mark.parametrize("pooling", ["stages", "blocks"])
@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg16"])
def test_a_network_of_one_vector_says_so(name: str, pooling: str) -> None:
    with pytest.raises(UsageError, match=f"{name} gives its last vector only, not pooling = {pooling}"):
        image_encoder(name, 32, pooling=pooling)  # type: ignore[arg-type]
