"""WebDataset: tar files in which the files of one sample share their name up to the first dot.

Names with further dots are read in both ways that are in use: '0001.front.jpg' is an image of the sample
'0001' where there is a '0001.json' or so, and '1.5kg.jpg' the sample '1.5kg' where nothing is named '1'.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mep3m.errors import FormatError, InputError
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.sources.base import Batch, Part
from mep3m.sources.cells import CellError, record_cell
from mep3m.sources.columns import ColumnMap
from mep3m.sources.delimited import Row
from mep3m.sources.encodings import decode_text
from mep3m.sources.images.archives import read_members
from mep3m.store.rejects import INGEST, Reject
from mep3m.store.walk import is_hidden, listed

IMAGES = frozenset({"jpg", "jpeg", "jfif", "jpe", "png", "gif", "webp", "bmp"})
TEXTS = frozenset({"txt", "text", "cls"})
BATCH_SAMPLES = 256
MEMBER_LIMIT = 64 * 2**20
#: files with one name up to the first dot that are held together
RUN_FILES = 32
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
    missing: tuple[str, ...] = ()

    def files(self) -> list[Path]:
        """Return the tar files, sorted by name.

        Raises:
            InputError: there are none.
        """
        archives = [self.path]
        if self.path.is_dir():
            archives = [path for path in listed(self.path) if path.suffix == ".tar"]
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
        mapping = ColumnMap(columns, self.name, part.file, self.missing)
        names = columns.names()
        rows: list[Row] = []
        contents: list[bytes | None] = []
        try:
            for number, sample in enumerate(samples(path), start=1):
                rows.append(_row(number, sample, columns))
                image = image_kind(sample)
                contents.append(sample[image] if image else None)
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
    """Yield the files of each sample by what follows its name, and the name under `__key__`."""
    run: list[tuple[str, bytes]] = []
    for name, content in read_members(path, MEMBER_LIMIT):
        if is_hidden(name):
            continue
        if (run and _key(run[0][0]) != _key(name)) or (
            len(run) >= RUN_FILES and _stem(name) != _stem(run[-1][0])
        ):
            yield from split_run(run)
            run = []
        run.append((name, content))
    if run:
        yield from split_run(run)


def split_run(run: list[tuple[str, bytes]]) -> list[dict[str, bytes]]:
    """Return the samples of files that follow each other and share their name up to the first dot."""
    key, stems = _key(run[0][0]), [_stem(name) for name, _ in run]
    images = {stem for stem, (name, _) in zip(stems, run, strict=True) if _ending(name) in IMAGES}
    apart = len(run) > 1 and key not in stems and set(stems) == images
    grouped: dict[str, dict[str, bytes]] = {}
    for stem, (name, content) in zip(stems, run, strict=True):
        own = stem if apart else key
        sample = grouped.setdefault(own, {KEY: own.encode()})
        sample.setdefault(name[len(own) + 1 :].lower(), content)
    return list(grouped.values())


def _key(name: str) -> str:
    folder, _, base = name.rpartition("/")
    stem = base.partition(".")[0]
    return f"{folder}/{stem}" if folder else stem


def _stem(name: str) -> str:
    """Return a name without its last ending."""
    head, dot, _ = name.rpartition(".")
    return head if dot and "/" not in name[len(head) :] else name


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower()


def image_kind(sample: dict[str, bytes]) -> str | None:
    """Return which of a sample's files is its image: one named like the sample, else the first image."""
    kinds = [kind for kind in sample if _ending(kind) in IMAGES]
    return next((kind for kind in kinds if kind in IMAGES), kinds[0] if kinds else None)


def _row(number: int, sample: dict[str, bytes], columns: Columns) -> Row:
    value: Any = {}
    text = sample.get("json")
    if text is not None:
        try:
            value = orjson.loads(decode_text(text))
        except (orjson.JSONDecodeError, UnicodeDecodeError) as error:
            return Row(
                number, [], f"the sample's .json is not JSON: {error}", text.decode("utf-8", "replace")
            )
        if not isinstance(value, dict):
            return Row(number, [], "the sample's .json is not an object", text.decode("utf-8", "replace"))
    for kind in (KEY, *TEXTS & sample.keys()):
        try:
            value.setdefault(kind, decode_text(sample[kind]).strip())
        except UnicodeDecodeError:
            return Row(number, [], f"the sample's .{kind} is not UTF-8")
    image = image_kind(sample)
    value[IMAGE] = f"{value[KEY]}.{image}" if image else None
    try:
        return Row(number, [record_cell(value, name, columns) for name in columns.names()])
    except CellError as error:
        return Row(number, [], str(error))


def open_webdataset(entry: SourceEntry, path: Path) -> WebDatasetSource:
    """Return the samples of a project's `[[sources]]` entry."""
    columns = entry.columns
    if not columns.names():
        columns = Columns(title=TEXT, labels=(CLASS,))
    return WebDatasetSource(path, entry.name, columns, entry.missing)
