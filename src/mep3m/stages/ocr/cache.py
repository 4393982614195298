"""What was read is kept by image content, so an image seen twice is read once, in any run."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from mep3m.database import connect
from mep3m.errors import StoreError, UsageError
from mep3m.settings.ocr import OcrSettings
from mep3m.stages.ocr.backends import backend_class
from mep3m.stages.ocr.lines import TextLine
from mep3m.store.json_files import fingerprint

#: settings applied after reading: changing them costs no new reading
_AFTER_READING = {"clean", "min_confidence", "single_confidence"}
#: raised when our own part of reading changes the text of any picture: 2 since strips, lines that run upwards
#: and light ink on transparency are read
_OWN_PART = 2


def reader_fingerprint(settings: OcrSettings) -> str:
    """Return 16 hex digits that change when the same image might be read differently."""
    values = settings.model_dump(mode="json", exclude=_AFTER_READING)
    values["own_part"] = _OWN_PART
    try:
        values["version"] = backend_class(settings.backend).version(settings)
    except UsageError:  # what it lacks is said when it is to read
        values["version"] = "missing"
    return fingerprint(values)


class ReadingCache:
    """Lines by (SHA-256 of the image, fingerprint of the reader) in one SQLite file.

    Safe against `kill -9` (write-ahead log) and for several processes of one machine at once.
    """

    def __init__(self, path: Path, settings: OcrSettings) -> None:
        self.path = path
        self.reader = reader_fingerprint(settings)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = connect(path, "NORMAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS readings "
                "(image TEXT, reader TEXT, lines BLOB, PRIMARY KEY (image, reader)) WITHOUT ROWID"
            )
        except sqlite3.DatabaseError as error:
            raise StoreError(
                f"{path} is not a cache of readings ({error}); delete it or name another"
            ) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def get(self, image: str) -> list[TextLine] | None:
        """Return the lines of an image, or `None` when it has not been read with these settings."""
        query = "SELECT lines FROM readings WHERE image = ? AND reader = ?"
        row = self._db.execute(query, (image, self.reader)).fetchone()
        return [TextLine.from_dict(line) for line in orjson.loads(row[0])] if row else None

    def put(self, image: str, lines: Iterable[TextLine]) -> None:
        """Keep the lines of an image; on return a killed process no longer loses them."""
        packed = orjson.dumps([line.to_dict() for line in lines])
        self._db.execute("INSERT OR REPLACE INTO readings VALUES (?, ?, ?)", (image, self.reader, packed))
