"""ONNX networks by engine name, one thread each: the process pool brings the parallelism."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.errors import require
from mep3m.settings.ocr import Engine

Tensor = NDArray[np.float32]
#: takes the network's one input, returns its first output
Network = Callable[[Tensor], Tensor]


def open_network(path: Path, engine: Engine) -> Network:
    """Load an ONNX file.

    OpenVINO computes in bfloat16 where the CPU has it in hardware (AMX, AVX512_BF16), else in
    float32; onnxruntime always in float32.

    Raises:
        MissingExtraError: the engine's package is not installed.
    """
    return _openvino(path) if engine == "openvino" else _onnxruntime(path)


def _openvino(path: Path) -> Network:
    # openvino's converter imports its telemetry package when it is there; without it, it uses a stub.
    # Nothing here phones home, so it is not there.
    sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    openvino: Any = require("openvino", "ocr")
    options = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.Core().compile_model(str(path), "CPU", options)
    request, output = compiled.create_infer_request(), compiled.output(0)
    return lambda tensor: np.array(request.infer({0: tensor}, share_inputs=True)[output], dtype=np.float32)


def _onnxruntime(path: Path) -> Network:
    onnxruntime: Any = require("onnxruntime", "ocr")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # the arena only ever grows, with every new image size
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda tensor: session.run(None, {name: tensor})[0]


def characters(path: Path) -> list[str]:
    """Return the alphabet that a recognition network was trained on, from the ONNX file's metadata."""
    onnxruntime: Any = require("onnxruntime", "ocr")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return str(session.get_modelmeta().custom_metadata_map["character"]).splitlines()
