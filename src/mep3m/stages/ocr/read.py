"""Reading many image files: each distinct image once, in processes, results in the files' order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from mep3m.errors import words_of
from mep3m.imaging.decode import MIN_SIDE, Pixels, UnreadableImageError, image_size, load
from mep3m.settings.ocr import OcrSettings, PoolSettings
from mep3m.stages.ocr.backends import Backend, build
from mep3m.stages.ocr.cache import ReadingCache
from mep3m.stages.ocr.lines import TextLine, clean_lines, is_single, reading_order
from mep3m.stages.ocr.pool import Failure, Limits, Pool
from mep3m.stages.ocr.promotion import score_lines
from mep3m.store.filesystem import as_text, hash_file
from mep3m.store.walk import walk

#: groups a process in one window; a window's results are held in memory until all are there
_WINDOW_GROUPS = 16


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image to read: the name it goes by in the output, its file, its SHA-256 where known."""

    name: str
    path: Path
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one image says, or why it could not be read (`error`)."""

    name: str
    lines: tuple[TextLine, ...] = ()
    error: str | None = None


class _Reader:
    """What a process does with a group of files."""

    def __init__(self, settings: OcrSettings, max_pixels: int) -> None:
        self._backend: Backend = build(settings)
        self._max_pixels = max_pixels

    def __call__(self, group: Sequence[ImageFile]) -> list[list[TextLine] | Failure]:
        """Return the lines of each file, unordered and uncleaned, or why there are none."""
        results: list[list[TextLine] | Failure] = [[] for _ in group]
        loaded: list[tuple[int, Pixels]] = []
        for index, file in enumerate(group):
            try:
                pixels = load(file.path, self._max_pixels, behind="contrast")
                if min(pixels.shape[:2]) >= MIN_SIDE:
                    loaded.append((index, pixels))
            except (UnreadableImageError, OSError) as error:
                results[index] = Failure(str(error))
        for (index, _), lines in zip(loaded, self._read([pixels for _, pixels in loaded]), strict=True):
            results[index] = lines
        return results

    def _read(self, images: Sequence[Pixels]) -> list[list[TextLine] | Failure]:
        """Read the images together; when that fails, one by one, to find the one at fault."""
        try:
            return list(self._backend.read(images)) if images else []
        except Exception as error:
            if len(images) > 1:
                return [result for image in images for result in self._read([image])]
            return [Failure(f"the reader failed: {words_of(error, 500)}")]


class ImageReader:
    """Reads files through a pool and a cache; use it as a context manager."""

    def __init__(self, settings: OcrSettings, pool: PoolSettings, cache: ReadingCache) -> None:
        self.settings = settings
        self.cache = cache
        self._group = pool.group
        workers = pool.workers or len(os.sched_getaffinity(0))
        self._window = workers * pool.group * _WINDOW_GROUPS
        limits = Limits(pool.seconds_per_image, pool.images_per_process, pool.process_memory_mb)
        self._pool: Pool[ImageFile, list[TextLine]] = Pool(
            partial(_Reader, settings, round(pool.max_megapixels * 1e6)), workers, limits
        )

    def __enter__(self) -> ImageReader:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.close()

    def read(
        self, files: Iterable[ImageFile], done: Callable[[int], object] | None = None
    ) -> Iterator[Reading]:
        """Yield a reading for each file, in the order of the files.

        `done` is called with the number of files that have just been finished. Files that failed
        are not kept in the cache: reading them again tries them again.
        """
        source = iter(files)
        while window := list(islice(source, self._window)):
            yield from self._read_window(window, done or (lambda _: None))

    def _read_window(self, window: list[ImageFile], done: Callable[[int], object]) -> Iterator[Reading]:
        """Read what the cache does not know, then answer the whole window from the cache."""
        keys: list[str | None] = []
        waiting: dict[str, int] = {}
        fresh: dict[str, ImageFile] = {}
        failures: dict[str, str] = {}
        for file in window:
            key = _key(file)
            keys.append(key)
            if key is None or self.cache.get(key) is not None:
                done(1)
                continue
            waiting[key] = waiting.get(key, 0) + 1
            fresh.setdefault(key, ImageFile(file.name, file.path, key))
        for file, result in self._pool.map(self._groups(list(fresh.values()))):
            assert file.key is not None
            if isinstance(result, Failure):
                failures[file.key] = result.reason
            else:
                self.cache.put(file.key, result)
            done(waiting[file.key])
        for file, key in zip(window, keys, strict=True):
            yield self._reading(file, key, failures)

    def _groups(self, files: list[ImageFile]) -> Iterator[list[ImageFile]]:
        """Put images of about the same size together, the largest first."""
        files = sorted(files, key=lambda file: (-_area(file), file.key))
        for start in range(0, len(files), self._group):
            yield files[start : start + self._group]

    def _reading(self, file: ImageFile, key: str | None, failures: dict[str, str]) -> Reading:
        """Order, clean and filter the raw lines of a file."""
        if key is None:
            return Reading(file.name, error="the image file cannot be opened")
        if key in failures:
            return Reading(file.name, error=failures[key])
        return Reading(file.name, tuple(finish(self.cache.get(key) or [], self.settings)))


def finish(lines: list[TextLine], settings: OcrSettings) -> list[TextLine]:
    """Turn the reader's raw lines into those of the dataset: sure enough, in order, cleaned, scored."""
    sure = [line for line in lines if line.confidence >= settings.min_confidence]
    lines = clean_lines(reading_order(sure), settings.clean)
    return score_lines(
        [line for line in lines if line.confidence >= settings.single_confidence or not is_single(line)]
    )


def image_files(folder: Path, suffixes: frozenset[str]) -> Iterator[ImageFile]:
    """Yield the images below a folder, sorted by their path relative to it."""
    images = [path for path in walk(folder) if path.suffix.lower() in suffixes and path.is_file()]
    for path in sorted(images, key=lambda path: path.relative_to(folder).as_posix()):
        yield ImageFile(as_text(path.relative_to(folder).as_posix()), path)


def _key(file: ImageFile) -> str | None:
    """Return the hash of a file's content, `None` where it cannot be opened."""
    if file.key is not None:
        return file.key
    try:
        return hash_file(file.path)
    except OSError:
        return None


def _area(file: ImageFile) -> int:
    """Return the pixels of an image, from its header."""
    try:
        with file.path.open("rb") as opened:
            width, height = image_size(opened.read(65536))
    except OSError:
        return 0
    return width * height
