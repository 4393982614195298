"""Takes the images of a batch into the store: found, looked at, stored by content, noted in the row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pyarrow as pa

from mep3m.errors import FormatError
from mep3m.imaging.examine import examine
from mep3m.product import PRODUCT_SCHEMA
from mep3m.settings.sources import FetchSettings, ImageLimits
from mep3m.sources.base import Batch
from mep3m.sources.images.archives import candidates, find_archives, is_archive, wanted_members
from mep3m.store.filesystem import inside
from mep3m.store.images import ContentImages
from mep3m.store.rejects import image_reject
from mep3m.store.walk import listed

STAGE = "images"
COLUMNS = ("image", "image_width", "image_height", "image_format")
#: what a row's image came to: its bytes, or why there are none
Found = bytes | FormatError


@dataclass(frozen=True)
class Intake:
    """Where one source's images are, and what they may be.

    `root` is the folder below which references lie, an archive, or a folder of archives.
    """

    store: Path
    root: Path | None = None
    limits: ImageLimits = field(default_factory=ImageLimits)
    fetch: FetchSettings = field(default_factory=FetchSettings)

    @property
    def idle(self) -> bool:
        """Whether references stay what they are, for a later run."""
        return self.root is None and not self.fetch.enabled

    def take(self, batch: Batch) -> Batch:
        """Return the batch with the image columns filled, and a reject for each image that failed.

        A reference that cannot be followed yet (no root, fetching not enabled) stays without either:
        it is waiting.
        """
        if batch.contents is None and self.idle:
            return batch
        table = batch.products
        references: list[str | None] = table["image_ref"].to_pylist()
        columns = {name: table[name].to_pylist() for name in COLUMNS}
        rejects = list(batch.rejects)
        for row, content in self._find(references, batch.contents):
            try:
                self._note(row, content, columns)
            except FormatError as error:
                product = table.slice(row, 1).to_pylist()[0]
                rejects.append(image_reject(STAGE, product, str(error), by="image_ref"))
        for name in COLUMNS:
            index = PRODUCT_SCHEMA.get_field_index(name)
            values = pa.array(columns[name], PRODUCT_SCHEMA.field(name).type)
            table = table.set_column(index, PRODUCT_SCHEMA.field(name), values)
        return Batch(table, rejects)

    def _note(self, row: int, content: Found, columns: dict[str, list[Any]]) -> None:
        if isinstance(content, FormatError):
            raise content
        facts = examine(content, self.limits)
        key = ContentImages(self.store).put(content)
        for name, value in zip(COLUMNS, (key, *facts), strict=True):
            columns[name][row] = value

    def _find(
        self, references: Sequence[str | None], contents: Sequence[bytes | None] | None
    ) -> Iterator[tuple[int, Found]]:
        """Yield (row, bytes or problem) for every row whose image can be looked for."""
        files: dict[str, list[int]] = defaultdict(list)
        urls: dict[str, list[int]] = defaultdict(list)
        for row, reference in enumerate(references):
            content = contents[row] if contents is not None else None
            if content is not None:
                yield row, content
            elif reference is not None and is_url(reference):
                urls["https:" + reference if reference.startswith("//") else reference].append(row)
            elif reference is not None:
                files[reference].append(row)
        if self.root is not None:
            yield from _rows_of(files, self._from_files(list(files)))
        if self.fetch.enabled and urls:
            from mep3m.sources.fetch.client import fetch_images

            yield from _rows_of(urls, fetch_images(list(urls), self.fetch, self.limits, self.store))

    def _from_files(self, references: list[str]) -> Iterator[tuple[str, Found]]:
        root = self.root
        if root is None:
            return
        archives = find_archives(root) if root.exists() else []
        if archives and (is_archive(root) or not any(path.is_dir() for path in listed(root))):
            beside = _loose_files(root)
            yield from self._from_archives([name for name in references if name not in beside], archives)
            references = [name for name in references if name in beside]
        for reference in references:
            yield reference, self._from_folder(root, reference)

    def _from_folder(self, root: Path, reference: str) -> Found:
        try:
            path = inside(root, reference)
            if not path.exists() and not reference.isascii():
                path = inside(root, str(same_name(root, path).relative_to(root)))
            size = path.stat().st_size
            if size > self.limits.max_bytes:
                return FormatError(
                    f"the image has {size:,} bytes, at most {self.limits.max_bytes:,} are allowed"
                )
            return path.read_bytes()
        except FormatError as error:
            return error
        except FileNotFoundError:
            return FormatError(f"no such image file under {root.name}/")
        except (OSError, ValueError) as error:
            return FormatError(f"the image file cannot be read: {getattr(error, 'strerror', None) or error}")

    def _from_archives(self, references: list[str], archives: list[Path]) -> Iterator[tuple[str, Found]]:
        waiting: dict[Path, list[str]] = defaultdict(list)
        for reference in references:
            for archive in candidates(archives, reference):
                waiting[archive].append(reference)
        done: set[str] = set()
        problems: dict[str, FormatError] = {}
        for archive in archives:
            wanted = [reference for reference in waiting[archive] if reference not in done]
            try:
                for reference, content in (
                    wanted_members(archive, wanted, self.limits.max_bytes) if wanted else ()
                ):
                    done.add(reference)
                    yield reference, content
            except FormatError as error:
                problems.update(dict.fromkeys(wanted, error))
        for reference in references:
            if reference not in done:
                yield reference, problems.get(reference, FormatError("no archive holds this image"))


def _loose_files(root: Path) -> frozenset[str]:
    """Return the names of the files that lie beside the archives of a folder; none for an archive alone."""
    if root.is_file():
        return frozenset()
    return frozenset(path.name for path in root.iterdir() if path.is_file() and not is_archive(path))


def same_name(root: Path, path: Path) -> Path:
    """Return the file of a path below `root` whose accents may be decomposed, as macOS writes them."""
    here = root
    for step in path.relative_to(root).parts:
        exact = here / step
        if not exact.exists() and here.is_dir():
            exact = here / _composed_names(here, here.stat().st_mtime_ns).get(normalize("NFC", step), step)
        here = exact
    return here


@lru_cache(maxsize=16)
def _composed_names(folder: Path, changed: int) -> dict[str, str]:
    """Return the names in a folder by their composed form; `changed` is when the folder last did."""
    return {normalize("NFC", one.name): one.name for one in folder.iterdir()}


def is_url(reference: str) -> bool:
    """Whether an image reference is an address on the web."""
    return reference.startswith(("http://", "https://", "//"))


def _rows_of(
    rows: dict[str, list[int]], contents: Iterator[tuple[str, Found]]
) -> Iterator[tuple[int, Found]]:
    for reference, content in contents:
        for row in rows[reference]:
            yield row, content
