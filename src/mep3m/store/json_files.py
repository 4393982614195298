"""JSON files that appear whole, and what stands for a value or a text: its hash."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from mep3m.errors import FormatError, NotFoundError
from mep3m.store.filesystem import atomic_write


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON; the file appears whole or not at all."""
    with atomic_write(path) as temporary:
        options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY
        temporary.write_bytes(orjson.dumps(value, option=options))


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        NotFoundError: there is no such file.
        FormatError: it is not JSON.
    """
    try:
        return orjson.loads(path.read_bytes())
    except FileNotFoundError:
        raise NotFoundError(f"{path} does not exist") from None
    except orjson.JSONDecodeError as error:
        raise FormatError(f"{path} is not JSON: {error}") from error


def fingerprint(value: Any) -> str:
    """Return 16 hex digits that change when `value` (anything JSON can hold) changes."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS, default=str)
    return hashlib.sha256(text).hexdigest()[:16]


def key_of(text: str) -> int:
    """Return 64 bits of BLAKE2b that stand for a text, as a signed number: what SQLite and NumPy hold."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little", signed=True)
