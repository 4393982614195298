"""Image encoders through OpenVINO, where it is installed and there is no GPU: the same vectors, sooner."""

from __future__ import annotations

import sys
import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mep3m.errors import require
from mep3m.models.networks.image import ImageEncoder
from mep3m.models.networks.last_stages import Below


class _OneView(nn.Module):
    """What is compiled: an encoder that looks at each picture once."""

    def __init__(self, encoder: ImageEncoder | Below) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, pixels: Tensor) -> Tensor:
        return self.encoder.vector(pixels)


class CompiledEncoder:
    """Maps normalised pixels as its encoder does, in float32: (B, [V,] 3, S, S) to (B, width).

    It mirrors where the encoder does when it is called, so that one compilation serves any number of views.
    """

    def __init__(self, encoder: ImageEncoder | Below, compiled: Any) -> None:
        """Take an encoder, and one view of it as a compiled model of OpenVINO."""
        self.encoder, self.compiled = encoder, compiled

    def __call__(self, pixels: Tensor) -> Tensor:
        """Return the vectors of a batch."""
        return self.encoder.over_views(self._vector, pixels)

    def _vector(self, pixels: Tensor) -> Tensor:
        return torch.from_numpy(np.array(self.compiled(pixels.contiguous().numpy())[0]))


def can_compile() -> bool:
    """Tell whether OpenVINO is installed and work is done on the processor."""
    return find_spec("openvino") is not None and not torch.cuda.is_available()


def compile_encoder(encoder: ImageEncoder | Below, pixels: int) -> CompiledEncoder:
    """Compile an encoder for images of this side, with as many threads as PyTorch has."""
    # openvino's converter imports its telemetry package when it is there; without it, it uses a stub
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    openvino: Any = require("openvino", "ocr")
    blank = torch.zeros(1, 3, pixels, pixels)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        view = _OneView(encoder).eval()
        model = openvino.convert_model(view, example_input=blank, input=[-1, 3, pixels, pixels])
    options = {
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    return CompiledEncoder(encoder, openvino.Core().compile_model(model, "CPU", options))
