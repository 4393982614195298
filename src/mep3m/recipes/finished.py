"""Whether a folder holds a finished run, and of what: no run is trained over another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mep3m.dataset.reading import Opened
from mep3m.dataset.splits import Split
from mep3m.errors import FormatError, UsageError
from mep3m.settings.run import RunSettings
from mep3m.settings.sources import Columns
from mep3m.store.images import Images
from mep3m.store.json_files import fingerprint, read_json

#: what a row shows a model
_SHOWN = ("id", "title", "ocr", "image", "image_ref")
#: rows held as Python objects at a time
_BATCH = 65_536


def made_from(
    opened: Opened, columns: Columns, settings: RunSettings, split: Split | None
) -> dict[str, str | None]:
    """Return fingerprints of what a run is made from: its data, columns, settings and split.

    Of an image that is no part of a store, name and size count.
    """
    rows = opened.dataset.products.select(_SHOWN)
    parts = [_shown(batch.to_pylist(), opened.images) for batch in rows.to_batches(max_chunksize=_BATCH)]
    return {
        "data": fingerprint([*parts, fingerprint(opened.dataset.cells)]),
        "columns": fingerprint(columns.model_dump(mode="json")),
        "settings": fingerprint(settings.model_dump(mode="json")),
        "split": split.id if split else None,
    }


def _shown(rows: list[dict[str, Any]], images: Images | None) -> str:
    return fingerprint([[list(row.values()) for row in rows], _sizes(images, rows)])


def _sizes(images: Images | None, rows: list[dict[str, Any]]) -> list[int | None]:
    sizes: list[int | None] = []
    for row in rows if images is not None and not any(row["image"] for row in rows) else ():
        try:
            found = images.locate(row) if images is not None else None
            sizes.append(found.stat().st_size if isinstance(found, Path) else None)
        except (OSError, FormatError):
            sizes.append(None)
    return sizes


def finished_card(out: Path, made: dict[str, str | None], again: str) -> dict[str, Any] | None:
    """Return the card of the run that `out` holds, if it is made from the same; `None` where it holds none.

    `again` is how the caller says that another run is to be replaced.

    Raises:
        UsageError: it holds a finished run that was made from something else.
    """
    if not (out / "run.json").exists() or not (out / "card.json").exists():
        return None
    before = read_json(out / "run.json").get("made_from") or {}
    other = [name for name, value in made.items() if name not in before or before[name] != value]
    if other:
        raise UsageError(
            f"{out} holds a finished run with other {' and '.join(other)}; "
            f"choose another folder, or replace it with {again}"
        )
    card: dict[str, Any] = read_json(out / "card.json")
    return card
