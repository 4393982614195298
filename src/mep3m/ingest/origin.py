"""What a store was made from: its sources, their files, and whether those have changed since."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from mep3m.errors import NotFoundError, StoreError
from mep3m.ingest.request import ORIGIN
from mep3m.settings.sources import SourceEntry
from mep3m.sources.base import Source
from mep3m.sources.catalogue import open_source
from mep3m.sources.images.intake import Intake
from mep3m.store import Plan, Store
from mep3m.store.filesystem import as_text, hash_file
from mep3m.store.json_files import read_json, write_json
from mep3m.store.layout import Layout
from mep3m.store.rejects import INGEST
from mep3m.store.stamp import look_at
from mep3m.store.store import read_manifest

#: more files than this are told apart by size and time instead of content
HASHED_FILES = 100


@dataclass(frozen=True)
class Catalogues:
    """The sources of one store with the places of their images; small enough to travel to a worker."""

    entries: tuple[SourceEntry, ...]
    base: Path
    images: Path

    def source(self, index: int) -> Source:
        """Open one source."""
        return open_source(self.entries[index], self.base)

    def intake(self, index: int) -> Intake:
        """Return what takes in the images of one source.

        Raises:
            NotFoundError: the folder or archive of images does not exist.
        """
        entry = self.entries[index]
        root = self.base / entry.image_root if entry.image_root is not None else None
        if root is not None and not root.exists():
            raise NotFoundError(f"the image folder {root} of source '{entry.name}' does not exist")
        return Intake(self.images, root, entry.limits, entry.fetch)

    def files(self, index: int) -> list[Path]:
        """Return the files that decide what is in the store: those of one source, and its taxonomy.

        Raises:
            NotFoundError: the taxonomy does not exist.
        """
        entry = self.entries[index]
        if entry.taxonomy is None:
            return self.source(index).files()
        taxonomy = self.base / entry.taxonomy
        if not taxonomy.is_file():
            raise NotFoundError(f"the taxonomy {taxonomy} of source '{entry.name}' does not exist")
        return [*self.source(index).files(), taxonomy]


def describe_inputs(catalogues: Catalogues, folder: Path) -> list[dict[str, Any]]:
    """Return path, size, time and content hash of every input file; known hashes are not made again."""
    known = {item["path"]: item for item in _origin(folder).get("inputs", [])}
    inputs = []
    for index in range(len(catalogues.entries)):
        files = catalogues.files(index)
        for path in files:
            item: dict[str, Any] = _stat(path)
            before = known.get(item["path"])
            if before is not None and {**before, "sha256": None} == {**item, "sha256": None}:
                item = before
            elif len(files) <= HASHED_FILES:
                item["sha256"] = hash_file(path)
            inputs.append(item)
        # a source that is no file says by its rows what it was read from
        if described := getattr(catalogues.source(index), "described_rows", None):
            inputs.append(described())
    return inputs


def unchanged(folder: Path, settings: list[dict[str, Any]], catalogues: Catalogues) -> bool:
    """Whether a finished store was made from these very files and settings; looks at sizes and times only."""
    manifest = _finished(folder)
    if manifest is None or any(entry.database for entry in catalogues.entries):
        return False  # a database does not say whether it has changed
    origin = _origin(folder)
    if manifest["settings"].get("sources") != orjson.loads(orjson.dumps(settings)):
        return False
    known = {item["path"]: (item["size"], item["mtime_ns"]) for item in origin.get("inputs", [])}
    now: dict[str, tuple[int, int]] = {}
    for index in range(len(catalogues.entries)):
        for path in catalogues.files(index):
            item = _stat(path)
            now[item["path"]] = (item["size"], item["mtime_ns"])
    return now == known


def compare(folder: Path, plan: Plan) -> str:
    """Return whether the folder holds a finished store of this plan's sources: 'same' or 'older' input.

    'other' is everything else: nothing, an unfinished store, other sources or settings.
    """
    manifest = _finished(folder)
    if manifest is None:
        return "other"
    settings = orjson.loads(orjson.dumps(plan.settings))
    if manifest["step"] != INGEST or manifest["settings"].get("sources") != settings["sources"]:
        return "other"
    return "same" if manifest["settings"]["inputs"] == settings["inputs"] else "older"


def _finished(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a finished store, `None` where there is none or a shard is missing."""
    if not Layout(folder).finished:
        return None
    store = Store(folder, read_manifest(folder))
    return store.manifest if all(path.exists() for path in store.shards) else None


def decisive(entry: SourceEntry) -> dict[str, Any]:
    """Return what of an entry decides the products; where files lie on this machine does not."""
    settings = entry.model_dump(
        mode="json", exclude={"path", "image_root", "taxonomy", "fetch", "max_withdrawn"}
    )
    # names of an earlier version, so that its stores stay up to date
    settings["columns"]["source"] = settings["columns"].pop("platform")
    settings["images"] = entry.image_root is not None
    settings["fetch"] = entry.fetch.enabled
    for name in ("delimiter", "skip_lines", "sheet", "header_row", "shop", "database"):
        if not settings[name]:  # stores made before there was such a setting stay what they are
            del settings[name]
    if entry.database is not None:
        settings["database"] = entry.database.model_dump(mode="json", include={"query", "key", "batch_rows"})
    return settings


def portable(item: dict[str, Any]) -> dict[str, Any]:
    """Return what of an input file is the same on every machine."""
    name = Path(item["path"]).name
    if item["sha256"] is not None:
        return {"file": name, "sha256": item["sha256"]}
    return {"file": name, "size": item["size"], "mtime_ns": item["mtime_ns"]}


def _stat(path: Path) -> dict[str, Any]:
    size, time = look_at(path)
    return {"path": as_text(str(path.resolve())), "size": size, "mtime_ns": time, "sha256": None}


def _origin(folder: Path) -> dict[str, Any]:
    path = folder / ORIGIN
    content = read_json(path) if path.exists() else {}
    return content if isinstance(content, dict) else {}


def write_origin(folder: Path, catalogues: Catalogues, inputs: list[dict[str, Any]]) -> None:
    """Note where the input of a store lies on this machine, and what it looked like."""
    entries = [entry.model_dump(mode="json") for entry in catalogues.entries]
    note = {"base": str(catalogues.base.resolve()), "entries": entries, "inputs": inputs}
    write_json(folder / ORIGIN, note)


def catalogues_of(folder: Path) -> Catalogues:
    """Return the sources that a store was made from, as this machine remembers them.

    Raises:
        StoreError: the store remembers none (it was made by another stage, or copied without the note).
    """
    origin = _origin(folder)
    if not origin:
        raise StoreError(
            f"{folder} does not remember its input ({ORIGIN} is missing); run 'mep3m ingest' on it again"
        )
    entries = tuple(SourceEntry.parse(entry, str(folder / ORIGIN)) for entry in origin["entries"])
    return Catalogues(entries, Path(origin["base"]), Layout(folder).images)
