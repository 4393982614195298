"""Tesseract through its command line (Debian: tesseract-ocr tesseract-ocr-chi-sim)."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from PIL import Image

from mep3m.errors import MissingExtraError
from mep3m.imaging.decode import Pixels
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.backends import content_of
from mep3m.stages.ocr.lines import TextLine

_INSTALL = "tesseract is not installed. Install it with: apt-get install tesseract-ocr tesseract-ocr-chi-sim"
_LANGUAGES = "chi_sim+eng"
#: sparse text, no fixed order: product images are not pages
_PAGE_MODE = "11"


class TesseractBackend:
    """Reads with the tesseract program, one process an image, one thread each."""

    def __init__(self, settings: OcrSettings) -> None:
        if not set(_LANGUAGES.split("+")) <= set(_said("--list-langs").split()):
            raise MissingExtraError(f"tesseract lacks {_LANGUAGES}. " + _INSTALL.split(". ", 1)[1])
        self.settings = settings

    @classmethod
    def version(cls, settings: OcrSettings) -> str:
        """Return the program's version with its libraries', and the data of the languages."""
        folder = re.search('"(.+)"', _said("--list-langs"))
        paths = [Path(folder[1]) / f"{name}.traineddata" for name in _LANGUAGES.split("+")] if folder else []
        return f"{_said('--version')} {content_of(path for path in paths if path.exists())}"

    def read(self, images: Sequence[Pixels]) -> list[list[TextLine]]:
        """Return the lines of each image; see `Backend.read`."""
        return [self._read(image) for image in images]

    def _read(self, image: Pixels) -> list[TextLine]:
        """Read one image of shape (H, W, 3)."""
        file = io.BytesIO()
        Image.fromarray(image).save(file, "PPM")
        command = ["tesseract", "-", "-", "-l", _LANGUAGES, "--psm", _PAGE_MODE, "--dpi", "96", "tsv"]
        done = subprocess.run(
            command,
            input=file.getvalue(),
            capture_output=True,
            check=False,
            env={**os.environ, "OMP_THREAD_LIMIT": "1"},
        )
        if done.returncode:
            raise RuntimeError(f"tesseract failed: {done.stderr.decode(errors='replace').strip()[:200]}")
        return self._lines(done.stdout.decode(errors="replace"))

    def _lines(self, table: str) -> list[TextLine]:
        """Join the words of tesseract's TSV table to lines; the confidence is the words' mean."""
        table_rows = csv.DictReader(io.StringIO(table), delimiter="\t", quoting=csv.QUOTE_NONE)
        words = [row for row in table_rows if row["level"] == "5" and row["text"].strip()]
        grouped = groupby(words, key=lambda row: (row["block_num"], row["par_num"], row["line_num"]))
        return [self._line(list(group)) for _, group in grouped]

    def _line(self, words: list[dict[str, str]]) -> TextLine:
        """Join words of one line; Chinese words stand without spaces between them."""
        text = ""
        for word in words:
            gap = " " if text and text[-1].isascii() and word["text"][0].isascii() else ""
            text += gap + word["text"]
        left, top = min(int(w["left"]) for w in words), min(int(w["top"]) for w in words)
        right = max(int(w["left"]) + int(w["width"]) for w in words)
        bottom = max(int(w["top"]) + int(w["height"]) for w in words)
        polygon = ((left, top), (right, top), (right, bottom), (left, bottom))
        return TextLine(polygon, text, sum(float(w["conf"]) for w in words) / len(words) / 100)


def _said(option: str) -> str:
    """Return what the program prints for an option.

    Raises:
        MissingExtraError: it is not installed.
    """
    if shutil.which("tesseract") is None:
        raise MissingExtraError(_INSTALL)
    return subprocess.run(["tesseract", option], capture_output=True, text=True, check=False).stdout
