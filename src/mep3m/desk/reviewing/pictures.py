"""Small pictures of items, from the folder that they came with."""

from __future__ import annotations

from mep3m.desk.reviewing.reviewing import Reviewing
from mep3m.errors import Mep3mError
from mep3m.imaging.jpeg import small_jpeg
from mep3m.settings.sources import ImageLimits
from mep3m.store.filesystem import inside


def thumbnail(reviewing: Reviewing, item: int, side: int) -> bytes | None:
    """Return the picture of an item as a JPEG of at most `side` pixels; `None` where it has none to show."""
    found = reviewing.picture(item)
    if found is None:
        return None
    try:
        path = inside(*found)
        if path.stat().st_size > ImageLimits().max_bytes:
            return None
        return small_jpeg(path, side, ImageLimits().max_pixels)
    except (Mep3mError, OSError):
        return None
