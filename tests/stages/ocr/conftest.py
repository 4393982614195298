import hashlib
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """EasyOCR's networks with random weights."""
    pytest.importorskip("easyocr", reason="easyocr is not installed")
    import torch
    from easyocr.config import detection_models, recognition_models
    from easyocr.craft import CRAFT
    from easyocr.model.vgg_model import Model

    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(0)
    recogniser = recognition_models["gen2"]["zh_sim_g2"]
    detector = CRAFT(pretrained=False)
    torch.nn.init.zeros_(detector.conv_cls[-1].weight)
    detector.conv_cls[-1].bias.data = torch.tensor([1.0, 0.0])  # text everywhere, no links: one box
    networks = {
        "craft_mlt_25k.pth": (detector, detection_models["craft"]),
        "zh_sim_g2.pth": (Model(1, 256, 256, len(recogniser["characters"]) + 1), recogniser),
    }
    for name, (network, entry) in networks.items():
        torch.save({f"module.{key}": value for key, value in network.state_dict().items()}, folder / name)
        entry["md5sum"] = hashlib.md5((folder / name).read_bytes()).hexdigest()
    return folder
