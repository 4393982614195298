"""The same command once more: known for the same before anything heavy is imported.

No Arrow is imported to look; anything that is not plainly the same
(another file, option or version, a store that has changed since) is left to `ingest`, which looks closely.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from mep3m.store.layout import Layout
from mep3m.store.stamp import is_current, look_at, write_stamp

#: beside a store's shards: where its input was on this machine, and what it looked like
ORIGIN = "origin.json"
#: beside a store's shards: the stamp of the command that finished it
REQUEST = "request.json"


def answered(folder: Path, file: Path, options: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the manifest of the store that this very command finished, or `None` where anything differs."""
    try:
        if not is_current(folder / REQUEST, _request(folder, file, options)):
            return None
        return dict(orjson.loads(Layout(folder).manifest.read_bytes()))
    except (OSError, orjson.JSONDecodeError):
        return None


def note_answer(folder: Path, file: Path, options: Mapping[str, Any]) -> None:
    """Note that a command has finished this store; only for a catalogue that is one file.

    A folder's files would have to be listed by its source, which is what `answered` is to spare.
    """
    if file.is_file():
        write_stamp(folder / REQUEST, _request(folder, file, options))


def _request(folder: Path, file: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that must be equal.

    Sizes and times of manifest and origin and the number of shards stand for the whole store: a damaged
    shard that somebody deleted is made again.
    """
    at = Layout(folder)
    plain = {name: [*value] if isinstance(value, tuple) else value for name, value in options.items()}
    return {
        "file": str(file.resolve()),
        "options": plain,
        "input": look_at(file),
        "taxonomy": look_at(Path(options["taxonomy"])) if options.get("taxonomy") else None,
        "manifest": look_at(at.manifest),
        "origin": look_at(folder / ORIGIN),
        "shards": len(at.shards()),
        "update": at.update.exists(),
        "here": str(Path.cwd()),
    }
