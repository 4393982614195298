"""A folder of images whose sub-folders are the categories."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from unicodedata import normalize

from mep3m.errors import InputError
from mep3m.settings.sources import Columns, SourceEntry
from mep3m.sources.base import Batch, Part
from mep3m.sources.cells import PATH_MARK
from mep3m.sources.columns import ColumnMap
from mep3m.sources.delimited import Row
from mep3m.store.filesystem import as_text
from mep3m.store.walk import walk

SUFFIXES = frozenset({".jpg", ".jpeg", ".jfif", ".jpe", ".png", ".gif", ".webp", ".bmp"})
#: images that are not read; each is refused, none left out without a word
UNREAD = frozenset(
    {".tif", ".tiff", ".avif", ".heic", ".heif", ".jp2", ".jxl", ".svg", ".psd", ".raw", ".cr2", ".nef"}
)
PART_IMAGES = 500


@dataclass(frozen=True)
class FolderSource:
    """Every image below a folder is a product; the folders on the way to it are its category path.

    Names that begin with a dot and the folders that systems leave are no categories; a link to a folder is
    one where it stays below the root.
    """

    root: Path
    name: str
    missing: tuple[str, ...] = ()

    @cached_property
    def images(self) -> list[Path]:
        """The image files, those that are not read included, sorted by their path below the root.

        Raises:
            InputError: there are none that are read.
        """
        files = [
            path for path in walk(self.root) if path.is_dir() or path.suffix.lower() in SUFFIXES | UNREAD
        ]
        if not any(path.suffix.lower() in SUFFIXES for path in files):
            other = f", but {len(files)} that are not read ({files[0].name})" if files else ""
            raise InputError(f"{self.root} holds no images (endings: {', '.join(sorted(SUFFIXES))}){other}")
        return sorted(files, key=lambda path: path.relative_to(self.root).as_posix())

    def files(self) -> list[Path]:
        """Return the image files."""
        return [path for path in self.images if path.is_file()]

    def parts(self) -> list[Part]:
        """Return runs of images."""
        count = len(self.images)
        starts = range(0, count, PART_IMAGES)
        return [Part(self.root.name, i, min(i + PART_IMAGES, count), i + 1) for i in starts]

    def read(self, part: Part) -> Iterator[Batch]:
        """Yield the products of one part with the bytes of their images."""
        rows: list[Row] = []
        contents: list[bytes | None] = []
        for index in range(part.start, part.stop):
            path = self.images[index]
            relative = path.relative_to(self.root)
            place = normalize("NFC", as_text(relative.as_posix()))
            if path.is_dir() or path.suffix.lower() in UNREAD:
                reason = f"images ending in {path.suffix} are not read; convert it to JPEG or PNG"
                if path.is_dir():
                    reason = "the folder is a link that leads out of the root; move what it links to there"
                rows.append(Row(index + 1, [], reason, place))
                contents.append(None)
                continue
            folders = PATH_MARK.join(as_text(part) for part in relative.parts[:-1])
            rows.append(Row(index + 1, [place, place, folders]))
            contents.append(path.read_bytes())
        columns = Columns(id="id", image="image", path="path", separator=PATH_MARK)
        mapping = ColumnMap(columns, self.name, self.root.name, self.missing, decoded=True)
        yield mapping.batch(rows, ("id", "image", "path"), contents)


def open_folder(entry: SourceEntry, path: Path) -> FolderSource:
    """Return the folder of a project's `[[sources]]` entry."""
    return FolderSource(path, entry.name, entry.missing)
