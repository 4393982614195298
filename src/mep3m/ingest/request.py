"""The same command once more: known for the same before anything heavy is imported.

Only the standard library and orjson are needed to look; anything that is not plainly the same
(another file, option or version, a store that has changed since) is left to `ingest`, which looks closely.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from mep3m import __version__

#: beside a store's shards: the command that finished it, and what its input looked like then
REQUEST = "request.json"


def answered(folder: Path, file: Path, options: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the manifest of the store that this very command finished, or `None` where anything differs."""
    try:
        if orjson.loads((folder / REQUEST).read_bytes()) != _request(folder, file, options):
            return None
        return dict(orjson.loads((folder / "manifest.json").read_bytes()))
    except (OSError, orjson.JSONDecodeError):
        return None


def note_answer(folder: Path, file: Path, options: Mapping[str, Any]) -> None:
    """Note that a command has finished this store; only for a catalogue that is one file.

    A folder's files would have to be listed by its source, which is what `answered` is to spare.
    """
    from mep3m.store.json_files import write_json

    if file.is_file():
        write_json(folder / REQUEST, _request(folder, file, options))


def _request(folder: Path, file: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that must be equal.

    Sizes and times of manifest and origin and the number of shards stand for the whole store: a damaged
    shard that somebody deleted is made again.
    """
    plain = {name: [*value] if isinstance(value, tuple) else value for name, value in options.items()}
    return {
        "version": __version__,
        "file": str(file.resolve()),
        "options": plain,
        "input": _look(file),
        "taxonomy": _look(Path(options["taxonomy"])) if options.get("taxonomy") else None,
        "manifest": _look(folder / "manifest.json"),
        "origin": _look(folder / "origin.json"),
        "shards": len(list((folder / "shards").glob("[0-9]*.parquet"))),
        "update": (folder / "update").exists(),
        "here": str(Path.cwd()),
    }


def _look(path: Path) -> list[int]:
    """Return size and time of a file."""
    facts = path.stat()
    return [facts.st_size, facts.st_mtime_ns]
