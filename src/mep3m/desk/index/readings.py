"""Which lines of a picture are selling talk, from the readings that OCR keeps beside the pictures."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Any

import orjson

from mep3m.desk.folder import DeskFolder
from mep3m.desk.shown import ShownLine
from mep3m.errors import Mep3mError
from mep3m.product import Product
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.lines import TextLine, joined
from mep3m.stages.ocr.promotion import PROMOTIONAL
from mep3m.stages.ocr.read import finish
from mep3m.stages.ocr.stage import default_cache
from mep3m.store.layout import Layout
from mep3m.store.ledger import find_stores
from mep3m.store.store import read_plan


class Readings:
    """Lines of the pictures of a folder's store; where they were not kept, none."""

    def __init__(self, folder: DeskFolder) -> None:
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        settings = _ocr_settings(folder)
        if settings is None or folder.store is None:
            return
        path = default_cache(folder.store)
        try:
            self._reader = str(settings["reader"])
            own = {name: settings[name] for name in OcrSettings.model_fields if name in settings}
            self._settings = OcrSettings.model_validate(own)
            if path.exists():
                self._connection = sqlite3.connect(_read_only(path), uri=True, check_same_thread=False)
        except (sqlite3.Error, ValueError, KeyError):
            self._connection = None

    def lines(self, product: Product) -> list[ShownLine]:
        """Return the lines of a product's picture, if they are what its OCR text was made of."""
        if self._connection is None or product.image is None or not product.ocr:
            return []
        query = "SELECT lines FROM readings WHERE image = ? AND reader = ?"
        try:
            with self._lock:
                row = self._connection.execute(query, (product.image, self._reader)).fetchone()
            read = [TextLine.from_dict(line) for line in orjson.loads(row[0])] if row else []
        except (sqlite3.Error, ValueError, KeyError, TypeError):
            return []
        lines = finish(read, self._settings)
        if joined(lines) != product.ocr:
            return []
        return [ShownLine(line.text, (line.promotional or 0.0) >= PROMOTIONAL) for line in lines]

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()


def _ocr_settings(folder: DeskFolder) -> dict[str, Any] | None:
    """Return the settings of the step that read the pictures."""
    if folder.store is None:
        return None
    try:
        plans = [read_plan(store) for store in find_stores(folder.path) if Layout(store).finished]
    except Mep3mError:
        return None
    return next((plan["settings"] for plan in plans if plan["step"] == "ocr"), None)


def _read_only(path: Path) -> str:
    return f"{path.absolute().as_uri()}?mode=ro"
