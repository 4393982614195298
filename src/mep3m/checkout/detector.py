"""Finders of regions from a local file: the lane's own outlines, or a detection model of torchvision."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models import detection
from torchvision.ops import nms

from mep3m.checkout.counter import Finder
from mep3m.checkout.outlines import Outlines
from mep3m.checkout.regions import Region, products_mask
from mep3m.errors import ModelError, NotFoundError
from mep3m.imaging.decode import Pixels
from mep3m.models.pretrained.files import read_tensors

#: builders of torchvision whose weights are known by the names of their tensors
_KINDS = (
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_resnet50_fpn",
    "fasterrcnn_resnet50_fpn_v2",
)
#: the tensor that tells the number of kinds a detector was trained for
_CLASSES = "roi_heads.box_predictor.cls_score.weight"
#: the least score of a box, and the overlap (IoU) from which two are of one product
_LEAST, _SAME = 0.5, 0.5


def open_finder(path: Path) -> Finder:
    """Return the finder of a folder of `mep3m checkout train`, or of a weights file of torchvision.

    Raises:
        NotFoundError: there is nothing.
        ModelError: it is damaged or of no known network.
    """
    if not path.exists():
        raise NotFoundError(
            f"no detector at {path}; give a folder of 'mep3m checkout train', or a weights file"
        )
    return Outlines.load(path).find if path.is_dir() else BoxDetector(path).find


class BoxDetector:
    """A detection model of torchvision; what kinds it knows is not asked, only where something is."""

    def __init__(self, file: Path) -> None:
        """Build the network that the tensors of a file (.safetensors, .pth) belong to."""
        self.network = _network(read_tensors(file), file)

    def find(self, pixels: Pixels) -> list[Region]:
        """Return the regions of a picture (H, W, 3), the most certain first."""
        values = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1).float() / 255
        with torch.no_grad():
            made: dict[str, Tensor] = self.network([values])[0]
        sure = made["scores"] >= _LEAST
        boxes, scores = made["boxes"][sure], made["scores"][sure]
        mask = products_mask(pixels)
        regions = [_region(box, mask) for box in boxes[nms(boxes, scores, _SAME)].numpy()]
        return [region for region in regions if region is not None]


def _network(tensors: Mapping[str, Tensor], file: Path) -> nn.Module:
    classes = tensors[_CLASSES].shape[0] if _CLASSES in tensors else 0
    for kind in _KINDS if classes else ():
        network: nn.Module = getattr(detection, kind)(
            weights=None, weights_backbone=None, num_classes=classes
        )
        own = network.state_dict()
        if own.keys() == tensors.keys() and all(own[name].shape == tensors[name].shape for name in own):
            network.load_state_dict(tensors)
            return network.eval()
    raise ModelError(f"{file} holds none of torchvision's detectors that are read here: {', '.join(_KINDS)}")


def _region(box: np.ndarray, mask: np.ndarray) -> Region | None:
    """Return what is unlike the tray in a box, all of the box where nothing is."""
    left, top = np.floor(np.maximum(box[:2], 0)).astype(int)
    part = mask[top : int(np.ceil(box[3])), left : int(np.ceil(box[2]))]
    if not part.size:
        return None
    return Region((int(left), int(top)), part if part.any() else np.ones_like(part))
