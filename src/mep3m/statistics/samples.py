"""A few rows of every category of a platform: titles and pictures for a person to look at."""

from __future__ import annotations

from dataclasses import dataclass

from mep3m.store import Store

#: titles drawn for each that is shown, because some are the same
DRAWN = 4


@dataclass(frozen=True)
class Samples:
    """Distinct titles and image hashes of one category."""

    titles: tuple[str, ...]
    images: tuple[str, ...]


def category_samples(store: Store, count: int = 5) -> dict[tuple[str, tuple[str, ...]], Samples]:
    """Return up to `count` titles and images of each (platform, path), the same ones in every run."""
    query = (
        "SELECT source, source_path, arg_min(title, (hash(id), id), $drawn) FILTER (title IS NOT NULL), "
        "arg_min(image, (hash(id), id), $drawn) FILTER (image IS NOT NULL) "
        "FROM products WHERE dropped IS NULL GROUP BY source, source_path"
    )
    rows = store.connect().execute(query, {"drawn": DRAWN * count}).fetchall()
    return {
        (source, tuple(path or ())): Samples(_distinct(titles, count), _distinct(images, count))
        for source, path, titles, images in rows
    }


def _distinct(values: list[str] | None, count: int) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values or ()))[:count]
