"""RapidOCR's PP-OCR networks, which come in its wheel: DB detection and CTC recognition.

The networks, the decoding of their outputs and the cutting of lines are rapidocr's; how images are
scaled and how lines are padded is decided here, because that is where the time goes.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mep3m.errors import MissingExtraError, require
from mep3m.imaging.decode import Pixels
from mep3m.settings.ocr import Engine, OcrSettings
from mep3m.stages.ocr.backends import content_of, versions
from mep3m.stages.ocr.detector import STRIP_SQUARES, detector_scale
from mep3m.stages.ocr.lines import TextLine

Tensor = NDArray[np.float32]
#: both sides of the detector's input are multiples of this, in pixels
_STRIDE = 32
#: height of a line for the recogniser, and the step of its width, in pixels. Padding on the right
#: matters: widths cut to 32 lose half a point of F1 against 64 (docs/log/ocr.md)
_LINE_HEIGHT, _LINE_STEP = 48, 64
#: lines of one image; rapidocr takes 1,000, and a strip is as large as several images
_MOST_LINES = 1000 * STRIP_SQUARES
#: the confidence below which a line that runs up or down is read from its other end, and from which that
#: counts: on 436 shop pictures right ones have .89 or more, wrong ones .78 or less (docs/log/ocr.md)
_QUARTER_SURE = 0.85
#: input of the network that tells upright lines from those that stand on their head
_UPRIGHT_SIZE, _UPRIGHT_SURE = (48, 192), 0.9


class RapidBackend:
    """Reads with PP-OCR networks through OpenVINO or onnxruntime."""

    def __init__(self, settings: OcrSettings) -> None:
        package = Path(require("rapidocr", "ocr").__file__ or "").parent
        self._cv2: Any = require("cv2", "ocr")
        crops = importlib.import_module("rapidocr.utils.process_img")
        detection = importlib.import_module("rapidocr.ch_ppocr_det.utils")
        recognition = importlib.import_module("rapidocr.ch_ppocr_rec.utils")
        self.settings = settings
        self._detect = open_network(_model(package, "det"), settings.engine)
        self._recognise = open_network(_model(package, "rec"), settings.engine)
        self._upright = open_network(_model(package, "cls"), settings.engine) if settings.upright else None
        self._boxes: Any = detection.DBPostProcess(0.3, 0.5, _MOST_LINES, 1.6, "fast", use_dilation=True)
        self._decode: Any = recognition.CTCLabelDecode(character=characters(_model(package, "rec")))
        self._cut: Any = crops.get_rotate_crop_image

    @classmethod
    def version(cls, settings: OcrSettings) -> str:
        """Return the versions of rapidocr and of what computes, and the networks in the wheel."""
        package = Path(require("rapidocr", "ocr").__file__ or "").parent
        tasks = ("det", "rec", "cls") if settings.upright else ("det", "rec")
        files = [_model(package, task) for task in tasks]
        return f"{versions('rapidocr', settings.engine)} {content_of(files)}"

    def read(self, images: Sequence[Pixels]) -> list[list[TextLine]]:
        """Return the lines of each image; see `Backend.read`."""
        return [self._read(image) for image in images]

    def _read(self, image: Pixels) -> list[TextLine]:
        """Read one image of shape (H, W, 3), RGB; the networks want BGR."""
        image = np.ascontiguousarray(image[:, :, ::-1])
        height, width = image.shape[:2]
        probability = self._detect(self._scaled(image))
        boxes, _ = self._boxes(probability, (height, width))
        lines = []
        for box in np.asarray(boxes, dtype=np.float32).reshape(-1, 4, 2):
            text, confidence = self._text(self._turned(self._cut(image, box)), box)
            if text.strip():
                polygon = tuple((float(x), float(y)) for x, y in box)
                lines.append(TextLine(polygon, text, confidence))
        return lines

    def _scaled(self, image: Pixels) -> Tensor:
        """Return the detector's input, (1, 3, h, w) in [-1, 1]; see `detector_size`."""
        height, width = detector_size(image.shape[0], image.shape[1], self.settings)
        return _planes(self._cv2.resize(image, (width, height)))

    def _text(self, crop: Pixels, box: Tensor) -> tuple[str, float]:
        """Recognise the text of a box, (4, 2); one of 1.5 and more was laid down, maybe on its head."""
        text, confidence = self._line(crop)
        width, height = np.ptp(box, axis=0)
        if height >= 1.5 * width and confidence < _QUARTER_SURE:
            other = self._line(np.ascontiguousarray(crop[::-1, ::-1]))
            if other[1] >= _QUARTER_SURE:
                return other
        return text, confidence

    def _line(self, crop: Pixels) -> tuple[str, float]:
        """Recognise one line: scaled to the network's height, padded on the right."""
        height, width = crop.shape[:2]
        scaled = max(1, math.ceil(_LINE_HEIGHT * width / height))
        padded = math.ceil(scaled / _LINE_STEP) * _LINE_STEP
        tensor = np.zeros((1, 3, _LINE_HEIGHT, padded), np.float32)
        tensor[..., :scaled] = _planes(self._cv2.resize(crop, (scaled, _LINE_HEIGHT)))
        lines, _ = self._decode(self._recognise(tensor), False, wh_ratio_list=[1.0], max_wh_ratio=1.0)
        text, confidence = lines[0]
        return text, float(confidence)

    def _turned(self, crop: Pixels) -> Pixels:
        """Turn a line that stands on its head, when the settings ask for it and the network is sure."""
        if self._upright is None:
            return crop
        height, width = _UPRIGHT_SIZE
        scaled = min(width, max(1, math.ceil(height * crop.shape[1] / crop.shape[0])))
        tensor = np.zeros((1, 3, height, width), np.float32)
        tensor[..., :scaled] = _planes(self._cv2.resize(crop, (scaled, height)))
        turned = self._upright(tensor)[0, 1] > _UPRIGHT_SURE
        return np.ascontiguousarray(crop[::-1, ::-1]) if turned else crop


def detector_size(height: int, width: int, settings: OcrSettings) -> tuple[int, int]:
    """Return the (height, width) at which the detector sees an image, multiples of 32; see `detector`."""
    scale = detector_scale(height, width, settings)
    return (
        max(_STRIDE, round(height * scale / _STRIDE) * _STRIDE),
        max(_STRIDE, round(width * scale / _STRIDE) * _STRIDE),
    )


def _planes(image: Pixels) -> Tensor:
    """Turn (h, w, 3) uint8 into (1, 3, h, w) float32 in [-1, 1]."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], dtype=np.float32) / 127.5 - 1.0


def _model(package: Path, task: str) -> Path:
    """Return the network for a task among those in rapidocr's wheel."""
    models = sorted((package / "models").glob(f"*_{task}_*.onnx"))
    if not models:
        raise MissingExtraError(
            f"this rapidocr has no '{task}' network in {package / 'models'}; "
            "install one that has: pip install 'mep3m[ocr]' --upgrade --force-reinstall"
        )
    return models[-1]


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
    # Without the last, OpenVINO binds its one thread to the first core: in every process, the same core.
    options = {
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "ENABLE_CPU_PINNING": False,
    }
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
