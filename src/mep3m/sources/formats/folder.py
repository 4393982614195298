"""A folder of images whose sub-folders are the categories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mep3m.errors import InputError
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.sources.base import Batch, Part
from mep3m.sources.columns import PATH_MARK, ColumnMap
from mep3m.sources.delimited import Row
from mep3m.store.filesystem import as_text

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp"})
PART_IMAGES = 500


@dataclass(frozen=True)
class FolderSource:
    """Every image below a folder is a product; the folders on the way to it are its category path."""

    root: Path
    name: str

    @cached_property
    def images(self) -> list[Path]:
        """The image files, sorted by their path below the root.

        Raises:
            InputError: there are none.
        """
        images = [path for path in self.root.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()]
        if not images:
            raise InputError(f"{self.root} holds no images (endings: {', '.join(sorted(SUFFIXES))})")
        return sorted(images, key=lambda path: path.relative_to(self.root).as_posix())

    def files(self) -> list[Path]:
        """Return the image files."""
        return self.images

    def parts(self) -> list[Part]:
        """Return runs of images."""
        count = len(self.images)
        starts = range(0, count, PART_IMAGES)
        return [Part(self.root.name, i, min(i + PART_IMAGES, count), i + 1) for i in starts]

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield the products of one part with the bytes of their images."""
        rows, contents = [], []
        for index in range(part.start, part.stop):
            path = self.images[index]
            relative = path.relative_to(self.root)
            place = as_text(relative.as_posix())
            rows.append(
                Row(index + 1, [place, place, PATH_MARK.join(as_text(part) for part in relative.parts[:-1])])
            )
            contents.append(path.read_bytes())
        columns = Columns(id="id", image="image", path="path", separator=PATH_MARK)
        yield ColumnMap(columns, self.name, self.root.name).batch(rows, ("id", "image", "path"), contents)


def open_folder(entry: SourceEntry, path: Path) -> FolderSource:
    """Return the folder of a project's `[[sources]]` entry."""
    return FolderSource(path, entry.name)
