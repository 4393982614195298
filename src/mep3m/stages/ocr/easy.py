"""EasyOCR: CRAFT detection and CRNN recognition, the pair the paper itself used (§3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mep3m.errors import NotFoundError, require
from mep3m.imaging.decode import Pixels
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.backends import content_of, versions
from mep3m.stages.ocr.detector import detector_scale
from mep3m.stages.ocr.lines import TextLine

#: simplified Chinese and English, as §3.1 extracts
_LANGUAGES = ["ch_sim", "en"]


class EasyBackend:
    """Reads with EasyOCR, from a local folder of weights or from its own download."""

    def __init__(self, settings: OcrSettings) -> None:
        easyocr = require("easyocr", "easyocr")
        torch = require("torch", "train")
        torch.set_num_threads(1)  # the pool brings the parallelism
        if settings.weights is not None and not settings.weights.is_dir():
            raise NotFoundError(
                f"weights = {settings.weights} is not a folder; put EasyOCR's .pth files there"
            )
        self.settings = settings
        folder = str(settings.weights) if settings.weights is not None else None
        try:
            self._reader: Any = easyocr.Reader(
                _LANGUAGES,
                gpu=torch.cuda.is_available(),
                model_storage_directory=folder,
                download_enabled=folder is None,
                verbose=False,
            )
        except (OSError, FileNotFoundError) as error:
            raise NotFoundError(
                f"EasyOCR's weights cannot be had ({error}); put craft_mlt_25k.pth and zh_sim_g2.pth into a "
                "folder and name it with --weights, or choose another backend"
            ) from None

    @classmethod
    def version(cls, settings: OcrSettings) -> str:
        """Return the versions of easyocr and torch, and the weights of the folder that the settings name."""
        files = settings.weights.glob("*.pth") if settings.weights is not None else ()
        return f"{versions('easyocr', 'torch')} {content_of(files)}"

    def read(self, images: Sequence[Pixels]) -> list[list[TextLine]]:
        """Return the lines of each image; see `Backend.read`."""
        return [self._read(image) for image in images]

    def _read(self, image: Pixels) -> list[TextLine]:
        """Read one image of shape (H, W, 3), RGB; EasyOCR takes BGR arrays."""
        height, width = image.shape[:2]
        longest = round(max(height, width) * detector_scale(height, width, self.settings))
        lines = self._reader.readtext(
            image[:, :, ::-1].copy(), canvas_size=max(longest, self.settings.detector_side)
        )
        return [
            TextLine(tuple((float(x), float(y)) for x, y in box), text, float(score))
            for box, text, score in lines
        ]
