"""RapidOCR: PP-OCR detector and recogniser as ONNX models that come in the package's wheel."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from mep3m.errors import require
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.lines import Line
from mep3m.stages.ocr.load import Pixels


class RapidBackend:
    """Reads with rapidocr, one thread: the pool brings the parallelism."""

    def __init__(self, settings: OcrSettings) -> None:
        require("onnxruntime", "ocr")
        rapidocr = require("rapidocr", "ocr")
        logging.getLogger("RapidOCR").setLevel(logging.ERROR)
        self.settings = settings
        self._engine: Any = rapidocr.RapidOCR(
            params={
                "Global.log_level": "error",
                "Global.use_cls": settings.upright,
                "Global.text_score": 0.0,
                "Det.limit_side_len": settings.detector_side,
                "Det.limit_type": "max",
                "EngineConfig.onnxruntime.intra_op_num_threads": 1,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def read(self, images: Sequence[Pixels]) -> list[list[Line]]:
        """Return the lines of each image; see `Backend.read`."""
        return [self._read(image) for image in images]

    def _read(self, image: Pixels) -> list[Line]:
        """Read one image of shape (H, W, 3), RGB; the models want BGR."""
        found = self._engine(image[:, :, ::-1].copy())
        if not found.txts:
            return []
        rows = zip(found.boxes.tolist(), found.txts, found.scores, strict=True)
        return [Line(tuple((x, y) for x, y in box), text, float(score)) for box, text, score in rows]
