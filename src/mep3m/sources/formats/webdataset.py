"""WebDataset: tar files in which the files of one sample share their name up to the first dot."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mep3m.errors import FormatError, InputError
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.sources.base import Batch, Part
from mep3m.sources.columns import PATH_MARK, ColumnMap
from mep3m.sources.delimited import Row, cell_text
from mep3m.sources.images.archives import read_members
from mep3m.store.rejects import INGEST, Reject

IMAGES = frozenset({"jpg", "jpeg", "png", "gif", "webp", "bmp"})
TEXTS = frozenset({"txt", "text", "cls"})
BATCH_SAMPLES = 256
MEMBER_LIMIT = 64 * 2**20
#: names under which a sample's own parts can be mapped
KEY, TEXT, CLASS, IMAGE = "__key__", "txt", "cls", "__image__"


@dataclass(frozen=True)
class WebDatasetSource:
    """One tar file or a folder of them; a part is a tar file.

    The column map names keys of the sample's `.json`, and `__key__`, `txt` or `cls` for its other files.
    Without a map the title is the `txt` file or `title` in the JSON, the category the `cls` file.
    """

    path: Path
    name: str
    columns: Columns

    def files(self) -> list[Path]:
        """Return the tar files, sorted by name.

        Raises:
            InputError: there are none.
        """
        archives = sorted(self.path.glob("*.tar")) if self.path.is_dir() else [self.path]
        if not archives:
            raise InputError(f"{self.path} holds no .tar files")
        return archives

    def parts(self) -> list[Part]:
        """Return one part a tar file."""
        return [Part(path.name) for path in self.files()]

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield the products of one tar file with the bytes of their images."""
        path = next(path for path in self.files() if path.name == part.file)
        columns = self.columns.model_copy(update={"id": self.columns.id or KEY, "image": IMAGE})
        mapping = ColumnMap(columns, self.name, part.file)
        names = columns.names()
        rows: list[Row] = []
        contents: list[bytes | None] = []
        try:
            for number, sample in enumerate(samples(path), start=1):
                rows.append(_row(number, sample, names))
                contents.append(next((sample[kind] for kind in sample if kind in IMAGES), None))
                if len(rows) == BATCH_SAMPLES:
                    yield mapping.batch(rows, names, contents)
                    rows, contents = [], []
        except FormatError as error:
            if rows:
                yield mapping.batch(rows, names, contents)
            end = rows[-1].line + 1 if rows else 1
            broken = Reject(INGEST, self.name, str(error), file=part.file, line=end)
            yield Batch(mapping.batch([], names).products, [broken])
            return
        if rows:
            yield mapping.batch(rows, names, contents)


def samples(path: Path) -> Iterator[dict[str, bytes]]:
    """Yield the files of each sample by their ending, and its name under `__key__`."""
    current: dict[str, bytes] = {}
    for name, content in read_members(path, MEMBER_LIMIT):
        folder, _, base = name.rpartition("/")
        stem, _, kind = base.partition(".")
        key = f"{folder}/{stem}" if folder else stem
        if current and current[KEY] != key.encode():
            yield current
            current = {}
        current[KEY] = key.encode()
        current[kind.lower()] = content
    if current:
        yield current


def _row(number: int, sample: dict[str, bytes], names: list[str]) -> Row:
    value: Any = {}
    text = sample.get("json")
    if text is not None:
        try:
            value = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            return Row(
                number, [], f"the sample's .json is not JSON: {error}", text.decode("utf-8", "replace")
            )
        if not isinstance(value, dict):
            return Row(number, [], "the sample's .json is not an object", text.decode("utf-8", "replace"))
    for kind in (KEY, *TEXTS & sample.keys()):
        try:
            value.setdefault(kind, sample[kind].decode().strip())
        except UnicodeDecodeError:
            return Row(number, [], f"the sample's .{kind} is not UTF-8")
    image = next((kind for kind in sample if kind in IMAGES), None)
    value[IMAGE] = f"{value[KEY]}.{image}" if image else None
    cells = [cell_text(value.get(name), PATH_MARK) for name in names]
    if None in cells:
        return Row(number, [], f"'{names[cells.index(None)]}' is an object, not text")
    return Row(number, [cell or "" for cell in cells])


def open_webdataset(entry: SourceEntry, path: Path) -> WebDatasetSource:
    """Return the samples of a project's `[[sources]]` entry."""
    columns = entry.columns
    if not columns.names():
        columns = Columns(title=TEXT, labels=(CLASS,))
    return WebDatasetSource(path, entry.name, columns)
