"""Readers by name. To add one: write a module with a class as below, and one line in `BACKENDS`."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol

from mep3m.errors import UsageError, did_you_mean
from mep3m.imaging.decode import Pixels
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.lines import TextLine


class Backend(Protocol):
    """Detects and recognises the text of images; built once a process from the settings alone."""

    def __init__(self, settings: OcrSettings) -> None: ...

    def read(self, images: Sequence[Pixels]) -> list[list[TextLine]]:
        """Return the lines of each image, uncleaned, in any order.

        What is read in an image does not depend on the other images of the call.

        Args:
            images: RGB pixels, each of shape (H, W, 3), uint8.
        """
        ...


#: name -> (module, class)
BACKENDS: dict[str, tuple[str, str]] = {
    "rapidocr": ("mep3m.stages.ocr.rapid", "RapidBackend"),
    "easyocr": ("mep3m.stages.ocr.easy", "EasyBackend"),
    "tesseract": ("mep3m.stages.ocr.tesseract", "TesseractBackend"),
    "none": ("mep3m.stages.ocr.backends", "NoBackend"),
}


class NoBackend:
    """Reads nothing: for runs that want the stage's bookkeeping without text."""

    def __init__(self, settings: OcrSettings) -> None:
        self.settings = settings

    def read(self, images: Sequence[Pixels]) -> list[list[TextLine]]:
        """Return no lines for every image."""
        return [[] for _ in images]


def build(settings: OcrSettings) -> Backend:
    """Load the backend that the settings name.

    Raises:
        UsageError: no backend has this name.
        MissingExtraError: its package is not installed; the message is the install command.
    """
    if settings.backend not in BACKENDS:
        raise UsageError(f"no OCR backend '{settings.backend}'{did_you_mean(settings.backend, BACKENDS)}")
    module, name = BACKENDS[settings.backend]
    backend: Backend = getattr(importlib.import_module(module), name)(settings)
    return backend
