"""Append-only files of JSON lines: a written line is on disk; one cut short by a kill is passed over."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from mep3m.errors import FormatError


def now() -> str:
    """Return the date and time of this moment in UTC, to the second, as logs and decisions carry it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def append_line(path: Path, value: Mapping[str, Any]) -> None:
    """Append one JSON line that is on disk when this returns; a torn last line is completed first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                file.write(b"\n")
        file.write(orjson.dumps(value, default=dict) + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Read an append-only file of JSON lines; [] where there is none.

    A line that a killed process left torn is passed over when nothing whole was lost with it: it
    was never reported as done.

    Raises:
        FormatError: a line is not a JSON object.
    """
    if not path.exists():
        return []
    rows: list[dict[str, Any]] = []
    lines = path.read_bytes().split(b"\n")
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            row = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            if _torn(text):
                continue
            raise FormatError(f"{path}: line {number} is not JSON: {error}") from None
        if not isinstance(row, dict):
            raise FormatError(f"{path}: line {number} is not a JSON object")
        rows.append(row)
    return rows


def _torn(text: bytes) -> bool:
    """Say whether a line is an object that was begun and never closed."""
    plain = re.sub(rb'"(?:[^"\\]|\\.)*"?', b"", text)  # braces inside strings do not count
    return text.startswith(b"{") and plain.count(b"{") > plain.count(b"}")
