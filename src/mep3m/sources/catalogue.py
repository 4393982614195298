"""Sources by the name of their format; to add one, write a class and its line in `formats`."""

from __future__ import annotations

import importlib
from pathlib import Path

from mep3m.errors import NotFoundError, UsageError, did_you_mean
from mep3m.settings.sources import SourceEntry
from mep3m.sources.base import Source
from mep3m.sources.format_names import ENDINGS, FORMATS, named_format, says_nothing
from mep3m.store.walk import listed


def open_source(entry: SourceEntry, base: Path = Path()) -> Source:
    """Return the source of an entry; its paths are relative to `base`.

    Raises:
        NotFoundError: there is no such file or folder.
        UsageError: no format has this name, or the file's name says none.
    """
    path = base / entry.path
    if not path.exists():
        raise NotFoundError(f"{path} does not exist")
    name = entry.format or find_format(path)
    if name not in FORMATS:
        raise UsageError(f"no format '{name}'{did_you_mean(name, FORMATS)}")
    module, _, function = FORMATS[name].partition(":")
    source: Source = getattr(importlib.import_module(module), function)(
        entry.model_copy(update={"format": name}), path
    )
    return source


def find_format(path: Path) -> str:
    """Return the format that a path's name, or the first byte of a JSON file, says.

    Raises:
        UsageError: nothing says it.
    """
    if path.is_dir():
        endings = {child.suffix.lower() for child in listed(path) if child.is_file()}
        known = sorted(endings & {".tar", ".html", ".htm"})
        if not known and any(path.glob("instances_*.json")):
            return "rpc"
        return ENDINGS[known[0]] if known else "folder"
    name = path.with_suffix("") if path.suffix == ".gz" else path
    if name.suffix.lower() == ".json":
        with path.open("rb") as file:
            return "rpc" if file.read(4096).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else "mep3m"
    format_name = named_format(path)
    if format_name is None:
        raise UsageError(says_nothing(path, FORMATS))
    return format_name
