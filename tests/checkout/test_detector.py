"""Detectors of torchvision from a file: the boxes are its own; other files are refused."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torchvision.models import detection

from mep3m.checkout.detector import BoxDetector, open_finder
from mep3m.errors import ModelError, NotFoundError

KIND = "fasterrcnn_mobilenet_v3_large_fpn"


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights of a detector of two kinds that has learned nothing."""
    torch.manual_seed(0)
    network = detection.fasterrcnn_mobilenet_v3_large_fpn(weights=None, weights_backbone=None, num_classes=2)
    # all it sees is a thing: the boxes are of any place, and sure
    network.roi_heads.box_predictor.cls_score.bias.data = torch.tensor([-5.0, 5.0])
    file = tmp_path_factory.mktemp("detector") / "boxes.safetensors"
    save_file(network.state_dict(), file)
    return file


def picture() -> np.ndarray:
    pixels = np.full((240, 320, 3), 210, np.uint8)
    pixels[60:120, 80:160] = (200, 20, 20)
    return pixels


def test_regions_are_the_detectors_boxes(weights: Path) -> None:
    found = BoxDetector(weights).find(picture())
    assert found
    for one in found:
        left, top, width, height = one.place
        assert 0 <= left < left + width <= 320
        assert 0 <= top < top + height <= 240
        assert one.mask.any()


def test_a_file_may_be_torchs_own_format(weights: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    torch.save(load_file(weights), tmp_path / "boxes.pth")
    again = [one.place for one in open_finder(tmp_path / "boxes.pth")(picture())]
    assert again == [one.place for one in open_finder(weights)(picture())]


def test_other_weights_are_refused(tmp_path: Path) -> None:
    save_file({"layer.weight": torch.zeros(3)}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=f"none of torchvision's detectors .*{KIND}"):
        open_finder(tmp_path / "x.safetensors")
    save_file({"roi_heads.box_predictor.cls_score.weight": torch.zeros(2, 4)}, tmp_path / "y.safetensors")
    with pytest.raises(ModelError, match="none of torchvision's detectors"):
        open_finder(tmp_path / "y.safetensors")


def test_damaged_and_missing_files_are_said(tmp_path: Path) -> None:
    (tmp_path / "x.pth").write_bytes(b"no weights")
    with pytest.raises(ModelError, match="not a readable weights file"):
        open_finder(tmp_path / "x.pth")
    with pytest.raises(NotFoundError, match="no detector at"):
        open_finder(tmp_path / "gone")
