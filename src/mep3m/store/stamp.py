"""Stamps: what a result was made from, noted beside it, so that it is made again only when that has changed.

A stamp is a JSON file that is written after its result. Its `key` is the fingerprint of everything that
decides the result (the input's own fingerprint, the settings) and of this version; further facts may stand
beside it, so a result's own summary can be its stamp. Times of files say nothing: a copied folder is as
current as the one it was copied from.

A stamp that is missing, damaged or of another version is not current: the result is made again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from mep3m import __version__
from mep3m.store.json_files import fingerprint, write_json


def make_key(made_from: Any) -> str:
    """Return 16 hex digits that change when `made_from` (anything JSON can hold) or the version changes."""
    return fingerprint([made_from, __version__])


def is_current(stamp: Path, made_from: Any, *results: Path) -> bool:
    """Say whether the results are there and were made from just this; never raises over what is on disk."""
    try:
        content = orjson.loads(stamp.read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return False
    same = isinstance(content, dict) and content.get("key") == make_key(made_from)
    return same and all(path.exists() for path in results)


def write_stamp(stamp: Path, made_from: Any, **facts: Any) -> None:
    """Note what a result was made from; call it when the result is whole. `facts` are JSON values."""
    write_json(stamp, {**facts, "key": make_key(made_from)})


def look_at(path: Path) -> tuple[int, int]:
    """Return size in bytes and time of change in nanoseconds: what stands for a user's file that is not read.

    Raises:
        OSError: there is no such file.
    """
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns
