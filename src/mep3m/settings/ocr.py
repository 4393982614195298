"""Settings of the OCR stage: which reader, how it reads, what keeps a run safe."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from mep3m.errors import did_you_mean
from mep3m.settings.base import MAX_PIXELS, Settings

#: name -> "module:class" (`stages.ocr.backends.Backend`); to add a reader, add its file and a line here
BACKENDS: dict[str, str] = {
    "rapidocr": "mep3m.stages.ocr.rapid:RapidBackend",
    "easyocr": "mep3m.stages.ocr.easy:EasyBackend",
    "tesseract": "mep3m.stages.ocr.tesseract:TesseractBackend",
    "none": "mep3m.stages.ocr.backends:NoBackend",
}
Engine = Literal["openvino", "onnxruntime"]
Clean = Literal["paper", "spaces", "none"]


class OcrSettings(Settings):
    """What decides the text that is read. Anything here is part of the fingerprint of a reading.

    Attributes:
        backend: rapidocr (its models are in its wheel), easyocr (CRAFT + CRNN, the paper's pair),
            tesseract (the Debian package), or none.
        engine: what computes rapidocr's networks.
        detector_side: longest side, in pixels, that the text detector sees; larger images are shrunk
            for detection only, recognition always cuts its lines from the full image.
        detector_min_side: smaller images are enlarged to this longest side for detection.
        upright: also recognise lines that stand on their head (a third small network per line).
        min_confidence: lines below this recognition confidence are dropped, in [0, 1].
        single_confidence: lines of a single letter, digit or character are dropped below this, in [0, 1]:
            readers see letters in drawn shapes, and are seldom this sure of them (decision 080).
        clean: `paper` keeps simplified Chinese, Latin letters, digits and ASCII signs (§3.1);
            `spaces` only evens out white space; `none` keeps the reader's text as it is.
        weights: folder with EasyOCR's weight files; without it EasyOCR downloads them.
    """

    backend: str = "rapidocr"
    engine: Engine = "openvino"
    detector_side: int = Field(default=608, ge=64, le=4096)
    detector_min_side: int = Field(default=352, ge=32, le=4096)
    upright: bool = False
    min_confidence: float = Field(default=0.5, ge=0, le=1)
    single_confidence: float = Field(default=0.95, ge=0, le=1)
    clean: Clean = "paper"
    weights: Path | None = None

    @field_validator("backend")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in BACKENDS:
            raise ValueError(f"no reader has this name{did_you_mean(name, BACKENDS)}")
        return name


class PoolSettings(Settings):
    """What keeps a run of millions of images alive. Nothing here changes what is read.

    Attributes:
        workers: processes; 0 means one for each CPU that this process may use.
        seconds_per_image: an image that takes longer is given up; its process is killed.
        images_per_process: a process is replaced after this many images.
        process_memory_mb: a process is replaced when its resident memory passes this, in MiB.
        group: images that travel to a process together.
        max_megapixels: larger images are refused before they are decoded.
    """

    workers: int = Field(default=0, ge=0, le=1024)
    seconds_per_image: float = Field(default=30.0, gt=0)
    images_per_process: int = Field(default=5000, ge=1)
    process_memory_mb: int = Field(default=1500, ge=64)
    group: int = Field(default=8, ge=1, le=1024)
    max_megapixels: float = Field(default=MAX_PIXELS / 1e6, gt=0)
